/** The routes of notices. */

import { get, request } from "./client";
import type { NoticeWay } from "./noticesTypes";
import type { Page } from "./types";

export const notices = {
  lost: () => get<Page<NoticeWay>>("/notices?state=lost&limit=50"),
  seen: (task: number) => request<null>("POST", "/notices/seen", { task }),
};
