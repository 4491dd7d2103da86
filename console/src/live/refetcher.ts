/** Fetches things again when they changed: each id one at a time, many wishes for one id become one, few at once. */

export class Refetcher {
  private readonly waiting = new Set<number>();
  private readonly running = new Set<number>();

  constructor(
    private readonly fetchOne: (id: number) => Promise<void>,
    private readonly mostAtOnce = 4,
  ) {}

  /** A wish for an id that is being fetched leads to one more fetch: what is under way may have been read too early. */
  ask(id: number): void {
    this.waiting.add(id);
    this.pump();
  }

  clear(): void {
    this.waiting.clear();
  }

  private pump(): void {
    for (const id of this.waiting) {
      if (this.running.size >= this.mostAtOnce) return;
      if (this.running.has(id)) continue;
      this.waiting.delete(id);
      this.running.add(id);
      void this.fetchOne(id).finally(() => {
        this.running.delete(id);
        this.pump();
      });
    }
  }
}
