import { describe, expect, it } from "vitest";

import { shown } from "@/reports/cells";
import { firstOf, lastWhole, moved } from "@/reports/periods";

describe("the period of a report", () => {
  it("begins on its day, its Monday, its first", () => {
    expect((["daily", "weekly", "monthly"] as const).map((kind) => firstOf(kind, "2026-11-22"))).toEqual(["2026-11-22", "2026-11-16", "2026-11-01"]);
    expect(firstOf("weekly", "2026-11-16")).toBe("2026-11-16");
  });

  it("is moved over the ends of months and years", () => {
    expect([moved("daily", "2026-12-31", 1), moved("weekly", "2027-01-01", -1), moved("monthly", "2026-03-31", -1)]).toEqual(["2027-01-01", "2026-12-21", "2026-02-01"]);
    expect(lastWhole("weekly", "2026-11-22")).toBe("2026-11-09");
  });
});

describe("a cell of a report", () => {
  it("is shown by its column, and nothing is no zero", () => {
    expect([shown(null, "share"), shown(0, "share"), shown(0.123, "share"), shown(0, "count")]).toEqual(["—", "0.0 %", "12.3 %", "0"]);
    expect([shown(125.4, "seconds"), shown(-3, "seconds")]).toEqual(["2:05", "-0:03"]);
  });

  it("is words where there are any, and the name itself where there are none", () => {
    expect([shown("kind.smoke", "word"), shown("东方钢铁", "word"), shown("rule.limit_rtd", "word"), shown("rule.of_the_city", "word"), shown("kind.smoke", "text")]).toEqual(["冒烟", "东方钢铁", "实时值超标", "of_the_city", "kind.smoke"]);
  });
});
