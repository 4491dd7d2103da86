/** Words for keys. The server sends keys with parameters only; a key without words is shown as it is. */

import { computed, ref } from "vue";

import type { Params } from "@/api/types";
import * as en from "./en";
import { pollutants } from "./pollutants";
import * as zh from "./zh";

export type Language = "zh-CN" | "en";

const STORED_AS = "farwatch.language";
const texts: Record<Language, Record<string, string>> = {
  "zh-CN": { ...zh.pages, ...zh.bureau, ...zh.words, ...zh.reasons, ...zh.faults },
  en: { ...en.pages, ...en.bureau, ...en.words, ...en.reasons, ...en.faults },
};

function stored(): Language {
  return globalThis.localStorage?.getItem(STORED_AS) === "en" ? "en" : "zh-CN";
}

const current = ref<Language>(stored());

export const language = computed(() => current.value);

export function setLanguage(to: Language): void {
  current.value = to;
  globalThis.localStorage?.setItem(STORED_AS, to);
  globalThis.document?.documentElement.setAttribute("lang", to);
}

/** A number with at most four significant digits, others as they are. */
function shown(value: unknown): string {
  if (value === null || value === undefined || value === "") return "—";
  if (typeof value === "number" && !Number.isInteger(value)) return String(Number(value.toPrecision(4)));
  return String(value);
}

export function fill(text: string, params: Params): string {
  return text.replace(/\{(\w+)\}/g, (_, name: string) => shown(params[name]));
}

/** A text with its blanks still open; undefined for a key that has none. */
export function textOf(key: string): string | undefined {
  return texts[current.value][key];
}

export function t(key: string, params: Params = {}): string {
  const text = texts[current.value][key];
  return text === undefined ? key : fill(text, params);
}

/** Words for a key of one of the server's vocabularies; an unknown key shows itself. */
export function word(family: string, key: string | null | undefined, params: Params = {}): string {
  if (!key) return "—";
  const text = texts[current.value][`${family}.${key}`];
  return text === undefined ? key : fill(text, params);
}

/** A pollutant's name by its HJ 212 code; an unknown code shows itself. */
export function pollutant(code: string | null | undefined): string {
  const names = code ? pollutants[code] : undefined;
  return names ? names[current.value === "en" ? 1 : 0] : (code ?? "—");
}
