/** The routes of dispatch. */

import { get, request } from "./client";
import type { Choice, Colleague, Device } from "./dispatchTypes";
import type { Page } from "./types";

export const dispatch = {
  choices: (task: number) => get<Page<Choice>>(`/tasks/${task}/choices`),
  makeDevice: (officer: string) => request<Device>("POST", `/officers/${encodeURIComponent(officer)}/device`, {}),
  endDevice: (officer: string) => request<null>("DELETE", `/officers/${encodeURIComponent(officer)}/device`),
  colleagues: () => get<Page<Colleague>>("/colleagues"),
};
