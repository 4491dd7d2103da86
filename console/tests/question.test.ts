import { expect, test } from "vitest";

import { ApiError } from "@/api/client";
import { useQuestion, type Said } from "@/task/useQuestion";

test("a deed that is sent again after a failure keeps its id, and the next one has another", async () => {
  const sent: [string, Said][] = [];
  const question = useQuestion<string>();
  const send = (answer: () => void) => question.answer(async (what, said) => (sent.push([what, said]), answer()));
  question.ask("excuse");
  question.note = " no network ";
  await send(() => {
    throw new ApiError("network", 0);
  });
  expect([question.asked, question.failure?.key, question.busy]).toEqual(["excuse", "network", false]);
  await send(() => undefined);
  expect([question.asked, question.failure]).toEqual([null, null]);
  question.ask("reassign");
  expect(question.note).toBe("");
  await send(() => undefined);
  expect(sent.map(([what, { note }]) => [what, note])).toEqual([["excuse", "no network"], ["excuse", "no network"], ["reassign", ""]]);
  const ids = sent.map(([, { client_id }]) => client_id);
  expect([ids[0] === ids[1], ids[1] === ids[2]]).toEqual([true, false]);
});

test("what is no refusal of the server's is no answer", async () => {
  const question = useQuestion<string>();
  question.ask("excuse");
  await expect(question.answer(() => Promise.reject(new TypeError("a fault of the page")))).rejects.toThrow("a fault");
  expect([question.busy, question.failure]).toEqual([false, null]);
});
