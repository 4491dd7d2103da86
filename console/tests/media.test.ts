import { describe, expect, it } from "vitest";

import type { Evidence } from "@/api/types";
import { setLanguage } from "@/i18n";
import { evidenceFacts } from "@/task/evidenceText";
import { shots } from "@/task/media";
import { aMatter, aTask } from "./fixtures";

function piece(change: Partial<Evidence>): Evidence {
  return {
    id: change.kind ?? "x",
    kind: "clip",
    state: "stored",
    sha256: "ab",
    url: `/e/${change.kind}`,
    media_type: "video/mp4",
    derived_from: null,
    captured_at: null,
    reason: null,
    camera: "c1",
    size_bytes: 1,
    details: {},
    ...change,
  };
}

const clip = (codec: string): Evidence => piece({ kind: "clip", details: { codec } });
const copy = (change: Partial<Evidence> = {}): Evidence => piece({ kind: "clip_copy", derived_from: "clip", details: { codec: "h264" }, ...change });
const shot = (evidence: Evidence[], plays: string[]) => shots(aTask({ matters: [aMatter({ evidence })] }), (codec) => plays.includes(codec))[0];

describe("what is played of a matter", () => {
  it.each([
    ["the clip where the browser plays it", [clip("h265"), copy()], ["h264", "h265"], "clip", null],
    ["the copy where it does not", [clip("h265"), copy()], ["h264"], "clip_copy", "clip"],
    ["the copy that is still made, and the clip can be fetched", [clip("mjpeg"), copy({ state: "pending" })], ["h264"], "clip_copy", "clip"],
    ["the copy of a clip that is no longer kept", [{ ...clip("h264"), state: "purged" }, copy()], ["h264"], "clip_copy", "clip"],
    ["the clip where there is no copy", [clip("h264")], ["h264"], "clip", null],
  ] as const)("is %s", (_, evidence, plays, played, copied) => {
    const made = shot([...evidence], [...plays]);
    expect([made?.clip?.kind, made?.copied?.kind ?? null]).toEqual([played, copied]);
  });

  it("is never a copy of another clip", () => {
    expect(shot([clip("h265"), copy({ derived_from: "another" })], [])?.clip?.kind).toBe("clip");
  });
});

describe("what is known of evidence", () => {
  it("is told in one line, and nothing of what is not known", () => {
    setLanguage("en");
    const details = { codec: "h265", width: 1920, height: 1080, duration_s: 30.04, key_distance_s: 2, time_source: "rtcp", clock_offset_s: 0.1234, cut_short: "camera_lost" } as const;
    expect(evidenceFacts(piece({ size_bytes: 15_100_000, details }))).toBe(
      "c1 · H.265 · 1920×1080 · 30 s · 15.1 MB · key pictures every 2 s · camera's clock · arrived 0.12 s after · ended early: the camera was lost while recording",
    );
    expect(evidenceFacts(piece({ kind: "readings", camera: null }))).toBe("");
    setLanguage("zh-CN");
  });
});
