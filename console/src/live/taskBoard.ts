/** The open tasks of a page, kept fresh by events. Holds what is open and nothing else, so it stays small for weeks. */

import { ref, shallowReactive } from "vue";

import { ApiError } from "@/api/client";
import type { Task } from "@/api/types";
import { Refetcher } from "./refetcher";

export interface TaskSource {
  openTasks(): Promise<Task[]>;
  task(id: number): Promise<Task>;
}

const RETRY_MS = 2_000;

export class TaskBoard {
  readonly tasks = shallowReactive(new Map<number, Task>());
  /** loading until the first list came; failed when it could not be read and nothing is shown. */
  readonly state = ref<"loading" | "ready" | "failed">("loading");

  private readonly refetcher = new Refetcher((id) => this.refresh(id));
  /** Ids that an event named while the whole list was being read: the list may be older than the event. */
  private touched: Set<number> | null = null;
  private retry: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly source: TaskSource,
    private readonly arrived: (task: Task) => void = () => undefined,
  ) {}

  /** An event named this task. */
  changed(id: number): void {
    this.touched?.add(id);
    this.refetcher.ask(id);
  }

  async reload(): Promise<void> {
    if (this.touched) return;
    clearTimeout(this.retry);
    const touched = (this.touched = new Set<number>());
    try {
      const listed = await this.source.openTasks();
      this.replace(listed);
      this.state.value = "ready";
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (this.state.value === "loading") this.state.value = "failed";
      if (error.passing) this.retry = setTimeout(() => void this.reload(), RETRY_MS);
    } finally {
      this.touched = null;
      for (const id of touched) this.refetcher.ask(id);
    }
  }

  /** Takes what an action's answer said about a task. */
  put(task: Task): void {
    if (task.state === "closed") {
      this.tasks.delete(task.id);
      return;
    }
    const isNew = !this.tasks.has(task.id);
    this.tasks.set(task.id, task);
    if (isNew && this.state.value === "ready") this.arrived(task);
  }

  stop(): void {
    clearTimeout(this.retry);
    this.refetcher.clear();
  }

  private replace(listed: Task[]): void {
    const ids = new Set(listed.map((task) => task.id));
    for (const id of [...this.tasks.keys()]) if (!ids.has(id)) this.tasks.delete(id);
    for (const task of listed) this.put(task);
  }

  private async refresh(id: number): Promise<void> {
    try {
      this.put(await this.source.task(id));
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      // Not ours to see any more: it went to somebody else.
      if (error.status === 404 || error.status === 403) this.tasks.delete(id);
      else if (error.passing) setTimeout(() => this.refetcher.ask(id), RETRY_MS);
    }
  }
}
