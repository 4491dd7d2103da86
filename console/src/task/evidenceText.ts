/** What is known of a picture or clip, in one line of words. */

import type { Evidence } from "@/api/types";
import { t, word } from "@/i18n";

export function codecName(codec: string | undefined): string {
  return word("codec", codec ?? "h264");
}

function round(value: number, digits: number): string {
  return String(Number(value.toFixed(digits)));
}

/** Of pictures and clips of cameras; empty for what nothing is known of. */
export function evidenceFacts(one: Evidence): string {
  const { codec, width, height, duration_s, key_distance_s, cut_short, time_source, clock_offset_s } = one.details;
  const facts = [
    one.camera ?? "",
    codec ? codecName(codec) : "",
    width && height ? `${width}×${height}` : "",
    duration_s === undefined ? "" : `${round(duration_s, 1)} s`,
    one.size_bytes === null ? "" : `${round(one.size_bytes / 1e6, one.size_bytes < 1e6 ? 2 : 1)} MB`,
    key_distance_s === undefined ? "" : t("evidence.key_distance", { seconds: round(key_distance_s, 1) }),
    time_source ? word("time_source", time_source) : "",
    clock_offset_s === undefined ? "" : t("evidence.clock_offset", { seconds: round(clock_offset_s, 2) }),
    cut_short ? t("evidence.cut_short", { reason: word("lost", cut_short) }) : "",
  ];
  return time_source || codec ? facts.filter(Boolean).join(" · ") : "";
}

/** The certificate that the device had then, and when it had ended already. */
export function certificateText(one: Evidence): string {
  const { certificate, certificate_until: until, certificate_expired: expired } = one.details;
  if (!certificate) return "";
  if (!until) return t("evidence.certificate", { certificate });
  return t(expired ? "evidence.certificate_expired" : "evidence.certificate_until", { certificate, until });
}
