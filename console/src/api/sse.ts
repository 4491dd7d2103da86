/** Server-sent events as a sans-IO parser. The browser's own EventSource hides comment lines, and those are our heartbeat. */

export interface SseMessage {
  id: string;
  event: string;
  data: string;
}

/** A line longer than this is no event of ours; it is dropped so that a wall's memory stays bounded. */
const LONGEST_LINE = 1_000_000;

export class SseParser {
  private rest = "";
  /** The latest id, also of a block without data: where to go on after a reconnect. */
  id = "";
  private event = "";
  private data: string[] = [];

  /** Takes decoded text in any portions; gives the messages that are complete. */
  feed(text: string): SseMessage[] {
    const lines = (this.rest + text).split(/\r\n|\n|\r(?!$)/);
    this.rest = lines.pop() ?? "";
    if (this.rest.length > LONGEST_LINE) this.rest = "";
    const found: SseMessage[] = [];
    for (const line of lines) {
      if (line === "") this.finish(found);
      else this.field(line);
    }
    return found;
  }

  private finish(found: SseMessage[]): void {
    if (this.data.length) found.push({ id: this.id, event: this.event || "message", data: this.data.join("\n") });
    this.event = "";
    this.data = [];
  }

  private field(line: string): void {
    const colon = line.indexOf(":");
    if (colon === 0) return;
    const name = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (name === "data") this.data.push(value);
    else if (name === "event") this.event = value;
    else if (name === "id") this.id = value;
  }
}
