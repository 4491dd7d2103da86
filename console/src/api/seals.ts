/** The routes of seals and of cases as files. */

import type { Purpose } from "./caseTypes";
import { get, query } from "./client";
import type { Seal, SigningKey } from "./sealTypes";
import type { Page } from "./types";

export const seals = {
  newest: () => get<Page<Seal>>("/seals?limit=1"),
  key: () => get<SigningKey>("/seals/key"),
  /** The address of a case's ZIP. */
  file: (task: number, purpose: Purpose) => `/api/v1/tasks/${task}/evidence.zip?${query({ purpose })}`,
};
