/** Watches the stream and the status request, and keeps the page's clock on the server's. */

import { computed, onUnmounted, ref, shallowRef } from "vue";

import { api } from "@/api/client";
import type { EventWebhook } from "@/api/types";
import { serverClock, serverNow } from "@/time/serverClock";
import { health, type Heard } from "./health";
import { Poll } from "./poll";

const STATUS_EVERY_MS = 3_000;

export function useHealth() {
  const now = performance.now();
  const heard = shallowRef<Heard>({ streamMs: now, statusMs: now, engineTickAgeS: 0 });
  const diskShort = ref(false);
  const unwatched = ref(0);
  const webhooks = shallowRef<EventWebhook[]>([]);

  async function ask() {
    const sent = performance.now();
    const status = await api.status();
    serverClock.learn(status.now, sent, performance.now());
    return status;
  }

  const poll = new Poll(ask, STATUS_EVERY_MS, (status) => {
    heard.value = { ...heard.value, statusMs: performance.now(), engineTickAgeS: status.engine_tick_age_s };
    diskShort.value = status.evidence_short;
    unwatched.value = status.cameras_unwatched;
    webhooks.value = status.event_webhooks;
  });
  poll.start();
  onUnmounted(() => poll.stop());

  return {
    health: computed(() => (serverNow.value, health(heard.value, performance.now()))),
    diskShort,
    unwatched,
    webhooks,
    alive: () => {
      heard.value = { ...heard.value, streamMs: performance.now() };
    },
  };
}
