/** The routes of reports. */

import { ApiError, errorFrom, query } from "./client";
import type { Report, ReportKind } from "./reportTypes";

/** A month of a large city takes longer than any other question. */
const TIMEOUT_MS = 90_000;

async function one(kind: ReportKind, date: string): Promise<Report> {
  try {
    const response = await fetch(`/api/v1/reports/${kind}?${query({ date })}`, { signal: AbortSignal.timeout(TIMEOUT_MS) });
    if (response.ok) return (await response.json()) as Report;
    throw errorFrom(response.status, await response.json().catch(() => null));
  } catch (error) {
    throw error instanceof ApiError ? error : new ApiError("network", 0);
  }
}

export const reports = {
  one,
  file: (kind: ReportKind, date: string, format: "csv" | "xlsx" | "pdf") => `/api/v1/reports/${kind}?${query({ date, format })}`,
};
