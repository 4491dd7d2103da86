/** Words for a notice: whom it is for, and why it did not arrive. */

import type { NoticeWay } from "@/api/noticesTypes";
import { t, textOf, word } from "@/i18n";
import type { Places } from "@/places/usePlaces";

/** A warning is told to the enterprise that it names; whoever else has no name is a desk: the centre, the city. */
export function toldTo(notice: NoticeWay, places: Places): string {
  const { enterprise } = notice.message.params;
  if (notice.target === "centre" || notice.target === "city") return word("escalate", notice.target);
  if (notice.task === null && typeof enterprise === "string") return enterprise;
  return places.officerName(notice.target);
}

/** `http_500`, `refused_45009`, or what a library calls it: the number or the name stays for whoever looks for the cause. */
export function failure(error: string): string {
  if (textOf(`notice_error.${error}`) !== undefined) return word("notice_error", error);
  const [, kind, code] = /^(http|refused)_(\d+)$/.exec(error) ?? [];
  return kind && code ? t(`notice_error.${kind}_code`, { code }) : t("notice_error.other", { error });
}
