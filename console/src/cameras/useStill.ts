/** A camera's latest still with the time at which it was taken; it stays the same until `fresh` is called. */

import { onUnmounted, ref } from "vue";

const PATIENCE_MS = 10_000;

export function useStill() {
  const src = ref<string | null>(null);
  const takenAt = ref<number | null>(null);
  const missing = ref(false);
  let running: AbortController | null = null;

  function drop(): void {
    if (src.value) URL.revokeObjectURL(src.value);
    src.value = null;
    takenAt.value = null;
  }

  async function fresh(address: string): Promise<void> {
    running?.abort();
    const mine = (running = new AbortController());
    try {
      const answer = await fetch(address, { signal: AbortSignal.any([mine.signal, AbortSignal.timeout(PATIENCE_MS)]), cache: "no-store" });
      const jpeg = answer.ok ? await answer.blob() : null;
      if (mine.signal.aborted) return;
      drop();
      missing.value = jpeg === null;
      if (!jpeg) return;
      src.value = URL.createObjectURL(jpeg);
      const at = Date.parse(answer.headers.get("Last-Modified") ?? "");
      takenAt.value = Number.isNaN(at) ? null : at;
    } catch {
      if (mine.signal.aborted) return;
      drop();
      missing.value = true;
    }
  }

  onUnmounted(() => (running?.abort(), drop()));
  return { src, takenAt, missing, fresh };
}
