import { describe, expect, it } from "vitest";

import type { TimelineEntry } from "@/api/types";
import { actorText, detailText } from "@/task/timeline";
import { iso } from "./fixtures";

const names = { officer: (id: string): string => ({ o1: "张伟" })[id] ?? id };
const entry = (type: string, detail: TimelineEntry["detail"], actor: string | null = null): TimelineEntry => ({ n: 1, at: iso(0), type, actor, detail });

describe("an entry of the time line", () => {
  it.each([
    ["task_offered", { officer: "o1", to: "officer", reason: "nearest", candidates: 3, distance_m: 804 }, "张伟 · 当班 3 人中综合用时最少，相距 804 m"],
    ["task_arrived", { officer: "o1", distance_m: 23.4, accuracy_m: 8 }, "张伟 · 距任务地点 23.4 m，定位精度 ±8 m"],
    ["deadline_breached", { deadline: "accept", late_s: 0.4, matter: 1 }, "响应超时，已超 0:00"],
    ["task_offered", { officer: "o1", to: "next_officer", reason: "neighbour_team", because: "all_busy", eta_s: 294 }, "张伟 · 邻近网格班组（责任班组人员都有任务在身），约 294 秒路程"],
    ["escalated", { to: "lead", step: 1, reason: "not_accepted" }, "队长 · 无人响应"],
    ["matter_joined", { kind: "dumping", severity: 2, matter: 2, reason: "same_enterprise" }, "倾倒垃圾 · 较重 · 同一企业"],
    ["evidence_stored", { kind: "clip", evidence: "x" }, "视频"],
    ["evidence_purged", { kind: "clip", evidence: "x", reason: "quota_closed" }, "视频：结案证据超出配额"],
    ["task_handled", { outcome: "false_alarm" }, "误报"],
    ["deed_refused", { action: "arrive", reason: "too_far" }, "报到场：离任务地点太远"],
    ["deed_refused", { action: "arrive", reason: "already_arrived" }, "报到场：已经到场"],
    ["task_opened", { grid: "g1" }, ""],
    ["task_offered", {}, ""],
    ["brand_new", { officer: "o1" }, ""],
  ])("%s %j reads %s", (type, detail, text) => expect(detailText(entry(type, detail), names)).toBe(text));

  it("names who did it, once, and not the system", () => {
    expect(actorText(entry("task_verified", {}, "centre"), names)).toBe("centre");
    expect(actorText(entry("task_accepted", { officer: "o1" }, "o1"), names)).toBe("");
    expect(actorText(entry("deadline_breached", {}, null), names)).toBe("");
  });
});
