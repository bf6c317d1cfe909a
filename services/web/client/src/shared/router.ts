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

export function go(to: string, replace = false, stay = false) {
  if (to === place()) return;
  history[replace ? "replaceState" : "pushState"](null, "", to);
  listeners.forEach((listener) => listener());
  if (!replace && !stay) scrollTo(0, 0);
}

/** Changes words of the query; null takes one away. With `push` the back button undoes it. */
export function setQuery(changes: Record<string, string | null>, push = false) {
  const query = new URLSearchParams(location.search);
  for (const [name, value] of Object.entries(changes)) value === null ? query.delete(name) : query.set(name, value);
  const text = query.toString();
  go(location.pathname + (text ? `?${text}` : ""), !push, push);
}

/** The address with some words of its query changed, for links. */
export function withQuery(changes: Record<string, string | null>, path = location.pathname): string {
  const query = new URLSearchParams(location.search);
  for (const [name, value] of Object.entries(changes)) value === null ? query.delete(name) : query.set(name, value);
  const text = query.toString();
  return path + (text ? `?${text}` : "");
}

/** For links: same tab without a reload, unless a new one is asked for. */
export function follow(event: MouseEvent<HTMLAnchorElement>) {
  if (event.metaKey || event.ctrlKey || event.shiftKey || event.button !== 0) return;
  event.preventDefault();
  const to = event.currentTarget.getAttribute("href") ?? "/";
  go(to, false, to.split("?")[0] === location.pathname);
}
