import { describe, expect, it } from "vitest";

import { fill, pollutant, setLanguage, t, word } from "@/i18n";
import * as en from "@/i18n/en";
import { pollutants } from "@/i18n/pollutants";
import { reasonText } from "@/i18n/reason";
import * as zh from "@/i18n/zh";

const books = Object.keys(zh) as (keyof typeof zh)[];
const blanks = (text: string): string[] => [...text.matchAll(/\{(\w+)\}/g)].map((match) => match[1] ?? "").sort();

describe("both languages", () => {
  it.each(books)("have the same keys of %s, none empty", (book) => {
    expect(Object.keys(en[book]).sort()).toEqual(Object.keys(zh[book]).sort());
    for (const texts of [en[book], zh[book]]) for (const text of Object.values(texts)) expect(text.trim()).not.toBe("");
  });

  it.each(books)("use the same parameters in each text of %s", (book) => {
    for (const [key, text] of Object.entries(zh[book])) expect([key, blanks(en[book][key] ?? "")]).toEqual([key, blanks(text)]);
  });

  it("name every pollutant", () => {
    for (const names of Object.values(pollutants)) for (const name of names) expect(name).not.toBe("");
  });
});

describe("words", () => {
  it("show a key that nobody has words for as it is", () => {
    expect(word("reason", "brand_new")).toBe("brand_new");
    expect(pollutant("z99999")).toBe("z99999");
    expect(t("no.such.key")).toBe("no.such.key");
  });

  it("name codes of old loggers, of numbered equipment, and with what the decoder adds", () => {
    expect(["011", "01", "e10102", "SB3", "a21026_Cou", "Leq_night"].map(pollutant)).toEqual([
      "化学需氧量",
      "烟尘（颗粒物）",
      "进水口流量 02",
      "设备3",
      "二氧化硫（排放量）",
      "夜间等效声级",
    ]);
  });

  it("show what is missing as a dash and round numbers for people", () => {
    expect(fill("{a} {b} {c}", { a: 1.23456, b: null, c: 0 })).toBe("1.235 — 0");
  });

  it("say one of one and more of more", () => {
    setLanguage("en");
    const said = [0, 1, 2, 1.5].map((n) => t("list.matters", { n }));
    expect(said).toEqual(["0 matters", "1 matter", "2 matters", "1.5 matters"]);
    expect(t("officer.places_left", { n: 1 })).toBe("1 matter is elsewhere: report again when you are there");
    expect(t("silences.strip", { n: 1, held: 0 })).toBe("1 silence · 0 findings held back");
    setLanguage("zh-CN");
  });

  it("choose among words only by parameters that the text has", () => {
    for (const book of books) {
      for (const text of Object.values(en[book])) {
        for (const [, name] of text.matchAll(/\{(\w+)\|/g)) expect(blanks(text)).toContain(name);
      }
    }
  });

  it("turn the keys among a reason's parameters into words too", () => {
    const reason = { key: "over_limit", params: { code: "a21026", reading: "rtd", value: 41.234, unit: "mg/m3", limit: 35, ratio: 1.178 } };
    setLanguage("zh-CN");
    expect(reasonText(reason)).toBe("二氧化硫实时值 41.23 mg/m3，超过限值 35（为其 1.178 倍）");
    setLanguage("en");
    expect(reasonText(reason)).toContain("real-time value 41.23 mg/m3, over the limit of 35");
    setLanguage("zh-CN");
  });

  it("say where a limit comes from, and when nobody has verified it", () => {
    const params = { code: "w01001", reading: "hour", value: 5.2, unit: "", limit: 6, source: "GB 18918-2002", unverified: true };
    expect(reasonText({ key: "under_limit", params })).toMatch(/下限 6，依据 GB 18918-2002（该限值未经与标准原文核对）$/);
    expect(reasonText({ key: "under_limit", params: { ...params, source: "", unverified: false } })).toMatch(/下限 6$/);
    const night = { ...params, reading: "min", limit_kind: "hour", schedule: "22:00-06:00", unverified: false };
    expect(reasonText({ key: "under_limit", params: night })).toMatch(/下限 6（小时均值限值），时段 22:00-06:00，依据 GB 18918-2002$/);
  });

  it("name what a data fault speaks of: codes, flags, labels and times", () => {
    const remarked = { key: "data_remarked", params: { code: "a21026", reading: "hour", value: 61.2, unit: "mg/m3", limit: 35, after: 61.2, flag: "M", at: "2026-11-21T06:00:00Z", count: 1 } };
    expect(reasonText(remarked)).toBe("二氧化硫小时均值 2026-11-21 14:00:00 原为 61.2 mg/m3（限值 35，标记正常），后改报为 61.2、标记 M 维护，共 1 个");
    expect(reasonText({ key: "data_drop_together", params: { codes: "a21026,a21002", other: "a21002", count: 2 } })).toContain("二氧化硫, 氮氧化物 等 2 个因子");
  });
});
