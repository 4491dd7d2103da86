import { describe, expect, it } from "vitest";

import type { ReviewCell, ReviewTable, Verdict } from "@/api/bureauTypes";
import type { Reading, Readings, Station } from "@/api/types";
import { dayCurve } from "@/bureau/dayCurve";
import { dayAfter, instant, isDay, isMonth, midnight, monthAfter, spanOf, today } from "@/bureau/days";
import { counts, gathered, limitsUsed, pagesOf } from "@/bureau/hours";
import { isOver, judged, lastHeard } from "@/bureau/latest";
import { share, signed, value } from "@/bureau/numbers";
import { verdictsByVersion } from "@/bureau/revised";

describe("days of the city", () => {
  it("begin at 16:00 UTC, whatever the browser's zone", () => {
    expect(new Date(midnight("2026-11-22")).toISOString()).toBe("2026-11-21T16:00:00.000Z");
    expect(today(Date.parse("2026-11-21T16:00:00Z"))).toBe("2026-11-22");
    expect(instant("2026-11-22T08:30")).toBe("2026-11-22T00:30:00.000Z");
  });

  it("are counted over the ends of months and years", () => {
    expect([dayAfter("2026-12-31", 1), dayAfter("2028-03-01", -1)]).toEqual(["2027-01-01", "2028-02-29"]);
    expect([monthAfter("2026-12", 1), monthAfter("2026-01", -1), monthAfter("2026-11", 14)]).toEqual(["2027-01", "2025-12", "2028-01"]);
  });

  it.each(["", "2026-13", "2026-1", "x"])("refuse %s", (text) => expect([isMonth(text), isDay(`${text}-01`)]).toEqual([false, false]));

  it("make the span of a curve: the day, its week, its quarter", () => {
    const days = (kind: string): number => {
      const { from, to } = spanOf(kind, "2026-11-22");
      return (Date.parse(to) - Date.parse(from)) / 86_400_000;
    };
    expect(["rtd", "min", "hour", "day"].map(days)).toEqual([1, 1, 7, 90]);
  });
});

const reading = (minute: number, change: Partial<Reading> = {}): Reading => ({ ts: new Date(minute * 60_000).toISOString(), value: minute, converted: null, flag: "N", late: false, revision: 0, ...change });

describe("a day's curve", () => {
  const readings: Readings = {
    items: [reading(0), reading(1, { flag: "D" }), reading(2, { converted: 7 }), reading(9, { late: true }), reading(10, { revision: 2 })],
    unit: "mg/m3",
    limits: [{ kind: "min", limit: 9, lower: 6, converted: true }, { kind: "hour", limit: 5 }],
    next: null,
  };
  const drawn = dayCurve(readings, "min");

  it("breaks where readings are missing and shows the converted value where the limit speaks of it", () => {
    expect(drawn.line.map(([, of]) => of)).toEqual([0, 1, 7, null, 9, 10]);
  });

  it("marks what is flagged, late or revised, and draws both limits of its kind", () => {
    expect([drawn.flagged, drawn.late, drawn.revised].map((points) => points.map(([at]) => at / 60_000))).toEqual([[1], [9], [10]]);
    expect(drawn.limits.map((one) => [one.value, one.lower])).toEqual([[9, false], [6, true]]);
  });

  it("shows a reading that has no neighbour, through which no line goes", () => {
    expect(drawn.alone).toEqual([]);
    const [first, , , last] = readings.items;
    const apart = [first, last].flatMap((one) => one ?? []);
    expect(dayCurve({ ...readings, items: apart.slice(0, 1) }, "min").alone).toHaveLength(1);
    expect(dayCurve({ ...readings, items: apart }, "min").alone).toEqual([]);
  });

  it("is empty without readings", () => expect(dayCurve({ ...readings, items: [] }, "min").line).toEqual([]));
});

function cell(hour: number, verdict: Verdict, reason = "device_mean"): ReviewCell {
  return {
    ts: new Date(hour * 3_600_000).toISOString(), kind: "hour", verdict, reason, expected: 60, received: 60, valid: 60, device_value: 1, device_converted: null,
    device_flag: "N", own_value: 1, own_converted: null, judged_value: 1, limit: 35, lower: null, limit_source: "GB", unverified: true, late: false,
    reviewed_at: "", revision: 0,
  };
}

