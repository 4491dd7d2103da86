/** Reads a stream of pictures (multipart/x-mixed-replace). An <img> could show it, but never tell that it has ended. Pure. */

export interface Picture {
  jpeg: Uint8Array<ArrayBuffer>;
  /** When it was taken, by the server's clock; null when the stream does not say. */
  takenAt: number | null;
}

const HEAD_MAX = 4_096;
const END_OF_HEAD = [13, 10, 13, 10];

function endOfHead(bytes: Uint8Array): number {
  for (let i = 0; i + 3 < bytes.length; i++) if (END_OF_HEAD.every((byte, at) => bytes[i + at] === byte)) return i + 4;
  return -1;
}

/** The pictures as they come; ends with the stream. Throws on what is no such stream. */
export async function* pictures(body: ReadableStream<Uint8Array>): AsyncGenerator<Picture> {
  const reader = body.getReader();
  let held: Uint8Array<ArrayBuffer> = new Uint8Array(0);

  async function more(): Promise<boolean> {
    const { done, value } = await reader.read();
    if (done) return false;
    const joined = new Uint8Array(held.length + value.length);
    joined.set(held);
    joined.set(value, held.length);
    held = joined;
    return true;
  }

  try {
    for (;;) {
      let begin = endOfHead(held);
      while (begin < 0) {
        if (held.length > HEAD_MAX) throw new Error("not a stream of pictures");
        if (!(await more())) return;
        begin = endOfHead(held);
      }
      const head = new TextDecoder().decode(held.subarray(0, begin));
      const length = Number(/^content-length:\s*(\d+)/im.exec(head)?.[1] ?? NaN);
      if (!Number.isFinite(length)) throw new Error("a picture without its length");
      while (held.length < begin + length) if (!(await more())) return;
      const takenAt = Date.parse(/^last-modified:\s*(.+?)\s*$/im.exec(head)?.[1] ?? "");
      yield { jpeg: held.slice(begin, begin + length), takenAt: Number.isNaN(takenAt) ? null : takenAt };
      held = held.slice(begin + length);
    }
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}
