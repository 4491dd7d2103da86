/** The routes that the bureau's pages ask. */

import type { Exceedance, Found, Mark, NewMark, PeriodKind, RatesReport, ReviewTable, RevisedReading } from "./bureauTypes";
import { get, query, request } from "./client";
import type { Page, Reading, ReadingKind, Readings } from "./types";

/** A day of real-time values at one each ten seconds. */
const MOST_READINGS = 10_000;

const station = (mn: string): string => `/stations/${encodeURIComponent(mn)}`;

export interface Span {
  code: string;
  kind: ReadingKind;
  from: string;
  to: string;
}

/** All pages of a span; `next` is not null when there is more than a page can draw. */
async function curve(mn: string, span: Span): Promise<Readings> {
  const items: Reading[] = [];
  let cursor = "";
  for (;;) {
    const page = await get<Readings>(`${station(mn)}/readings?${query({ ...span, ...(cursor ? { cursor } : {}) })}`);
    items.push(...page.items);
    if (page.next === null || items.length >= MOST_READINGS) return { ...page, items };
    cursor = page.next;
  }
}

export interface RegisterFilter {
  month: string;
  kind: PeriodKind | "";
  late: "" | "true" | "false";
}

const set = (values: Record<string, string>): Record<string, string> =>
  Object.fromEntries(Object.entries(values).filter(([, value]) => value !== ""));

const registerQuery = (filter: RegisterFilter): string => query(set({ ...filter }));

export const bureau = {
  curve,
  reviews: (mn: string, kind: PeriodKind, date: string) => get<ReviewTable>(`${station(mn)}/reviews?${query({ kind, date })}`),
  revisions: (mn: string, span: Span) => get<Page<RevisedReading>>(`${station(mn)}/readings/revisions?${query({ ...span })}`),
  marks: (mn: string) => get<Page<Mark>>(`${station(mn)}/marks`),
  addMark: (mn: string, mark: NewMark) => request<Mark>("POST", `${station(mn)}/marks`, mark),
  withdrawMark: (mn: string, id: number) => request<Mark>("DELETE", `${station(mn)}/marks/${id}`),
  exceedances: (filter: RegisterFilter, cursor: string | null) =>
    get<Page<Exceedance>>(`/exceedances?${registerQuery(filter)}${cursor ? `&cursor=${encodeURIComponent(cursor)}` : ""}`),
  findings: (month: string, station: string, cursor: string | null) =>
    get<Page<Found>>(`/findings?${query(set({ month, station, cursor: cursor ?? "" }))}`),
  rates: (from: string, to: string) => get<RatesReport>(`/rates?${query({ from, to })}`),
};

/** Addresses of files, for links. */
export const files = {
  readings: (mn: string, span: Span) => `/api/v1${station(mn)}/readings?${query({ ...span, format: "csv" })}`,
  reviews: (mn: string, kind: PeriodKind, date: string) => `/api/v1${station(mn)}/reviews?${query({ kind, date, format: "csv" })}`,
  exceedances: (filter: RegisterFilter) => `/api/v1/exceedances?${registerQuery(filter)}&format=csv`,
  rates: (from: string, to: string) => `/api/v1/rates?${query({ from, to, format: "csv" })}`,
};
