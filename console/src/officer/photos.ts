/** Photos on their way to the server: each keeps its id, so that sending one again never doubles it. */

import { ref, shallowReactive } from "vue";

import { ApiError } from "@/api/client";
import { clientId } from "@/api/clientId";
import type { Evidence } from "@/api/types";

export const MOST_BYTES = 15 * 1024 * 1024;
const TYPES = ["image/jpeg", "image/png", "image/webp"];
const PAUSES_MS = [1_000, 3_000, 6_000];

export type Upload = (photo: Blob, id: string, progress: (share: number) => void) => Promise<Evidence>;

export interface Photo {
  id: string;
  file: Blob;
  preview: string;
  state: "chosen" | "sending" | "sent" | "failed";
  share: number;
  error: ApiError | null;
}

/** Why a file cannot be taken: a key of the pages with its parameters; null when it can. */
export function objection(file: Blob): { key: string; params: Record<string, string> } | null {
  if (!TYPES.includes(file.type)) return { key: "officer.photo_wrong_type", params: {} };
  if (file.size <= MOST_BYTES) return null;
  return { key: "officer.photo_too_large", params: { size: (file.size / 1024 / 1024).toFixed(1) } };
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

export class PhotoRoll {
  readonly photos = ref<Photo[]>([]);

  constructor(private readonly upload: Upload) {}

  add(file: Blob): void {
    this.photos.value.push(
      shallowReactive({ id: clientId(), file, preview: URL.createObjectURL(file), state: "chosen", share: 0, error: null }),
    );
  }

  remove(photo: Photo): void {
    URL.revokeObjectURL(photo.preview);
    this.photos.value = this.photos.value.filter((one) => one.id !== photo.id);
  }

  /** True when every photo is with the server. */
  async send(): Promise<boolean> {
    for (const photo of this.photos.value) if (photo.state !== "sent") await this.sendOne(photo);
    return this.photos.value.every((photo) => photo.state === "sent");
  }

  clear(): void {
    for (const photo of this.photos.value) URL.revokeObjectURL(photo.preview);
    this.photos.value = [];
  }

  private async sendOne(photo: Photo): Promise<void> {
    photo.state = "sending";
    photo.error = null;
    for (let attempt = 0; ; attempt++) {
      try {
        await this.upload(photo.file, photo.id, (share) => (photo.share = share));
        photo.state = "sent";
        return;
      } catch (error) {
        if (!(error instanceof ApiError)) throw error;
        const wait = PAUSES_MS[attempt];
        if (!error.passing || wait === undefined) {
          photo.state = "failed";
          photo.error = error;
          return;
        }
        await pause(wait);
      }
    }
  }
}
