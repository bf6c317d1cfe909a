// Calls to the edge: typed by its OpenAPI document, retried with the same key, refused with a sentence for people.
import type { components } from "./schema";
import { language } from "./language";
import { heard } from "./time";

type Views = components["schemas"];
export type View<Name extends keyof Views> = Views[Name];

export class Refused extends Error {
  constructor(
    readonly status: number,
    readonly reason: string,
    sentence: string,
    readonly violations: { path: string; detail: string }[] = [],
  ) {
    super(sentence);
  }
}

let csrf = "";
export function rememberCsrf(token: string) {
  csrf = token;
}

export const newKey = () =>
  Array.from(crypto.getRandomValues(new Uint8Array(16)), (one) => one.toString(16).padStart(2, "0")).join("");

type Query = Record<string, string | number | boolean | string[] | undefined>;

export function address(path: string, query: Query = {}): string {
  const asked = new URLSearchParams();
  for (const [name, value] of Object.entries(query))
    for (const one of Array.isArray(value) ? value : [value]) if (one !== undefined && one !== "") asked.append(name, String(one));
  const text = asked.toString();
  return `/api/${path}${text ? `?${text}` : ""}`;
}

function offline(): Refused {
  const sentence = language() === "zh" ? "网络不通；已填写的内容保存在本机，请稍后再试。" : "No network; what you have written is kept on this device.";
  return new Refused(0, "OFFLINE", sentence);
}

/** What is said where a refusal has no words of its own, as from a gateway before the edge. */
const unsaid = () => (language() === "zh" ? "服务暂时不可用，请稍后再试。" : "The service is away for a moment; please try again.");

async function answerOf<T>(url: string, options: RequestInit): Promise<T> {
  let answer: Response;
  const headers = { "Accept-Language": language() === "zh" ? "zh-CN" : "en", ...options.headers };
  try {
    answer = await fetch(url, { ...options, headers, credentials: "same-origin" });
  } catch {
    throw offline();
  }
  heard(answer.headers.get("Date"));
  if (answer.status === 204) return undefined as T;
  // a good answer that breaks off is no answer; a refusal without a readable body is one all the same
  const body = await answer.json().catch(() => {
    if (answer.ok) throw offline();
    return {};
  });
  if (!answer.ok) throw new Refused(answer.status, body.reason ?? "", body.detail ?? unsaid(), body.violations);
  return body as T;
}

export function get<T>(path: string, query: Query = {}, signal?: AbortSignal): Promise<T> {
  return answerOf<T>(address(path, query), { signal });
}

/** A question whose words do not fit into an address; it changes nothing. */
export function ask<T>(path: string, body: unknown, signal?: AbortSignal): Promise<T> {
  return answerOf<T>(`/api/${path}`, { method: "POST", signal, body: JSON.stringify(body), headers: { "Content-Type": "application/json" } });
}

/** A change. A retry that gives the same `key` does nothing twice. */
export async function send<T>(path: string, body: unknown = {}, key: string = newKey(), method = "POST"): Promise<T> {
  let renewed = false;
  for (let attempt = 1; ; attempt += 1) {
    try {
      const headers = { "Content-Type": "application/json", "X-CSRF-Token": csrf, "Idempotency-Key": key };
      return await answerOf<T>(`/api/${path}`, { method, body: JSON.stringify(body), headers });
    } catch (error) {
      // opened without a network, or signed in again in another tab: the token is asked for, once
      if (error instanceof Refused && error.reason === "CSRF_MISSING" && !renewed) {
        renewed = true;
        rememberCsrf((await get<View<"SessionShown">>("session")).csrf);
        continue;
      }
      const away = error instanceof Refused && (error.status === 0 || error.status === 503);
      if (!away || attempt === 3) throw error;
      await new Promise((resolve) => setTimeout(resolve, 400 * attempt));
    }
  }
}

/** Every page of a list, up to `pagesMax`. */
export async function all<T, Name extends string>(path: string, name: Name, query: Query = {}, pagesMax = 20): Promise<T[]> {
  const rows: T[] = [];
  let token = "";
  for (let page = 0; page < pagesMax; page += 1) {
    const answer = await get<Record<Name, T[]> & { next_page_token: string }>(path, { ...query, page_token: token });
    rows.push(...answer[name]);
    token = answer.next_page_token;
    if (!token) break;
  }
  return rows;
}

/** `rounds/r1` → `r1`. */
export const idOf = (name: string) => name.slice(name.lastIndexOf("/") + 1);

/** A file, as it is; `key` as for `send`. */
export function upload<T>(path: string, file: Blob, query: Query = {}, key: string = newKey()): Promise<T> {
  return answerOf<T>(address(path, query), { method: "POST", body: file, headers: { "Content-Type": "application/octet-stream", "X-CSRF-Token": csrf, "Idempotency-Key": key } });
}
