import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { ApiError } from "@/api/client";
import type { Task } from "@/api/types";
import { Refetcher } from "@/live/refetcher";
import { TaskBoard } from "@/live/taskBoard";
import { aTask } from "./fixtures";

class FakeSource {
  readonly rows = new Map<number, Task>();
  failure: ApiError | null = null;
  /** Holds the next list back until it is released. */
  gate: Promise<void> | null = null;
  readonly asked: number[] = [];

  async openTasks(): Promise<Task[]> {
    const seen = [...this.rows.values()].filter((task) => task.state !== "closed");
    await this.gate;
    if (this.failure) throw this.failure;
    return seen;
  }

  task(id: number): Promise<Task> {
    this.asked.push(id);
    const task = this.rows.get(id);
    return this.failure || !task ? Promise.reject(this.failure ?? new ApiError("not_found", 404)) : Promise.resolve(task);
  }
}

let source: FakeSource;
let board: TaskBoard;
const arrived = vi.fn();
const settle = (): Promise<unknown> => vi.advanceTimersByTimeAsync(0);

beforeEach(() => {
  vi.useFakeTimers();
  arrived.mockReset();
  source = new FakeSource();
  board = new TaskBoard(source, arrived);
});
afterEach(() => {
  board.stop();
  vi.useRealTimers();
});

describe("the board of open tasks", () => {
  it("rings for a task that is new, not for those that were there when it opened", async () => {
    source.rows.set(1, aTask());
    await board.reload();
    source.rows.set(2, aTask({ id: 2 }));
    board.changed(2);
    board.changed(2);
    await settle();
    expect(arrived.mock.calls.map(([task]) => (task as Task).id)).toEqual([2]);
    expect([...board.tasks.keys()]).toEqual([1, 2]);
  });

  it("drops what is closed, and what may no longer be seen", async () => {
    for (const id of [1, 2]) source.rows.set(id, aTask({ id }));
    await board.reload();
    source.rows.set(1, aTask({ id: 1, state: "closed" }));
    source.rows.delete(2);
    [1, 2].forEach((id) => board.changed(id));
    await settle();
    expect(board.tasks.size).toBe(0);
  });

  it("is not set back by a list that was read before an event", async () => {
    source.rows.set(1, aTask());
    let open = (): void => undefined;
    source.gate = new Promise((resolve) => (open = resolve));
    const reading = board.reload();
    source.rows.set(1, aTask({ state: "accepted" }));
    board.changed(1);
    await settle();
    open();
    await reading;
    await settle();
    expect(board.tasks.get(1)?.state).toBe("accepted");
  });

  it("keeps what it shows while the server is away, and reads again by itself", async () => {
    source.rows.set(1, aTask());
    await board.reload();
    source.failure = new ApiError("network", 0);
    source.rows.set(1, aTask({ state: "accepted" }));
    board.changed(1);
    await settle();
    expect(board.tasks.get(1)?.state).toBe("offered");
    source.failure = null;
    await vi.advanceTimersByTimeAsync(2_500);
    expect(board.tasks.get(1)?.state).toBe("accepted");
  });

  it("says that it failed only when it never had a list", async () => {
    source.failure = new ApiError("http_502", 502);
    await board.reload();
    expect(board.state.value).toBe("failed");
    source.failure = null;
    await vi.advanceTimersByTimeAsync(2_500);
    expect(board.state.value).toBe("ready");
  });
});

describe("the refetcher", () => {
  it("makes one fetch of many wishes, and one more for wishes during a fetch", async () => {
    const release: (() => void)[] = [];
    const fetches: number[] = [];
    const refetcher = new Refetcher((id) => {
      fetches.push(id);
      return new Promise((resolve) => release.push(resolve));
    });
    refetcher.ask(1);
    for (let n = 0; n < 50; n++) refetcher.ask(1);
    release[0]?.();
    await settle();
    expect(fetches).toEqual([1, 1]);
  });

  it("never has more under way than it may", async () => {
    let under = 0;
    let most = 0;
    const refetcher = new Refetcher(async () => {
      most = Math.max(most, ++under);
      await new Promise((resolve) => setTimeout(resolve, 10));
      under--;
    }, 3);
    for (let id = 0; id < 40; id++) refetcher.ask(id);
    await vi.advanceTimersByTimeAsync(1_000);
    expect([most, under]).toEqual([3, 0]);
  });
});
