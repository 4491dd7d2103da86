/** Which comments this phone wrote, so that it can show them and their answers: the newest ten, by the ids it made for them. */

const STORED_AS = "farwatch.comments";
export const MOST = 10;

export interface Store {
  getItem(key: string): string | null;
  setItem(key: string, value: string): void;
}

export class MyComments {
  private ids: string[];

  /** `store` may be closed to us or hold anything: then the page knows what was written since it was opened. */
  constructor(private readonly store: Store | undefined) {
    this.ids = this.stored();
  }

  get all(): string[] {
    return [...this.ids];
  }

  add(id: string): void {
    this.ids = [...this.ids.filter((one) => one !== id), id].slice(-MOST);
    try {
      this.store?.setItem(STORED_AS, JSON.stringify(this.ids));
    } catch {
      // Full or forbidden: kept for this page only.
    }
  }

  private stored(): string[] {
    try {
      const found: unknown = JSON.parse(this.store?.getItem(STORED_AS) ?? "[]");
      return Array.isArray(found) ? found.filter((one) => typeof one === "string" && /^[0-9a-f-]{36}$/.test(one)).slice(-MOST) : [];
    } catch {
      return [];
    }
  }
}
