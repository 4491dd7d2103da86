/** The routes of visits and of warnings' answers. */

import { get, query, request } from "./client";
import type { Warning } from "./types";
import type { MonthReport, OpenVisit, OpenWarning, TaskVisits, VisitCode } from "./visitTypes";

const secret = (token: string): string => encodeURIComponent(token);

export const visits = {
  code: (task: number) => get<VisitCode>(`/tasks/${task}/visit-code`),
  ofTask: (task: number) => get<TaskVisits>(`/tasks/${task}/visits`),
  answerComment: (task: number, comment: number, answer: string) => request<null>("POST", `/tasks/${task}/visit-comments/${comment}`, { answer }),
  month: (month: string) => get<MonthReport>(`/visits?${query({ month })}`),
  monthFile: (month: string) => `/api/v1/visits?${query({ month, format: "csv" })}`,
  noteAnswer: (finding: string, text: string) => request<Warning>("POST", `/warnings/${finding}/answers`, { text }),
};

/** Ids of comments that this phone wrote: nobody else is shown them. */
const own = (mine: string[]): string => (mine.length ? `?${mine.map((id) => `mine=${encodeURIComponent(id)}`).join("&")}` : "");

/** Without a session, behind a code or a link. */
export const open = {
  visit: (token: string, mine: string[]) => get<OpenVisit>(`/visit/${secret(token)}${own(mine)}`),
  look: (token: string) => request<null>("POST", `/visit/${secret(token)}/looks`, {}),
  comment: (token: string, mine: string[], clientId: string, text: string) =>
    request<OpenVisit>("POST", `/visit/${secret(token)}/comments${own(mine)}`, { client_id: clientId, text }),
  warning: (token: string) => get<OpenWarning>(`/warned/${secret(token)}`),
  answer: (token: string, text: string) => request<OpenWarning>("POST", `/warned/${secret(token)}/answers`, { text }),
};
