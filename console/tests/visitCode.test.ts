import { expect, it } from "vitest";

import type { Kind, Named } from "@/api/types";
import { callsForCode } from "@/officer/visitCode";
import { aTask } from "./fixtures";

const works: Named = { id: "e1", name: "东方钢铁" };

it.each<[Kind[], Named | null, boolean]>([
  [["camera_fault"], null, false],
  [["camera_fault"], works, true],
  [["data_fault"], works, true],
  [["data_fault"], null, true],
  [["camera_fault", "burning"], null, true],
  [["smoke"], works, true],
])("a task of %j at %j calls for a visit code: %j", (kinds, enterprise, calls) => {
  expect(callsForCode(aTask({ kinds, enterprise }))).toBe(calls);
});
