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

const fixOf = ({ coords }: GeolocationPosition): Fix => ({ lat: coords.latitude, lon: coords.longitude, accuracy_m: coords.accuracy });

function stateOf(error: GeolocationPositionError): PositionState {
  return error.code === error.PERMISSION_DENIED ? "denied" : "unavailable";
}

export function usePosition() {
  const fix = shallowRef<Fix | null>(null);
  const state = ref<PositionState>("unknown");
  const possible = window.isSecureContext && "geolocation" in navigator;
  let fixMs = -Infinity;
  let watch: number | null = null;

  function take(position: GeolocationPosition): Fix {
    fix.value = fixOf(position);
    fixMs = performance.now();
    state.value = "ok";
    return fix.value;
  }

  /** A fix of this moment. Throws NoPositionError. */
  function locate(): Promise<Fix> {
    if (!possible) return Promise.reject(new NoPositionError("off"));
    if (fix.value && performance.now() - fixMs < OF_THIS_MOMENT_MS) return Promise.resolve(fix.value);
    // A watch that runs swallows single requests of a phone that does not move, so it pauses for this one.
    unfollow();
    return new Promise<Fix>((resolve, reject) => {
      navigator.geolocation.getCurrentPosition(
        (position) => resolve(take(position)),
        (error) => {
          state.value = stateOf(error);
          reject(new NoPositionError(state.value));
        },
        { enableHighAccuracy: true, timeout: LOCATE_TIMEOUT_MS },
      );
    }).finally(follow);
  }

  function unfollow(): void {
    if (watch !== null) navigator.geolocation.clearWatch(watch);
    watch = null;
  }

  async function send(): Promise<void> {
    if (!fix.value || document.hidden || performance.now() - fixMs > FRESH_MS) return;
    try {
      await api.position(fix.value, new Date().toISOString());
    } catch (error) {
      // A position is worth nothing later: the next one goes out in 15 s.
      if (!(error instanceof ApiError)) throw error;
    }
  }

  function follow(): void {
    unfollow();
    if (document.hidden) return;
    watch = navigator.geolocation.watchPosition(take, (error) => (state.value = stateOf(error)), { enableHighAccuracy: true });
  }

  if (possible) {
    follow();
    document.addEventListener("visibilitychange", follow);
  } else {
    state.value = "off";
  }
  const timer = setInterval(() => void send(), SEND_EVERY_MS);
  onUnmounted(() => {
    clearInterval(timer);
    document.removeEventListener("visibilitychange", follow);
    unfollow();
  });
  return { fix, state, locate };
}

export type Positioning = ReturnType<typeof usePosition>;
