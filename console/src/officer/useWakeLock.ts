/** Keeps the screen on while `wanted`; the browser takes the lock back whenever the page leaves sight. */

import { onUnmounted, watch, type Ref } from "vue";

export function useWakeLock(wanted: Readonly<Ref<boolean>>): void {
  let lock: WakeLockSentinel | null = null;

  async function update(): Promise<void> {
    if (!("wakeLock" in navigator)) return;
    if (!wanted.value) {
      await lock?.release();
      lock = null;
    } else if (!document.hidden && (!lock || lock.released)) {
      // A low battery may refuse it; the page works without.
      lock = await navigator.wakeLock.request("screen").catch(() => null);
    }
  }

  const again = (): void => void update();
  watch(wanted, again, { immediate: true });
  document.addEventListener("visibilitychange", again);
  onUnmounted(() => {
    document.removeEventListener("visibilitychange", again);
    void lock?.release();
  });
}
