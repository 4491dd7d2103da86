import { describe, expect, it } from "vitest";

import { MOST, MyComments, type Store } from "@/visit/myComments";

const id = (n: number): string => `00000000-0000-4000-8000-${String(n).padStart(12, "0")}`;

function store(content: string | null): Store & { content: string | null } {
  return {
    content,
    getItem() {
      return this.content;
    },
    setItem(_, value) {
      this.content = value;
    },
  };
}

describe("the comments that this phone wrote", () => {
  it("are known again after a reload, the newest ten, each once", () => {
    const kept = store(null);
    const mine = new MyComments(kept);
    for (let n = 0; n < MOST + 3; n++) mine.add(id(n));
    mine.add(id(5));
    const again = new MyComments(kept).all;
    expect(again).toHaveLength(MOST);
    expect(again.at(-1)).toBe(id(5));
    expect(again.filter((one) => one === id(5))).toHaveLength(1);
  });

  it.each(["not JSON", "{}", "null", '["x", 7, null]'])("are none where the store holds %s", (content) => {
    expect(new MyComments(store(content)).all).toEqual([]);
  });

  it("are known as long as the page is open where nothing can be stored", () => {
    const closed: Store = {
      getItem: () => {
        throw new Error("forbidden");
      },
      setItem: () => {
        throw new Error("full");
      },
    };
    for (const mine of [new MyComments(closed), new MyComments(undefined)]) {
      mine.add(id(1));
      expect(mine.all).toEqual([id(1)]);
    }
  });
});
