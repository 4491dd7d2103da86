/** Silences and storms as the API has them. */

import type { Kind, Named } from "./types";

export const SILENCE_KINDS = ["silence", "maintenance"] as const;
export type SilenceKind = (typeof SILENCE_KINDS)[number];

/** All that is set must be true of a finding. */
export interface SilenceScope {
  enterprise: string | null;
  station: string | null;
  camera: string | null;
  grid: string | null;
  finding_kind: Kind | null;
}

export interface NewSilence {
  kind: SilenceKind;
  scope: SilenceScope;
  reason: string;
  from_at: string | null;
  to_at: string;
}

export interface Silence {
  id: number;
  kind: SilenceKind;
  enterprise: Named | null;
  station: Named | null;
  camera: Named | null;
  grid: Named | null;
  finding_kind: Kind | null;
  rule: string | null;
  reason: string;
  made_by: string;
  made_at: string;
  from_at: string;
  to_at: string;
  ended_at: string | null;
  ended_by: string | null;
  over: boolean;
  held: number;
}

export interface Storm {
  id: number;
  began_at: string;
  last_at: string;
  ended_at: string | null;
  tasks: number;
  matters: number;
  open: number;
}
