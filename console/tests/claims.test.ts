import { afterEach, describe, expect, it } from "vitest";

import type { Evidence, TimelineEntry } from "@/api/types";
import { setLanguage } from "@/i18n";
import { certificateText } from "@/task/evidenceText";
import { claimText, detailText } from "@/task/timeline";

const names = { officer: (id: string) => id };
const entry = (type: string, detail: TimelineEntry["detail"]): TimelineEntry => ({ n: 1, at: "2026-11-22T03:40:12Z", type, actor: "wang", detail });

afterEach(() => setLanguage("zh-CN"));

describe("what a phone claims", () => {
  it("is told beside when it is well apart from the receipt, and not otherwise", () => {
    const claimed_at = "2026-11-22T02:07:00+00:00";
    expect(claimText(entry("task_arrived", { claimed_at, received_late_s: 5592 }))).toBe("手机时间 10:07:00，收到晚 1:33:12，以收到时间为准");
    expect(claimText(entry("task_arrived", { claimed_at, claimed_ahead_s: 3600 }))).toContain("手机时钟快 1:00:00");
    expect(claimText(entry("task_arrived", { claimed_at }))).toBe("");
    expect(claimText(entry("task_offered", {}))).toBe("");
  });

  it("is told of a refused deed too, with what was wanted and why not", () => {
    const refused = entry("deed_refused", { action: "arrive", reason: "taken_by_other" });
    expect(detailText(refused, names)).toBe("报到场：此任务已由他人接受");
  });
});

describe("the events of a case", () => {
  it("are told in words", () => {
    expect(detailText(entry("case_reviewed", { part: "legal", verdict: "passed" }), names)).toBe("法制审核：通过");
    expect(detailText(entry("case_status", { status: "evidence" }), names)).toBe("已确认为证据");
    setLanguage("en");
    expect(detailText(entry("hold_set", { reason: "appeal" }), names)).toBe("appeal");
  });
});

describe("a device's certificate", () => {
  const piece = (details: Evidence["details"]): Evidence => ({ details }) as Evidence;

  it("is named with its end, and when it had ended already", () => {
    expect(certificateText(piece({}))).toBe("");
    expect(certificateText(piece({ certificate: "JD-1" }))).toBe("设备证书 JD-1");
    expect(certificateText(piece({ certificate: "JD-1", certificate_until: "2027-01-31" }))).toBe("设备证书 JD-1，有效期至 2027-01-31");
    const expired = { certificate: "JD-1", certificate_until: "2025-01-31", certificate_expired: true };
    expect(certificateText(piece(expired))).toContain("已过期");
  });
});