describe("the valid-hour table", () => {
  const channels = ["a", "b", "c"].map((code) => ({ code, unit: "mg/m3", role: "" }));
  const table: ReviewTable = {
    station: { id: "1", name: "1" }, enterprise: null, kind: "hour", since: "", until: "", channels, whole: {},
    rows: [0, 1, 2].map((hour) => ({
      ts: "",
      cells: { a: cell(hour, hour === 1 ? "invalid" : "ok", hour === 1 ? "too_few" : "x"), b: cell(hour, hour === 1 ? "invalid" : "over", hour === 1 ? "too_few" : "x") },
    })),
  };

  it("gathers what needs a word: channels with the same trouble at the same time make one remark", () => {
    expect(gathered(table).map(({ codes, verdict, times }) => [codes, verdict, times.length])).toEqual([
      [["b"], "over", 2],
      [["a", "b"], "invalid", 1],
    ]);
  });

  it("names each limit once, and counts what is valid and over", () => {
    expect(limitsUsed(table).map(({ code, limit, unverified }) => [code, limit, unverified])).toEqual([["a", 35, true], ["b", 35, true]]);
    expect([counts(table, "a"), counts(table, "b"), counts(table, "c")]).toEqual([{ valid: 2, over: 0 }, { valid: 2, over: 2 }, { valid: 0, over: 0 }]);
  });

  it.each([[0, []], [1, [1]], [4, [4]], [5, [3, 2]], [9, [3, 3, 3]]])("splits %i channels over pages evenly", (n, sizes) => {
    const many = Array.from({ length: n }, (_, i) => ({ code: String(i), unit: "", role: "" }));
    expect(pagesOf(many).map((page) => page.length)).toEqual(sizes);
    expect(pagesOf(many).flat()).toEqual(many);
  });
});

describe("verdicts of a revised reading", () => {
  it("stand under the content that was current when they were made", () => {
    const versions = ["01", "03", "05"].map((hour, revision) => reading(0, { received_at: `2026-11-22T${hour}:00:00Z`, revision }));
    const verdicts = ["01", "06", "07"].map((hour) => ({ ...cell(0, "ok"), reviewed_at: `2026-11-22T${hour}:05:00Z` }));
    expect(verdictsByVersion({ ts: "", versions, verdicts }).map((under) => under.length)).toEqual([1, 0, 2]);
    expect(verdictsByVersion({ ts: "", versions, verdicts: [{ ...cell(0, "ok"), reviewed_at: "2026-11-21T00:00:00Z" }] })[0]).toHaveLength(1);
  });
});

describe("a channel's newest value", () => {
  const channel = (valueOf: number, flag = "N") => ({
    code: "w01001", unit: "", limits: [{ kind: "rtd" as const, limit: 9, lower: 6, schedule: "" }],
    latest: { ts: "2026-11-22T00:00:00Z", kind: "rtd" as const, value: valueOf, converted: null, flag },
  });

  it("is over above the limit and below the lower one, never when flagged", () => {
    expect([5.9, 6, 9, 9.1].map((of) => isOver(channel(of)))).toEqual([true, false, false, true]);
    expect(isOver(channel(99, "M"))).toBe(false);
    expect([judged(channel(7)), judged({ ...channel(7), latest: null })]).toEqual([7, null]);
  });

  it("tells when the station was heard", () => {
    const station = { channels: [channel(7), { ...channel(7), latest: null }] } as unknown as Station;
    expect(lastHeard(station)).toBe(Date.parse("2026-11-22T00:00:00Z"));
    expect(lastHeard({ channels: [] } as unknown as Station)).toBeNull();
  });
});

describe("numbers", () => {
  it("are written as people read them", () => {
    expect([value(41.2345), value(12), value(null), share(0.95432), share(null)]).toEqual(["41.23", "12", "—", "95.4 %", "—"]);
    expect([signed(78.4), signed(-2.14), signed(0)]).toEqual(["+78", "-2.1", "0"]);
  });
});
