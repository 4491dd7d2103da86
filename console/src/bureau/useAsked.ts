/** Asks the server whenever what is asked for changes, and forgets answers that were overtaken. */

import { onUnmounted, ref, shallowRef, watch } from "vue";

import { ApiError } from "@/api/client";

/** `key` names what is asked for; `everyMs`: ask again as long as the page is open. What was shown stays until the answer. */
export function useAsked<T>(key: () => string, ask: () => Promise<T>, everyMs = 0) {
  const data = shallowRef<T | null>(null);
  const failure = shallowRef<ApiError | null>(null);
  const loading = ref(false);
  let turn = 0;

  async function reload(): Promise<void> {
    const mine = ++turn;
    loading.value = true;
    try {
      const found = await ask();
      if (mine !== turn) return;
      data.value = found;
      failure.value = null;
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (mine === turn) failure.value = error;
    } finally {
      if (mine === turn) loading.value = false;
    }
  }

  watch(
    key,
    () => {
      data.value = null;
      void reload();
    },
    { immediate: true },
  );
  const timer = everyMs ? setInterval(() => void reload(), everyMs) : undefined;
  onUnmounted(() => {
    turn = -1;
    clearInterval(timer);
  });
  return { data, failure, loading, reload };
}
