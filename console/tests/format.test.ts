import { describe, expect, it } from "vitest";

import { ago } from "@/time/ago";
import { formatClock, formatDay, formatMoment, formatSpan } from "@/time/format";

describe("formatSpan", () => {
  it.each([
    [0, "0:00"],
    [999, "0:00"],
    [7_000, "0:07"],
    [300_000, "5:00"],
    [754_000, "12:34"],
    [3_723_000, "1:02:03"],
    [-65_000, "1:05"],
    [2 * 86_400_000 + 5 * 3_600_000, "2d 05:00"],
  ])("says %i ms as %s", (ms, text) => expect(formatSpan(ms)).toBe(text));
});

describe("ago", () => {
  it.each([
    [-400, "刚刚"],
    [1_999, "刚刚"],
    [4_200, "4 秒前"],
    [119_000, "119 秒前"],
    [120_000, "2 分钟前"],
    [7_200_000, "2 小时前"],
    [2 * 86_400_000, "2 天前"],
  ])("says %i ms as %s", (ms, text) => expect(ago(ms)).toBe(text));
});

describe("moments", () => {
  it("are told in Asia/Shanghai whatever the machine's zone", () => {
    expect(formatMoment("2026-11-22T16:30:05Z")).toBe("2026-11-23 00:30:05");
    expect(formatClock("2026-11-22T23:59:59.900Z")).toBe("07:59:59");
    expect(formatDay("2026-12-31T16:00:00Z")).toBe("2027-01-01");
  });

  it("that are absent or broken are a dash", () => {
    for (const at of [null, undefined, "soon"]) expect(formatClock(at)).toBe("—");
  });
});
