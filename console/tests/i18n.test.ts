import { describe, expect, it } from "vitest";

import { fill, pollutant, setLanguage, t, word } from "@/i18n";
import * as en from "@/i18n/en";
import { pollutants } from "@/i18n/pollutants";
import { reasonText } from "@/i18n/reason";
import * as zh from "@/i18n/zh";

const books = ["pages", "bureau", "words", "reasons", "faults"] as const;
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

  it("show what is missing as a dash and round numbers for people", () => {
    expect(fill("{a} {b} {c}", { a: 1.23456, b: null, c: 0 })).toBe("1.235 — 0");
  });

  it("turn the keys among a reason's parameters into words too", () => {
    const reason = { key: "over_limit", params: { code: "a21026", reading: "rtd", value: 41.234, unit: "mg/m3", limit: 35, ratio: 1.178 } };
    setLanguage("zh-CN");
    expect(reasonText(reason)).toBe("二氧化硫实时值 41.23 mg/m3，超过限值 35（1.178 倍）");
    setLanguage("en");
    expect(reasonText(reason)).toContain("real-time value 41.23 mg/m3, over the limit of 35");
    setLanguage("zh-CN");
  });
});
