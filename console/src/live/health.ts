/** Is what the page shows still true? Pure; all times are ms of one monotonic clock, so that no clock being set moves them. */

export const STREAM_SILENT_MS = 6_000;
export const STATUS_SILENT_MS = 12_000;
export const ENGINE_TICK_AGE_S = 5;

export interface Heard {
  /** When anything last came over the stream, a tick included. */
  streamMs: number;
  /** When the server last answered the status request. */
  statusMs: number;
  /** What it said then about the engine: null when the engine has never ticked. */
  engineTickAgeS: number | null;
}

export type Health = { ok: true } | { ok: false; reason: "stream_silent" | "status_unreachable" | "engine_stopped"; sinceMs: number };

export function health(heard: Heard, nowMs: number): Health {
  if (nowMs - heard.streamMs > STREAM_SILENT_MS) return { ok: false, reason: "stream_silent", sinceMs: heard.streamMs };
  if (nowMs - heard.statusMs > STATUS_SILENT_MS) return { ok: false, reason: "status_unreachable", sinceMs: heard.statusMs };
  const age = heard.engineTickAgeS;
  if (age === null || age > ENGINE_TICK_AGE_S) {
    return { ok: false, reason: "engine_stopped", sinceMs: heard.statusMs - (age ?? 0) * 1000 };
  }
  return { ok: true };
}
