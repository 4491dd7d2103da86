/** What a channel's newest reading says against its limit. Pure. */

import type { Channel, Station } from "@/api/types";

const limitOf = (channel: Channel) => channel.limits.find(({ kind, schedule }) => kind === channel.latest?.kind && !schedule);

/** The value that the limit speaks of. */
export function judged(channel: Channel): number | null {
  if (!channel.latest) return null;
  return limitOf(channel)?.converted ? (channel.latest.converted ?? channel.latest.value) : channel.latest.value;
}

export function isOver(channel: Channel): boolean {
  const value = judged(channel);
  const limit = limitOf(channel);
  if (value === null || !limit || channel.latest?.flag !== "N") return false;
  return (limit.limit != null && value > limit.limit) || (limit.lower != null && value < limit.lower);
}

/** The event time of the newest reading of a station, in ms. */
export function lastHeard(station: Station): number | null {
  const times = station.channels.flatMap(({ latest }) => (latest ? [Date.parse(latest.ts)] : []));
  return times.length ? Math.max(...times) : null;
}
