/** Who is signed in. */

import { computed, shallowRef } from "vue";

import { api, ApiError } from "@/api/client";
import type { Role, Session } from "@/api/types";

export const session = shallowRef<Session | null>(null);

export const homes: Record<Role, string> = { centre: "/centre", admin: "/centre", bureau: "/centre", officer: "/officer" };

/** Who may draw zones in a camera's picture; the server holds the same rule. */
export const mayDraw = computed(() => session.value?.role === "bureau" || session.value?.role === "admin");

/** Asks the server who this is; null when nobody is signed in. Other failures pass to the caller. */
export async function recall(): Promise<Session | null> {
  if (session.value) return session.value;
  try {
    session.value = await api.session();
  } catch (error) {
    if (!(error instanceof ApiError) || error.status !== 401) throw error;
  }
  return session.value;
}

export async function signOut(): Promise<void> {
  session.value = null;
  await api.signOut().catch(() => undefined);
}
