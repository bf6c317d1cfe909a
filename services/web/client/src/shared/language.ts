// The reader's language, and the words in it.
import { useSyncExternalStore } from "react";
import type { venueWords } from "../venue/words";
import { words } from "./words";

export type Key = keyof typeof words | keyof typeof venueWords;
export type Language = "zh" | "en";
type Values = Record<string, string | number>;

const STORED = "zhihui.language";
type Pairs = Record<string, readonly [zh: string, en: string]>;
const known: Pairs = { ...words };
/** Adds the words of one client, so that another need not load them. */
export function speak(more: Pairs) {
  Object.assign(known, more);
}

let current: Language = localStorage.getItem(STORED) === "en" ? "en" : "zh";
const listeners = new Set<() => void>();

function show() {
  document.documentElement.lang = current === "zh" ? "zh-CN" : "en";
}
show();

export function language(): Language {
  return current;
}

export function setLanguage(next: Language) {
  current = next;
  localStorage.setItem(STORED, next);
  show();
  listeners.forEach((listener) => listener());
}

function subscribe(listener: () => void) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export function useLanguage(): Language {
  return useSyncExternalStore(subscribe, language);
}

/** The text of `key`, with `{name}` replaced from `values`. */
export function t(key: Key, values: Values = {}): string {
  const text = known[key]?.[current === "zh" ? 0 : 1] ?? key;
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole));
}

/** A text for everybody to read, whatever the language of who writes it. */
export const inChinese = (key: Key): string => known[key]?.[0] ?? key;

/** The word for one value of an enum, `""` for one that is not known. */
export function word(kind: "round" | "request" | "assignment" | "event" | "run" | "stage" | "group" | "form" | "level" | "mode" | "role" | "why" | "what" | "person", value: string): string {
  const key = `${kind}.${value}`;
  return key in known ? t(key as Key) : value;
}

/** The one of two texts that is in the reader's language; the other where it is missing. */
export function either(zhText: string, enText: string): string {
  return current === "zh" ? zhText || enText : enText || zhText;
}
