/** Colour and sign of each kind of business. Paths are drawn in a 24 x 24 box with a 2 px stroke. */

import type { Kind } from "@/api/types";

export interface KindStyle {
  colour: string;
  path: string;
}

const styles: Record<Kind, KindStyle> = {
  exceedance: { colour: "#b79cff", path: "M4 20V11M10 20V7M16 20V3M2 20h20M19 8l3-3M22 5v4M22 5h-4" },
  smoke: { colour: "#a9c1dc", path: "M7 18a4 4 0 0 1-.6-7.95A5.5 5.5 0 0 1 17 8.6 4.7 4.7 0 0 1 17.3 18H7ZM8 22h8" },
  burning: { colour: "#ff9148", path: "M12 2c1 4 6 6 6 12a6 6 0 0 1-12 0c0-2.6 1.2-4 2.4-5.3.3 1.6 1 2.3 1.8 2.6C10.6 8 10 5 12 2Z" },
  dumping: { colour: "#e8c34a", path: "M2 17V7l9-3v13M11 9h6l4 4v4h-3M8 17h6M6.5 20a2 2 0 1 0 0-4 2 2 0 0 0 0 4ZM16.5 20a2 2 0 1 0 0-4 2 2 0 0 0 0 4Z" },
  camera_fault: { colour: "#8fa8c4", path: "M3 7h11v10H3zM14 10l6-3v10l-6-3M2 2l20 20" },
  data_fault: { colour: "#8fa8c4", path: "M2 12h4l2-6 3 10M13 10l2-4 1.5 6H22M2 2l20 20" },
};

const unknown: KindStyle = { colour: "#8fa8c4", path: "M12 7v6M12 17v.5M12 2a10 10 0 1 0 0 20 10 10 0 0 0 0-20Z" };

export function kindStyle(kind: string | undefined): KindStyle {
  return styles[kind as Kind] ?? unknown;
}
