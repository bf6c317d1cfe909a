// The little that the logic asks of a browser.
import { beforeEach } from "vitest";

const kept: Record<string, string> = {};
const method = (value: unknown) => ({ value, enumerable: false, configurable: true });
Object.defineProperties(kept, {
  getItem: method((key: string) => kept[key] ?? null),
  setItem: method((key: string, value: string) => void (kept[key] = value)),
  removeItem: method((key: string) => void delete kept[key]),
});
const place = { pathname: "/app", search: "", replace: () => undefined, reload: () => undefined };
const nothing = () => undefined;
Object.assign(globalThis, {
  localStorage: kept,
  sessionStorage: kept,
  location: place,
  document: { documentElement: { lang: "", dataset: {} }, addEventListener: nothing, visibilityState: "visible" },
  addEventListener: nothing,
  removeEventListener: nothing,
  matchMedia: () => ({ matches: false, addEventListener: nothing }),
});

beforeEach(() => {
  for (const key of Object.keys(kept)) delete kept[key];
});
