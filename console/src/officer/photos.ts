/** Photos on their way to the server: kept over a reload, sent one after the other, each with its id, so that none is doubled. */

import { shallowReactive, shallowRef } from "vue";

import { ApiError } from "@/api/client";
import { clientId } from "@/api/clientId";
import type { Said } from "@/api/photos";
import type { Evidence } from "@/api/types";
import type { Deed } from "./actionQueue";
import type { KeptPhoto, PhotoStore } from "./photoStore";

export const MOST_BYTES = 15 * 1024 * 1024;
export const MOST_PHOTOS = 20;
export const MOST_KEPT_BYTES = 150 * 1024 * 1024;
const TYPES = ["image/jpeg", "image/png", "image/webp"];
const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 15_000;

export type Upload = (task: number, photo: Blob, id: string, said: Said, progress: (share: number) => void) => Promise<Evidence>;

/** draft: of a form that is open; refused: the server will never take it, and `error` says why. */
export interface Photo {
  kept: KeptPhoto;
  preview: string;
  state: "draft" | "waiting" | "sending" | "refused";
  share: number;
  error: ApiError | null;
}

export interface Objection {
  key: string;
  params: Record<string, string | number>;
}

/** Why a file cannot be taken: a key of the pages with its parameters; null when it can. */
export function objection(file: Blob): Objection | null {
  if (!TYPES.includes(file.type)) return { key: "officer.photo_wrong_type", params: {} };
  if (file.size <= MOST_BYTES) return null;
  return { key: "officer.photo_too_large", params: { size: (file.size / 1024 / 1024).toFixed(1) } };
}

