import { afterEach, expect, test } from "vitest";

import type { NoticeState } from "@/api/noticesTypes";
import type { TaskDetail } from "@/api/types";
import { session } from "@/session/session";
import { unseen } from "@/task/useSeen";

function told(...notices: [target: string, channel: string, state: NoticeState][]): TaskDetail {
  return { notices: notices.map(([target, channel, state], id) => ({ id, target, channel, state })) } as unknown as TaskDetail;
}

afterEach(() => (session.value = null));

const task = told(
  ["o1", "page", "sent"],
  ["o1", "page", "delivered"],
  ["o1", "page", "seen"],
  ["o1", "page", "superseded"],
  ["o1", "wecom", "sent"],
  ["o2", "page", "sent"],
  ["centre", "page", "sent"],
  ["city", "page", "delivered"],
);

test("an officer has seen what his own page was told and no more", () => {
  session.value = { name: "w", role: "officer", officer: "o1" };
  expect(unseen(task)).toEqual([0, 1]);
});

test("the centre has seen what the centre and the city were told", () => {
  session.value = { name: "c", role: "centre", officer: null };
  expect(unseen(task)).toEqual([6, 7]);
});

test("the bureau's look is no receipt, and nobody's is none", () => {
  session.value = { name: "b", role: "bureau", officer: null };
  expect(unseen(task)).toEqual([]);
  session.value = null;
  expect(unseen(task)).toEqual([]);
  expect(unseen(null)).toEqual([]);
});
