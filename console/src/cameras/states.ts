/** How a camera is, for lists and pages. Pure. */

import type { Camera } from "@/api/types";
import { word } from "@/i18n";

/** Worst first; those that are online and have something the matter with them come after these. */
const ORDER = ["offline", "unknown"];

export const stateWords = (camera: Pick<Camera, "state" | "reason">): string =>
  [word("camera", camera.state), camera.reason ? word("cause", camera.reason) : ""].filter(Boolean).join(" · ");

/** A camera that shows pictures and still has something the matter with it asks for a look. */
export const toneOf = (state: string, reason: string | null = ""): string =>
  state === "offline" ? "b-over" : (state === "online" || state === "resting") && !reason ? "b-calm" : "b-soon";

/** A picture older than this is not what stands before the camera now. */
export const OLD_MS = 15_000;

export interface Wanted {
  text: string;
  state: string;
}

function rank({ state, reason }: Camera): number {
  const place = ORDER.indexOf(state);
  return place >= 0 ? place : ORDER.length + (reason ? 0 : 1);
}

/** Those that were asked for, the ones in trouble first, then by name. */
export function chosen(cameras: readonly Camera[], { text, state }: Wanted): Camera[] {
  const part = text.trim().toLowerCase();
  const has = (one: Camera): boolean => [one.name, one.id, one.enterprise?.name ?? ""].some((of) => of.toLowerCase().includes(part));
  return cameras
    .filter((one) => (!state || one.state === state) && has(one))
    .sort((a, b) => rank(a) - rank(b) || a.name.localeCompare(b.name, "zh-CN") || (a.id < b.id ? -1 : 1));
}

/** How many of each state, in the order in which they first come. */
export function counted(cameras: readonly Camera[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { state } of cameras) counts.set(state, (counts.get(state) ?? 0) + 1);
  return counts;
}
