// Addresses are state: deep links and the back button work because nothing else decides what is shown.
import { useSyncExternalStore, type MouseEvent } from "react";

const listeners = new Set<() => void>();
addEventListener("popstate", () => listeners.forEach((listener) => listener()));

function subscribe(listener: () => void) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

const place = () => location.pathname + location.search;

export function usePlace(): { path: string; query: URLSearchParams } {
  useSyncExternalStore(subscribe, place);
  return { path: location.pathname, query: new URLSearchParams(location.search) };
}

export function go(to: string, replace = false) {
  if (to === place()) return;
  history[replace ? "replaceState" : "pushState"](null, "", to);
  listeners.forEach((listener) => listener());
  if (!replace) scrollTo(0, 0);
}

/** Changes one word of the query; null takes it away. */
export function setQuery(changes: Record<string, string | null>) {
  const query = new URLSearchParams(location.search);
  for (const [name, value] of Object.entries(changes)) value === null ? query.delete(name) : query.set(name, value);
  const text = query.toString();
  go(location.pathname + (text ? `?${text}` : ""), true);
}

/** For links: same tab without a reload, unless a new one is asked for. */
export function follow(event: MouseEvent<HTMLAnchorElement>) {
  if (event.metaKey || event.ctrlKey || event.shiftKey || event.button !== 0) return;
  event.preventDefault();
  go(event.currentTarget.getAttribute("href") ?? "/");
}
