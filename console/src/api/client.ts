/** A typed door to the HTTP API. Every failure is an ApiError with a key that the pages have words for. */

import type {
  ActionBody,
  ActionResult,
  Camera,
  Figures,
  Fix,
  Grid,
  Officer,
  Page,
  Params,
  ReadingKind,
  Readings,
  Session,
  Station,
  Status,
  Task,
  TaskDetail,
  Verb,
  Warning,
} from "./types";

const TIMEOUT_MS = 10_000;
const MOST_TASKS = 500;

export class ApiError extends Error {
  constructor(
    readonly key: string,
    readonly status: number,
    readonly params: Params = {},
  ) {
    super(key);
  }

  /** True when nothing says that the server decided: the same request may be sent again. */
  get passing(): boolean {
    return this.status === 0 || this.status >= 500;
  }
}

export type GridCollection = GeoJSON.FeatureCollection<GeoJSON.Polygon | GeoJSON.MultiPolygon, Grid>;

let signedOut: () => void = () => undefined;

/** Called whenever the server says that this session is over. */
export function onSignedOut(listener: () => void): void {
  signedOut = listener;
}

export function errorFrom(status: number, body: unknown): ApiError {
  const error = (body as { error?: { key?: unknown; params?: Params } } | null)?.error;
  const key = typeof error?.key === "string" ? error.key : `http_${status}`;
  return new ApiError(key, status, error?.params ?? {});
}

export async function request<T>(method: string, path: string, body?: unknown): Promise<T> {
  let response: Response;
  try {
    response = await fetch(`/api/v1${path}`, {
      method,
      headers: body === undefined ? {} : { "Content-Type": "application/json" },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    // An answer that breaks off says nothing: it counts as no connection. What an error's body says is a bonus.
    if (response.ok) return (response.status === 204 ? null : await response.json()) as T;
    throw errorFrom(response.status, await response.json().catch(() => null));
  } catch (error) {
    const failure = error instanceof ApiError ? error : new ApiError("network", 0);
    if (failure.status === 401 && path !== "/session") signedOut();
    throw failure;
  }
}

export const get = <T>(path: string): Promise<T> => request<T>("GET", path);

async function all<T>(path: string): Promise<T[]> {
  return (await get<Page<T>>(path)).items;
}

/** Tasks that are not closed, at most `MOST_TASKS` of them. */
async function openTasks(): Promise<Task[]> {
  const found: Task[] = [];
  let cursor: string | null = "";
  while (cursor !== null && found.length < MOST_TASKS) {
    const more: string = cursor ? `&cursor=${encodeURIComponent(cursor)}` : "";
    const page: Page<Task> = await get<Page<Task>>(`/tasks?state=open&limit=100${more}`);
    found.push(...page.items);
    cursor = page.next;
  }
  return found;
}

export function query(values: Record<string, string>): string {
  return new URLSearchParams(values).toString();
}

export const api = {
  session: () => get<Session>("/session"),
  signIn: (name: string, password: string) => request<Session>("POST", "/session", { name, password }),
  signOut: () => request<null>("DELETE", "/session"),
  openTasks,
  task: (id: number) => get<TaskDetail>(`/tasks/${id}`),
  act: (id: number, verb: Verb, body: ActionBody) => request<ActionResult>("POST", `/tasks/${id}/${verb}`, body),
  grids: () => get<GridCollection>("/grids"),
  stations: () => all<Station>("/stations"),
  cameras: () => all<Camera>("/cameras"),
  officers: () => all<Officer>("/officers"),
  warnings: () => all<Warning>("/warnings?state=open"),
  figures: () => get<Figures>("/figures/today"),
  status: () => get<Status>("/status"),
  position: (fix: Fix, at: string) => request<null>("POST", "/position", { ...fix, at }),
  readings: (mn: string, code: string, kind: ReadingKind, from: string, to: string) =>
    get<Readings>(`/stations/${encodeURIComponent(mn)}/readings?${query({ code, kind, from, to })}`),
};
