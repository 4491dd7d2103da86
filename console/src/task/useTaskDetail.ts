/** One task with everything about it, read again whenever something happens to it. */

import { onUnmounted, ref, shallowRef, watch, type Ref } from "vue";

import { api, ApiError } from "@/api/client";
import type { LogEvent, TaskDetail } from "@/api/types";

const RETRY_MS = 3_000;

export function useTaskDetail(id: Ref<number>, latest: Readonly<Ref<LogEvent | null>>) {
  const task = shallowRef<TaskDetail | null>(null);
  const failure = shallowRef<ApiError | null>(null);
  const asking = ref(false);
  let wanted = false;
  let retry: ReturnType<typeof setTimeout> | undefined;

  /** An event while one request is under way leads to one more. */
  async function reload(): Promise<void> {
    clearTimeout(retry);
    wanted = true;
    if (asking.value) return;
    asking.value = true;
    while (wanted) {
      wanted = false;
      await readOnce(id.value);
    }
    asking.value = false;
  }

  async function readOnce(wantedId: number): Promise<void> {
    try {
      const found = await api.task(wantedId);
      if (wantedId !== id.value) return;
      task.value = found;
      failure.value = null;
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      failure.value = error;
      if (error.passing) retry = setTimeout(() => void reload(), RETRY_MS);
    }
  }

  watch(
    id,
    () => {
      task.value = null;
      void reload();
    },
    { immediate: true },
  );
  watch(latest, (event) => {
    if (event?.task === id.value) void reload();
  });
  onUnmounted(() => clearTimeout(retry));
  return { task, failure, reload };
}
