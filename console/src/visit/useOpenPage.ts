/** A page behind a token that nobody signs in for: what it shows, and what was sent from it. */

import { onMounted, onUnmounted, ref, shallowRef, type Ref } from "vue";

import { ApiError } from "@/api/client";
import "./open.css";

export function useOpenPage<T>(ask: () => Promise<T>) {
  const shown = shallowRef<T | null>(null) as Ref<T | null>;
  const failure = shallowRef<ApiError | null>(null);
  const busy = ref(false);

  /** Whatever comes back is what is shown; true when it was done. */
  async function take(deed: () => Promise<T>): Promise<boolean> {
    busy.value = true;
    failure.value = null;
    try {
      shown.value = await deed();
      return true;
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      failure.value = error;
      return false;
    } finally {
      busy.value = false;
    }
  }

  onMounted(() => {
    document.documentElement.classList.add("open");
    void take(ask);
  });
  onUnmounted(() => document.documentElement.classList.remove("open"));
  return { shown, failure, busy, take, reload: () => take(ask) };
}
