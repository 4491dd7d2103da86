/** Shows a long list in portions: the next one when its end comes into sight. */

import { computed, onUnmounted, ref, watch, type Ref, type ShallowRef } from "vue";

const PORTION = 100;

/** `end` is the element after the last one; `restart` names what is looked at: with another, it begins with one portion again. */
export function useGrowing<T>(all: Ref<readonly T[]>, end: Readonly<ShallowRef<HTMLElement | null>>, restart: () => string) {
  const most = ref(PORTION);
  const shown = computed(() => all.value.slice(0, most.value));
  const rest = computed(() => all.value.length - shown.value.length);

  const observer = new IntersectionObserver(([entry]) => {
    if (entry?.isIntersecting && rest.value > 0) most.value += PORTION;
  });
  watch(end, (now, before) => {
    if (before) observer.unobserve(before);
    if (now) observer.observe(now);
  });
  watch(restart, () => (most.value = PORTION));
  onUnmounted(() => observer.disconnect());

  return { shown, rest, more: () => (most.value += PORTION) };
}
