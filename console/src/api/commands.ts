/** Commands to data loggers. */

import { get, request } from "./client";
import type { Page } from "./types";

export type Parameter = "from_at" | "to_at" | "interval_s" | "interval_min" | "timeout_s" | "repeats" | "code";

const PERIOD: Parameter[] = ["from_at", "to_at"];

/** Each command with the parameters it takes; `code` may be left out. */
export const COMMANDS = {
  get_clock: ["code"],
  set_clock: ["code"],
  fetch_minutes: PERIOD,
  fetch_hours: PERIOD,
  fetch_days: PERIOD,
  sample_now: ["code"],
  retain_sample: [],
  get_realtime_interval: [],
  set_realtime_interval: ["interval_s"],
  get_minute_interval: [],
  set_minute_interval: ["interval_min"],
  start_realtime: [],
  stop_realtime: [],
  set_timeout: ["timeout_s", "repeats"],
} satisfies Record<string, Parameter[]>;

export type CommandName = keyof typeof COMMANDS;

export const MINUTE_INTERVALS = [1, 2, 3, 4, 5, 6, 10, 12, 15, 20, 30] as const;

export interface DeviceCommand {
  id: number;
  command: CommandName;
  parameters: Record<string, string>;
  state: "queued" | "sent" | "confirmed" | "done" | "answered" | "refused" | "timed_out" | "unreachable";
  reason: string;
  asked_by: string;
  asked_at: string;
  tries: number;
  way: "tcp" | "mqtt" | null;
  sent_at: string | null;
  confirmed_at: string | null;
  ended_at: string | null;
  answer: Record<string, string>;
}

const path = (mn: string): string => `/stations/${encodeURIComponent(mn)}/commands`;

export const deviceCommands = {
  latest: (mn: string) => get<Page<DeviceCommand>>(`${path(mn)}?limit=10`),
  send: (mn: string, command: CommandName, parameters: Partial<Record<Parameter, string | number>>) =>
    request<DeviceCommand>("POST", path(mn), { command, parameters }),
};
