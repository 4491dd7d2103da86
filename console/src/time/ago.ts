/** How long ago something was, in words: a running clock is for deadlines. */

import { t } from "@/i18n";

const NOW_S = 2;
const MINUTE_S = 60;
const HOUR_S = 3_600;
const DAY_S = 86_400;

/** From two minutes, hours and days on it is told in these. */
export function ago(ms: number): string {
  const s = Math.max(0, Math.floor(ms / 1000));
  if (s < NOW_S) return t("ago.now");
  if (s < 2 * MINUTE_S) return t("ago.s", { n: s });
  if (s < 2 * HOUR_S) return t("ago.min", { n: Math.floor(s / MINUTE_S) });
  return s < 2 * DAY_S ? t("ago.h", { n: Math.floor(s / HOUR_S) }) : t("ago.d", { n: Math.floor(s / DAY_S) });
}