/** Browsers make hashes on pages that came over HTTPS only. */
async function sha256Of(bytes: ArrayBuffer): Promise<string | null> {
  if (!globalThis.crypto?.subtle) return null;
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return [...digest].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

const DEEDS_WITH_PHOTOS = ["handle", "false-alarm"];
const LONGEST_HOLD_MS = 60_000;

/** The photos of a visit go before its end, but the end never waits longer than a minute for them. */
export function waitsForPhotosMs(deed: Deed, photos: Pick<PhotoQueue, "isWaiting">, now: number): number {
  if (!DEEDS_WITH_PHOTOS.includes(deed.verb) || !photos.isWaiting(deed.task)) return 0;
  const age = now - Date.parse(deed.body.at);
  return age >= 0 && age < LONGEST_HOLD_MS ? LONGEST_HOLD_MS - age : 0;
}

export class PhotoQueue {
  readonly photos = shallowRef<readonly Photo[]>([]);
  /** What was kept before the page was loaded is here. */
  readonly ready: Promise<void>;

  private isLoaded = false;
  private sending = false;
  private failures = 0;
  private stopped = false;
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly upload: Upload,
    private readonly store: PhotoStore,
    /** A photo of this task is with the server, or will never be. */
    private readonly settled: (task: number) => void = () => undefined,
  ) {
    this.ready = this.load();
  }

  of(task: number): Photo[] {
    return this.photos.value.filter((photo) => photo.kept.task === task);
  }

  drafts(task: number): Photo[] {
    return this.of(task).filter((photo) => photo.state === "draft");
  }

  /** Drafts of tasks that are not his any more: no form shows them. */
  left(isHis: (task: number) => boolean): Photo[] {
    return this.photos.value.filter((photo) => photo.state === "draft" && !isHis(photo.kept.task));
  }

  /** Does a photo of this task still have to be sent? While nobody knows what was kept: perhaps. */
  isWaiting(task: number): boolean {
    return !this.isLoaded || this.of(task).some((photo) => photo.state === "waiting" || photo.state === "sending");
  }

  /**
   * Keeps it as a draft, or says why not. The newest is refused when there is no more room: the others are evidence already. Where
   * the browser keeps nothing the photo is taken all the same, for as long as the page stays open, and that is said too.
   */
  async add(task: number, file: Blob, takenAt: string): Promise<Objection | null> {
    const why = objection(file) ?? this.noRoom(task, file.size);
    if (why) return why;
    const bytes = await file.arrayBuffer();
    const kept: KeptPhoto = { id: clientId(), task, bytes, type: file.type, takenAt, sha256: await sha256Of(bytes), released: false };
    this.photos.value = [...this.photos.value, shown(kept, "draft")];
    const isKept = await done(this.store.put(kept));
    return isKept ? null : { key: "hands.photo_not_kept", params: {} };
  }

  /** One that cannot be taken out of the store comes back with a reload, and has its id still: it is never doubled. */
  async remove(photo: Photo): Promise<void> {
    this.forget(photo);
    await done(this.store.remove(photo.kept.id));
  }

  /** The form is sent: its photos go out. */
  async release(task: number): Promise<void> {
    await this.send(this.drafts(task));
  }

  async send(drafts: readonly Photo[]): Promise<void> {
    for (const photo of drafts) {
      photo.kept = { ...photo.kept, released: true };
      photo.state = "waiting";
      await done(this.store.put(photo.kept));
    }
    this.photos.value = [...this.photos.value];
    void this.pump();
  }

  /** The network may be back: do not wait for the pause to end. */
  hurry(): void {
    clearTimeout(this.timer);
    void this.pump();
  }

  stop(): void {
    this.stopped = true;
    clearTimeout(this.timer);
    for (const photo of this.photos.value) URL.revokeObjectURL(photo.preview);
  }

  private async load(): Promise<void> {
    const kept = await this.store.load().catch(() => []);
    this.photos.value = [...kept.map((one) => shown(one, one.released ? "waiting" : "draft")), ...this.photos.value];
    this.isLoaded = true;
    void this.pump();
  }

  /** Bytes of all; in number only what was sent off and what this form has: another's drafts may lie there for ever. */
  private noRoom(task: number, size: number): Objection | null {
    const bytes = this.photos.value.reduce((sum, photo) => sum + photo.kept.bytes.byteLength, size);
    const count = this.photos.value.filter((photo) => photo.state !== "draft" || photo.kept.task === task).length;
    if (count < MOST_PHOTOS && bytes <= MOST_KEPT_BYTES) return null;
    return { key: "hands.photos_full", params: { n: bytes > MOST_KEPT_BYTES ? this.photos.value.length : count } };
  }

  private async pump(): Promise<void> {
    if (this.sending) return;
    this.sending = true;
    try {
      for (let photo = this.next(); photo && !this.stopped; photo = this.next()) {
        if (!(await this.attempt(photo))) break;
      }
    } catch (error) {
      console.error(error); // a fault of the page: it must not keep the other photos from the server
      this.later();
    } finally {
      this.sending = false;
    }
  }

  private next(): Photo | undefined {
    return this.photos.value.find((photo) => photo.state === "waiting");
  }

  /** False when it has to be sent again later. */
  private async attempt(photo: Photo): Promise<boolean> {
    const { task, id, bytes, type } = photo.kept;
    photo.state = "sending";
    try {
      await this.upload(task, new Blob([bytes], { type }), id, photo.kept, (share) => (photo.share = share));
      await this.remove(photo);
    } catch (error) {
      if (!(error instanceof ApiError)) {
        photo.state = "waiting";
        throw error;
      }
      if (error.passing || [401, 408, 429].includes(error.status)) return this.pause(photo);
      photo.state = "refused";
      photo.error = error;
    }
    this.failures = 0;
    this.settled(task);
    return true;
  }

  private pause(photo: Photo): false {
    photo.state = "waiting";
    photo.share = 0;
    this.later();
    return false;
  }

  private later(): void {
    clearTimeout(this.timer);
    const pause = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** this.failures++);
    if (!this.stopped) this.timer = setTimeout(() => void this.pump(), pause);
  }

  private forget(photo: Photo): void {
    URL.revokeObjectURL(photo.preview);
    this.photos.value = this.photos.value.filter((one) => one !== photo);
  }
}

async function done(change: Promise<void>): Promise<boolean> {
  return change.then(
    () => true,
    () => false,
  );
}

function shown(kept: KeptPhoto, state: Photo["state"]): Photo {
  const preview = URL.createObjectURL(new Blob([kept.bytes], { type: kept.type }));
  return shallowReactive({ kept, preview, state, share: 0, error: null });
}
