/** How a purpose is drawn: a colour and, for eyes that see no colours, a pattern of its own. */

import type { Purpose } from "@/api/cameraTypes";

export interface Look {
  colour: string;
  /** An SVG path that is repeated each 12 × 12 pixels. */
  pattern: string;
}

export const LOOKS: Record<Purpose, Look> = {
  ground: { colour: "#ffb84d", pattern: "M-3 15L15 -3M-3 3L3 -3M9 15L15 9" },
  sky: { colour: "#52c7f2", pattern: "M0 3H12M0 9H12" },
  stack: { colour: "#ff8f6b", pattern: "M3 0V12M9 0V12" },
  mask: { colour: "#c3cddb", pattern: "M0 0L12 12M0 12L12 0" },
};
