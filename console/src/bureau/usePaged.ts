/** A first page that is asked for elsewhere, and the pages after it, one at a wish. */

import { computed, ref, shallowRef, watch, type ShallowRef } from "vue";

import { ApiError } from "@/api/client";
import type { Page } from "@/api/types";

export function usePaged<T>(first: ShallowRef<Page<T> | null>, ask: (cursor: string) => Promise<Page<T>>) {
  const more = shallowRef<T[]>([]);
  const next = ref<string | null>(null);
  const busy = ref(false);
  const failed = shallowRef<ApiError | null>(null);

  watch(first, (page) => {
    more.value = [];
    next.value = page?.next ?? null;
    failed.value = null;
  });

  async function goOn(): Promise<void> {
    const began = first.value;
    if (next.value === null) return;
    busy.value = true;
    try {
      const page = await ask(next.value);
      if (began !== first.value) return;
      more.value = [...more.value, ...page.items];
      next.value = page.next;
      failed.value = null;
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      failed.value = error;
    } finally {
      busy.value = false;
    }
  }

  return { items: computed(() => [...(first.value?.items ?? []), ...more.value]), next, busy, failed, goOn };
}
