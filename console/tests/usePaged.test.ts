import { describe, expect, it } from "vitest";
import { nextTick, shallowRef } from "vue";

import { ApiError } from "@/api/client";
import type { Page } from "@/api/types";
import { usePaged } from "@/bureau/usePaged";

const page = (items: number[], next: string | null): Page<number> => ({ items, next });

async function opened(ask: (cursor: string) => Promise<Page<number>>) {
  const first = shallowRef<Page<number> | null>(null);
  const paged = usePaged(first, ask);
  first.value = page([1, 2], "a");
  await nextTick();
  return { first, ...paged };
}

describe("a list in pages", () => {
  it("goes on where it ended, until there is no more", async () => {
    const asked: string[] = [];
    const list = await opened((cursor) => {
      asked.push(cursor);
      return Promise.resolve(cursor === "a" ? page([3], "b") : page([4], null));
    });
    await list.goOn();
    await list.goOn();
    await list.goOn();
    expect([list.items.value, list.next.value, asked]).toEqual([[1, 2, 3, 4], null, ["a", "b"]]);
  });

  it("keeps what it shows when a page fails, and may be asked again", async () => {
    let away = true;
    const list = await opened(() => (away ? Promise.reject(new ApiError("database_away", 503)) : Promise.resolve(page([3], null))));
    await list.goOn();
    expect([list.items.value, list.failed.value?.key, list.busy.value]).toEqual([[1, 2], "database_away", false]);
    away = false;
    await list.goOn();
    expect([list.items.value, list.failed.value]).toEqual([[1, 2, 3], null]);
  });

  it("forgets a page of a list that is no longer shown", async () => {
    let answer: (found: Page<number>) => void = () => undefined;
    const list = await opened(() => new Promise((resolve) => (answer = resolve)));
    const going = list.goOn();
    list.first.value = page([9], null);
    await nextTick();
    answer(page([3], null));
    await going;
    expect(list.items.value).toEqual([9]);
  });
});
