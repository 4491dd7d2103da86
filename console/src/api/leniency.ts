/** The routes of the minor list, of decisions and of an enterprise's history. */

import { get, request } from "./client";
import type { EnterpriseHistory, LeniencyDecision, MinorList, MinorPreview, MinorRow, TaskLeniency } from "./leniencyTypes";

export interface NewDecision {
  matter: number;
  decision: LeniencyDecision;
  list_version: number;
  note: string;
}

export const leniency = {
  list: () => get<MinorList>("/minor-list"),
  replace: (version: number, rows: MinorRow[]) => request<MinorList>("PUT", "/minor-list", { version, rows }),
  preview: (rows: MinorRow[]) => request<MinorPreview>("POST", "/minor-list/preview", { rows }),
  ofTask: (task: number) => get<TaskLeniency>(`/tasks/${task}/penalty`),
  decide: (task: number, decision: NewDecision) => request<TaskLeniency>("POST", `/tasks/${task}/penalty`, decision),
  history: (enterprise: string) => get<EnterpriseHistory>(`/enterprises/${encodeURIComponent(enterprise)}/history`),
};
