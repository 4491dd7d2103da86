/** Which channel and kind the address names; else the first that is judged. */

import { computed, type ComputedRef } from "vue";
import { useRoute } from "vue-router";

import type { Channel, ReadingKind, Station } from "@/api/types";

export const KINDS = ["rtd", "min", "hour", "day"] as const satisfies readonly ReadingKind[];

export const isLimited = (channel: Channel): boolean => channel.limits.some(({ limit, lower }) => limit != null || lower != null);

export function useChannel(station: () => Station, usual: ReadingKind) {
  const route = useRoute();
  const channels = computed(() => [...station().channels].sort((a, b) => Number(isLimited(b)) - Number(isLimited(a)) || a.code.localeCompare(b.code)));
  const channel: ComputedRef<Channel | undefined> = computed(() => channels.value.find(({ code }) => code === route.query.code) ?? channels.value[0]);
  const kind = computed<ReadingKind>(() => KINDS.find((one) => one === route.query.kind) ?? usual);
  return { channels, channel, kind };
}
