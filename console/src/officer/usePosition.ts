/** Where the phone is. Sent to the server every 15 s while the page is open and in sight. */

import { onUnmounted, ref, shallowRef } from "vue";

import { api, ApiError } from "@/api/client";
import type { Fix } from "@/api/types";

const SEND_EVERY_MS = 15_000;
/** A phone that lies still gets no new position; what it knows is good for this long. */
const FRESH_MS = 120_000;
const OF_THIS_MOMENT_MS = 4_000;
const LOCATE_TIMEOUT_MS = 12_000;

/** off: the browser forbids it on plain http; the others as the browser says. */
export type PositionState = "unknown" | "off" | "denied" | "unavailable" | "ok";

export class NoPositionError extends Error {
  constructor(readonly state: PositionState) {
    super(state);
  }
}

export class Positioning {
  readonly fix = shallowRef<Fix | null>(null);
  readonly state = ref<PositionState>("unknown");

  private readonly possible = window.isSecureContext && "geolocation" in navigator;
  private fixMs = -Infinity;
  private watch: number | null = null;

  constructor() {
    if (!this.possible) this.state.value = "off";
    this.follow();
  }

  /** A fix of this moment. Throws NoPositionError. */
  async locate(): Promise<Fix> {
    if (!this.possible) throw new NoPositionError("off");
    if (this.fix.value && performance.now() - this.fixMs < OF_THIS_MOMENT_MS) return this.fix.value;
    // A watch that runs swallows single requests of a phone that does not move, so it pauses for this one.
    this.unfollow();
    try {
      return await new Promise<Fix>((resolve, reject) => {
        navigator.geolocation.getCurrentPosition(
          (position) => resolve(this.take(position)),
          (error) => reject(new NoPositionError(this.miss(error))),
          { enableHighAccuracy: true, timeout: LOCATE_TIMEOUT_MS },
        );
      });
    } finally {
      this.follow();
    }
  }

  async send(): Promise<void> {
    if (!this.fix.value || document.hidden || performance.now() - this.fixMs > FRESH_MS) return;
    try {
      await api.position(this.fix.value, new Date().toISOString());
    } catch (error) {
      // A position is worth nothing later: the next one goes out in 15 s.
      if (!(error instanceof ApiError)) throw error;
    }
  }

  /** Only while the page is in sight: an officer's way is nobody's business otherwise. */
  readonly follow = (): void => {
    this.unfollow();
    if (!this.possible || document.hidden) return;
    this.watch = navigator.geolocation.watchPosition(
      (position) => this.take(position),
      (error) => this.miss(error),
      { enableHighAccuracy: true },
    );
  };

  unfollow(): void {
    if (this.watch !== null) navigator.geolocation.clearWatch(this.watch);
    this.watch = null;
  }

  private take({ coords }: GeolocationPosition): Fix {
    const first = this.fix.value === null;
    this.fix.value = { lat: coords.latitude, lon: coords.longitude, accuracy_m: coords.accuracy };
    this.fixMs = performance.now();
    this.state.value = "ok";
    if (first) void this.send(); // whoever comes on duty may be sent at once
    return this.fix.value;
  }

  private miss(error: GeolocationPositionError): PositionState {
    return (this.state.value = error.code === error.PERMISSION_DENIED ? "denied" : "unavailable");
  }
}

export function usePosition(): Positioning {
  const positioning = new Positioning();
  const timer = setInterval(() => void positioning.send(), SEND_EVERY_MS);
  document.addEventListener("visibilitychange", positioning.follow);
  onUnmounted(() => {
    clearInterval(timer);
    document.removeEventListener("visibilitychange", positioning.follow);
    positioning.unfollow();
  });
  return positioning;
}
