/** Words for keys. The server sends keys with parameters only; a key without words is shown as it is. */

import { computed, ref } from "vue";

import type { Params } from "@/api/types";
import * as en from "./en";
import { codesOf2005, pollutants } from "./pollutants";
import * as zh from "./zh";

export type Language = "zh-CN" | "en";

const STORED_AS = "farwatch.language";
const texts: Record<Language, Record<string, string>> = {
  "zh-CN": Object.assign({}, ...Object.values(zh)),
  en: Object.assign({}, ...Object.values(en)),
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

/** `{n}` is a parameter's value, `{n|day|days}` the word that goes with so many. */
export function fill(text: string, params: Params): string {
  return text.replace(/\{(\w+)(?:\|([^|}]*)\|([^|}]*))?\}/g, (_, name: string, one?: string, more?: string) =>
    one === undefined ? shown(params[name]) : ((params[name] === 1 ? one : more) ?? ""),
  );
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

const chosen = ([zh, en]: readonly [string, string]): string => (current.value === "en" ? en : zh);

/** What our decoder adds to a code: the amount of a period, and the day's and the night's level. */
const ENDINGS: Record<string, (name: string) => readonly [string, string]> = {
  Cou: (name) => [`${name}（排放量）`, `${name}, amount`],
  day: (name) => [`昼间${name}`, `${name}, daytime`],
  night: (name) => [`夜间${name}`, `${name}, night-time`],
};

function plainName(code: string): string | undefined {
  const names = pollutants[codesOf2005.get(code) ?? code];
  if (names) return chosen(names);
  const [, kind, n] = /^([eg]\d{3})(\d\d)$/.exec(code) ?? [];
  const equipment = kind ? pollutants[`${kind}xx`] : undefined;
  if (equipment) return `${chosen(equipment)} ${n}`;
  const [, state] = /^SB(\d{1,3})$/.exec(code) ?? [];
  return state ? chosen([`设备${state}`, `Equipment ${state}`]) : undefined;
}

/** A pollutant's name by its HJ 212 code of 2005 or 2017; an unknown code shows itself. */
export function pollutant(code: string | null | undefined): string {
  if (!code) return "—";
  const [, base = code, ending = ""] = /^(.+)_(Cou|day|night)$/.exec(code) ?? [];
  const name = plainName(base);
  if (name === undefined) return code;
  const ended = ENDINGS[ending];
  return ended ? chosen(ended(name)) : name;
}
