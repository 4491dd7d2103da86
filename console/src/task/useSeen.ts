/** Tells the server that this person's page shows what he was told of a task. */

import { onUnmounted, watch } from "vue";

import { ApiError } from "@/api/client";
import { notices } from "@/api/notices";
import type { TaskDetail } from "@/api/types";
import { session } from "@/session/session";

const UNSEEN = new Set(["sent", "delivered"]);
const OVERSEERS = new Set(["centre", "admin"]);

function isMine(target: string): boolean {
  const who = session.value;
  if (!who) return false;
  return who.role === "officer" ? target === who.officer : OVERSEERS.has(who.role) && (target === "centre" || target === "city");
}

export function unseen(task: TaskDetail | null): number[] {
  return (task?.notices ?? []).filter((n) => n.channel === "page" && UNSEEN.has(n.state) && isMine(n.target)).map((n) => n.id);
}

/** Once for each notice, and only while the page is really in sight. */
export function useSeen(task: () => TaskDetail | null): void {
  const told = new Set<number>();

  async function look(): Promise<void> {
    const shown = task();
    const fresh = unseen(shown).filter((id) => !told.has(id));
    if (!shown || !fresh.length || document.visibilityState !== "visible") return;
    for (const id of fresh) told.add(id);
    try {
      await notices.seen(shown.id);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      for (const id of fresh) told.delete(id);
    }
  }

  const looked = (): void => void look();
  document.addEventListener("visibilitychange", looked);
  watch(task, looked, { immediate: true });
  onUnmounted(() => document.removeEventListener("visibilitychange", looked));
}
