/** The routes of reports. */

import { get, query } from "./client";
import type { Report, ReportKind } from "./reportTypes";

export const reports = {
  one: (kind: ReportKind, date: string) => get<Report>(`/reports/${kind}?${query({ date })}`),
  file: (kind: ReportKind, date: string, format: "csv" | "xlsx" | "pdf") => `/api/v1/reports/${kind}?${query({ date, format })}`,
};
