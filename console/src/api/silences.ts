/** The routes of silences and storms. */

import { get, request } from "./client";
import type { NewSilence, Silence, Storm } from "./silencesTypes";
import type { Page } from "./types";

export const silences = {
  current: () => get<Page<Silence>>("/silences?limit=200"),
  all: (cursor: string | null) => get<Page<Silence>>(`/silences?state=all${cursor ? `&cursor=${encodeURIComponent(cursor)}` : ""}`),
  set: (silence: NewSilence) => request<Silence>("POST", "/silences", silence),
  end: (id: number) => request<Silence>("DELETE", `/silences/${id}`),
  storms: () => get<Page<Storm>>("/storms"),
};
