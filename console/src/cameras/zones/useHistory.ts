/** Steps that can be undone. A gesture's many small changes are one step. */

import { computed, shallowRef } from "vue";

const STEPS_MAX = 200;

export function useHistory<T>(first: T) {
  const past = shallowRef<readonly T[]>([]);
  const future = shallowRef<readonly T[]>([]);
  const now = shallowRef(first);
  let gesture: string | null = null;

  /** `of` names the gesture that this change belongs to; null: it stands alone. */
  function change(to: T, of: string | null = null): void {
    if (of === null || of !== gesture) past.value = [...past.value, now.value].slice(-STEPS_MAX);
    gesture = of;
    future.value = [];
    now.value = to;
  }

  function undo(): void {
    const before = past.value.at(-1);
    if (before === undefined) return;
    past.value = past.value.slice(0, -1);
    future.value = [now.value, ...future.value];
    now.value = before;
    gesture = null;
  }

  function redo(): void {
    const [after, ...later] = future.value;
    if (after === undefined) return;
    past.value = [...past.value, now.value];
    future.value = later;
    now.value = after;
    gesture = null;
  }

  /** The next change is a step of its own, whatever gesture it belongs to. */
  function settle(): void {
    gesture = null;
  }

  function restart(from: T): void {
    past.value = [];
    future.value = [];
    now.value = from;
    gesture = null;
  }

  return { now, change, undo, redo, settle, restart, canUndo: computed(() => past.value.length > 0), canRedo: computed(() => future.value.length > 0) };
}
