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
