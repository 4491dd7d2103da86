/** The routes of dispatch. */

import { get } from "./client";
import type { Choice, Colleague } from "./dispatchTypes";
import type { Page } from "./types";

export const dispatch = {
  choices: (task: number) => get<Page<Choice>>(`/tasks/${task}/choices`),
  colleagues: () => get<Page<Colleague>>("/colleagues"),
};
