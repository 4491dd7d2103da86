import { expect, test } from "vitest";

import type { Candidate } from "@/api/dispatchTypes";
import type { Officer, Task } from "@/api/types";
import { setLanguage } from "@/i18n";
import { reasonText } from "@/i18n/reason";
import { officerFeatures } from "@/map/features";
import { deeds } from "@/officer/myTasks";
import { byNearness } from "@/task/reassigning";
import { aTask } from "./fixtures";

const place = { lat: 31.2, lon: 121.4 };

function officer(id: string, lat: number | null, more: Partial<Officer> = {}): Officer {
  const at = lat === null ? null : { lat, lon: 121.4, accuracy_m: 5, at: "2026-11-22T08:00:00Z", age_s: 10, source: "page" as const };
  return { id, name: id, team: "t", on_shift: true, place: at, open_tasks: 0, skills: [], device: false, ...more };
}

const candidate = (officer: string, eta_s: number): Candidate => ({
  officer, team: "t", total_s: eta_s, eta_s, load_s: 0, grid_s: 0, stale_s: 0, skill_s: 0, age_s: 5, road: true,
});

const task = (more: Partial<Task> = {}): Task => ({ ...aTask({ state: "accepted", officer: "me", accepted_at: "2026-11-22T08:00:00Z" }), place, ...more });

test("the nearest come first, by the last choice's time or by where they are; who is unknown comes last", () => {
  const people = [officer("unknown", null), officer("far", 31.3), officer("near", 31.21), officer("road", 31.2), officer("me", 31.2), officer("off", 31.2, { on_shift: false })];
  expect(byNearness(people, [candidate("road", 900)], task()).map(({ id, minutes }) => [id, minutes])).toEqual([
    ["near", 4],
    ["road", 15],
    ["far", 31],
    ["unknown", null],
  ]);
});

test("who has a task may hand it over before he arrived, and nobody else may", () => {
  expect(deeds(task(), "me", new Set())).toContain("hand-over");
  expect(deeds(task({ state: "arrived", deadlines: { accept: null, arrive: null } }), "me", new Set())).toEqual(["handle", "false-alarm"]);
  expect(deeds(task(), "other", new Set())).toEqual([]);
});

test("a position that is not of this moment says on the map how old it is", () => {
  setLanguage("en");
  const seen = (age_s: number): unknown => {
    const one = officer("Li", 31.2);
    if (one.place) one.place.age_s = age_s;
    return officerFeatures([one]).features[0]?.properties?.name;
  };
  expect([seen(20), seen(179), seen(400)]).toEqual(["Li", "Li", "Li, 6 min ago"]);
});

test("why a neighbour was asked is said in words", () => {
  setLanguage("en");
  const reason = { key: "neighbour_team", params: { because: "all_busy", eta_s: 240 } };
  expect(reasonText(reason, "dispatch")).toBe("From a neighbouring grid (Everybody of the grid's team has a task in hand), about 240 s away");
});
