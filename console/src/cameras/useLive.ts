/** A camera's picture as it is now: up to five a second while the page is looked at, else the latest still, asked for every two seconds. */

import { onUnmounted, ref, shallowRef, watch } from "vue";

import { type ApiError, errorFrom } from "@/api/client";
import { pictures } from "./mjpeg";

const STILL_EVERY_MS = 2_000;
/** So many stills before the stream is tried again. Each try also tells a camera that rests or never sent that somebody looks. */
const STILLS_IF_FULL = 15;
const STILLS_IF_NOTHING = 3;

export interface Addresses {
  live: string;
  still: string;
}

const pause = (ms: number, until: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    until.addEventListener("abort", () => (clearTimeout(timer), resolve()), { once: true });
  });

async function answerOf(address: string, signal: AbortSignal): Promise<Response> {
  const answer = await fetch(address, { signal, cache: "no-store" });
  if (!answer.ok) throw errorFrom(answer.status, await answer.json().catch(() => null));
  return answer;
}

export function useLive(addresses: () => Addresses) {
  const src = ref<string | null>(null);
  const takenAt = ref<number | null>(null);
  const mode = ref<"live" | "still" | "none">("none");
  const failure = shallowRef<ApiError | null>(null);
  let running: AbortController | null = null;

  function show(jpeg: Blob, at: number | null): void {
    if (src.value) URL.revokeObjectURL(src.value);
    src.value = URL.createObjectURL(jpeg);
    takenAt.value = at;
    failure.value = null;
  }

  async function stream({ live }: Addresses, signal: AbortSignal): Promise<void> {
    const { body } = await answerOf(live, signal);
    if (!body) return;
    for await (const { jpeg, takenAt: at } of pictures(body)) {
      if (signal.aborted) return;
      mode.value = "live";
      show(new Blob([jpeg], { type: "image/jpeg" }), at);
    }
  }

  async function still({ still: address }: Addresses, signal: AbortSignal): Promise<void> {
    const answer = await answerOf(address, AbortSignal.any([signal, AbortSignal.timeout(10_000)]));
    const at = Date.parse(answer.headers.get("Last-Modified") ?? "");
    const jpeg = await answer.blob();
    if (signal.aborted) return;
    mode.value = "still";
    show(jpeg, Number.isNaN(at) ? null : at);
  }

  /** False when it failed; why is in `failure` where the server said so. */
  async function tried(deed: () => Promise<void>): Promise<boolean> {
    try {
      await deed();
      return true;
    } catch (error) {
      failure.value = error instanceof Error && "key" in error ? (error as ApiError) : errorFrom(0, { error: { key: "network" } });
      return false;
    }
  }

  /** The stream, and when it cannot be had or has ended, stills for a while; then the stream again. */
  async function run(of: Addresses, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await tried(() => stream(of, signal));
      const refused = failure.value;
      const stills = refused?.key === "no_stream_free" ? STILLS_IF_FULL : STILLS_IF_NOTHING;
      for (let n = 0; n < stills && !signal.aborted; n++) {
        if (await tried(() => still(of, signal))) failure.value = refused;
        await pause(STILL_EVERY_MS, signal);
        if (!refused) break;
      }
    }
  }

  function begin(): void {
    running?.abort();
    running = null;
    if (document.hidden) return;
    running = new AbortController();
    void run(addresses(), running.signal);
  }

  watch(
    () => addresses().live,
    () => {
      if (src.value) URL.revokeObjectURL(src.value);
      src.value = null;
      takenAt.value = null;
      mode.value = "none";
      failure.value = null;
      begin();
    },
    { immediate: true },
  );
  document.addEventListener("visibilitychange", begin);
  onUnmounted(() => {
    running?.abort();
    document.removeEventListener("visibilitychange", begin);
    if (src.value) URL.revokeObjectURL(src.value);
  });

  return { src, takenAt, mode, failure };
}
