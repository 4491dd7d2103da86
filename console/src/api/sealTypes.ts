/** Seals of the log, and the key that signs them. */

export interface Seal {
  hour: string;
  n_first: number;
  n_last: number;
  root: string;
  key: string;
  stamps: { authority: string; stamped_at: string }[];
}

export interface SigningKey {
  fingerprint: string;
  public_key: string;
}

/** For what somebody takes a case out of the house. */
export const PURPOSES = ["case", "review", "complaint", "training"] as const;
export type Purpose = (typeof PURPOSES)[number];
