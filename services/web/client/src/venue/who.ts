// Who is signed in, also without a network: the last answer is kept.
import { createContext, useContext, useSyncExternalStore } from "react";
import { type Session, session } from "../shared/session";
import { Refused } from "../shared/api";
import { keepFor, load, store } from "./device";

export const Who = createContext<Session>({ id: "", zh: "", en: "", roles: [], nodes: [], expert: "", csrf: "" } as Session);
export const useWho = () => useContext(Who);
export const isExpert = (who: Session) => who.roles.includes("EXPERT");
export const mayEndorse = (who: Session) => who.roles.includes("LOCAL_HEAD");
export const mayFile = (who: Session) => who.roles.some((role) => role === "VENUE_STAFF" || role === "LOCAL_HEAD");

let over = false;
const listeners = new Set<() => void>();

/** Whether `error` says that the session is over; everybody who shows it is told. */
export function ended(error: unknown): boolean {
  const so = error instanceof Refused && error.status === 401;
  if (so && !over) {
    over = true;
    listeners.forEach((listener) => listener());
  }
  return so;
}

export const isOver = () => over;

export function useEnded(): boolean {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => over,
  );
}

const LAST = "last";

export async function whoIsThere(): Promise<{ who: Session; fresh: boolean } | null> {
  try {
    const who = await session();
    keepFor("");
    store("session", LAST, { ...who, csrf: "" });
    keepFor(who.id);
    return { who, fresh: true };
  } catch (error) {
    if (error instanceof Refused && error.status === 401) return null;
    keepFor("");
    const before = load<Session>("session", LAST);
    if (!before) throw error;
    keepFor(before.id);
    return { who: before, fresh: false };
  }
}
