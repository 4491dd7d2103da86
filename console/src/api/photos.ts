/** Sends one photo of a task. */

import { ApiError, errorFrom } from "./client";
import type { Evidence } from "./types";

const TIMEOUT_MS = 120_000;

/** What the phone says of a photo: it is kept beside, and other bytes than those of the hash are refused. */
export interface Said {
  /** Null where the page came over plain http: browsers make no hashes there. */
  sha256: string | null;
  takenAt: string;
}

/** XMLHttpRequest, because fetch cannot say how much of a body has been sent. */
export function uploadPhoto(task: number, photo: Blob, clientId: string, said: Said, progress: (share: number) => void): Promise<Evidence> {
  return new Promise((resolve, reject) => {
    const sending = new XMLHttpRequest();
    sending.open("POST", `/api/v1/tasks/${task}/photos`);
    sending.setRequestHeader("Content-Type", photo.type);
    sending.setRequestHeader("X-Client-Id", clientId);
    sending.setRequestHeader("X-Taken-At", said.takenAt);
    if (said.sha256) sending.setRequestHeader("X-Content-SHA256", said.sha256);
    sending.responseType = "json";
    sending.timeout = TIMEOUT_MS;
    sending.upload.onprogress = (event) => progress(event.total ? event.loaded / event.total : 0);
    sending.onload = () => {
      if (sending.status >= 200 && sending.status < 300) resolve(sending.response as Evidence);
      else reject(errorFrom(sending.status, sending.response));
    };
    sending.onerror = sending.ontimeout = () => reject(new ApiError("network", 0));
    sending.send(photo);
  });
}
