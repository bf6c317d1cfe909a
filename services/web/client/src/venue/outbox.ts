// What was sent while there was no network, or while the answer was lost: kept with its key, and sent until it is answered.
import { useSyncExternalStore } from "react";
import { Refused, newKey, send } from "../shared/api";
import { drop, load, names, store } from "./device";
import { dropDraft } from "./drafts";
import { ended } from "./who";

export type Kind = "file" | "deliver" | "rate" | "confirm";
export type Job = { key: string; kind: Kind; title: string; path: string; body: unknown; at: number; refused?: string; draft?: string };

const TRY_EVERY_MS = 15_000;
const listeners = new Set<() => void>();
const done = new Set<(job: Job, answer: unknown) => void>();
let jobs: readonly Job[] = [];
let sending = "";
let snapshot: { jobs: readonly Job[]; sending: string } = { jobs, sending };

function tell() {
  snapshot = { jobs, sending };
  listeners.forEach((listener) => listener());
}

function reread() {
  jobs = names("outbox")
    .map((name) => load<Job>("outbox", name))
    .filter((job): job is Job => job !== undefined)
    .sort((one, other) => one.at - other.at);
  tell();
}

export function useOutbox() {
  return useSyncExternalStore((listener) => {
    listeners.add(listener);
    return () => listeners.delete(listener);
  }, () => snapshot);
}

/** Called with each answer that arrived. */
export function onSent(listener: (job: Job, answer: unknown) => void) {
  done.add(listener);
  return () => done.delete(listener);
}

/** Whether a failure says nothing about the content: it may still arrive, or have arrived. */
export const isAway = (error: unknown) => error instanceof Refused && (error.status === 0 || error.status === 429 || error.status >= 500);

/** Keeps the job first, so that closing the page loses nothing; answers, or `undefined` where it waits. */
export async function submit<T>(job: Omit<Job, "key" | "at"> & { key?: string }): Promise<T | undefined> {
  const kept: Job = { ...job, key: job.key ?? newKey(), at: Date.now() };
  store("outbox", kept.key, kept);
  reread();
  return (await attempt(kept, true)) as T | undefined;
}

async function attempt(job: Job, asked: boolean): Promise<unknown> {
  sending = job.key;
  tell();
  try {
    const answer = await send<unknown>(job.path, job.body, job.key);
    drop("outbox", job.key);
    if (job.draft) dropDraft(job.draft);
    done.forEach((listener) => listener(job, answer));
    return answer;
  } catch (error) {
    if (isAway(error) || ended(error)) return undefined;
    if (asked) {
      drop("outbox", job.key);
      throw error;
    }
    store("outbox", job.key, { ...job, refused: (error as Error).message });
    return undefined;
  } finally {
    sending = "";
    reread();
  }
}

export async function flush() {
  if (sending) return;
  for (const job of jobs) if (!job.refused) await attempt(job, false);
}

export function discard(key: string) {
  drop("outbox", key);
  reread();
}

/** Starts sending by itself: when a network appears, when the page is looked at again, and now and then. */
export function startOutbox() {
  reread();
  const now = () => void flush();
  addEventListener("online", now);
  document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && now());
  setInterval(() => jobs.some((job) => !job.refused) && now(), TRY_EVERY_MS);
  now();
}
