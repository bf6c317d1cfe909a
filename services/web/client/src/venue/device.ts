// What this phone keeps, each under the person it belongs to: copies of answers, drafts, and what waits to be sent.
const PREFIX = "zhihui.kept";
const COPIES_MAX = 60;
let owner = "";

export function keepFor(person: string) {
  owner = person;
}

const key = (kind: string, name: string) => `${PREFIX}:${owner}:${kind}:${name}`;

export function load<T>(kind: string, name: string): T | undefined {
  try {
    const text = localStorage.getItem(key(kind, name));
    return text === null ? undefined : (JSON.parse(text) as T);
  } catch {
    return undefined;
  }
}

/** A full store drops copies, which can be fetched again, before it loses what was written here. */
export function store(kind: string, name: string, value: unknown) {
  const text = JSON.stringify(value);
  for (;;) {
    try {
      localStorage.setItem(key(kind, name), text);
      return;
    } catch (error) {
      if (!dropCopy() || kind === "copy") return;
      if (!(error instanceof DOMException)) throw error;
    }
  }
}

export function drop(kind: string, name: string) {
  localStorage.removeItem(key(kind, name));
}

export function names(kind: string): string[] {
  const start = key(kind, "");
  return Object.keys(localStorage)
    .filter((one) => one.startsWith(start))
    .map((one) => one.slice(start.length));
}

/** Told when another tab of this browser writes or drops it. */
export function watch(kind: string, name: string, told: () => void) {
  const heard = (event: StorageEvent) => event.key === key(kind, name) && told();
  addEventListener("storage", heard);
  return () => removeEventListener("storage", heard);
}

type Copy<T> = { at: number; value: T };

export const copyOf = <T,>(name: string) => load<Copy<T>>("copy", name);

export function copy(name: string, value: unknown) {
  store("copy", name, { at: Date.now(), value });
  if (names("copy").length > COPIES_MAX) dropCopy();
}

function dropCopy(): boolean {
  const oldest = names("copy")
    .map((name) => ({ name, at: load<Copy<unknown>>("copy", name)?.at ?? 0 }))
    .sort((one, other) => one.at - other.at)[0];
  if (oldest) drop("copy", oldest.name);
  return oldest !== undefined;
}

/** Everything of everybody: for signing out, when the phone may change hands. */
export function forget() {
  for (const one of Object.keys(localStorage)) if (one.startsWith(PREFIX)) localStorage.removeItem(one);
}

export function keptBytes(): number {
  return Object.keys(localStorage)
    .filter((one) => one.startsWith(PREFIX))
    .reduce((sum, one) => sum + one.length + (localStorage.getItem(one)?.length ?? 0), 0);
}
