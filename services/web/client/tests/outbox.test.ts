// What waits to be sent, and with which key and token it goes.
import { beforeEach, expect, test, vi } from "vitest";
import { rememberCsrf, send } from "../src/shared/api";
import { keepFor, names } from "../src/venue/device";
import { draftOf, editOf, keepDraft, keepEdit, newDraft, watchDraft } from "../src/venue/drafts";
import type { Request } from "../src/venue/fields";
import { discard, flush, submit } from "../src/venue/outbox";
import { isOver } from "../src/venue/who";
import { inOne } from "../src/venue/parts";

type Sent = { url: string; key: string; token: string };
let sent: Sent[] = [];
let answers: (Response | Error)[] = [];

beforeEach(() => {
  sent = [];
  answers = [];
  keepFor("p1");
  names("outbox").forEach(discard);
  discard("none"); // what the module remembers is read anew
  rememberCsrf("token-1");
  vi.stubGlobal("fetch", async (url: string, options: RequestInit = {}) => {
    const headers = options.headers as Record<string, string>;
    sent.push({ url, key: headers["Idempotency-Key"] ?? "", token: headers["X-CSRF-Token"] ?? "" });
    const answer = answers.shift() ?? new TypeError("no network");
    if (answer instanceof Error) throw answer;
    return answer;
  });
});

const said = (body: unknown, status = 200) => new Response(JSON.stringify(body), { status });
const job = (draft: string) => ({ kind: "file" as const, key: `file-${draft}`, title: "示例", path: "requests", body: {}, draft });

test("two tabs with one draft: what the other writes is told, what was taken over is no news, and that it was sent is told, too", () => {
  const tab = new EventTarget(); // the window
  vi.stubGlobal("addEventListener", tab.addEventListener.bind(tab));
  vi.stubGlobal("removeEventListener", tab.removeEventListener.bind(tab));
  const draft = newDraft();
  keepDraft(draft);
  const told: (string | undefined)[] = [];
  const stop = watchDraft(draft.id, (theirs) => told.push(theirs?.fields.topic ?? "gone"));
  const other = (topic: string | null) => {
    const name = Object.keys(localStorage).find((one) => one.endsWith(`:draft:${draft.id}`)) as string;
    if (topic === null) localStorage.removeItem(name);
    else localStorage.setItem(name, JSON.stringify({ ...draft, at: 1, fields: { ...draft.fields, topic } }));
    tab.dispatchEvent(Object.assign(new Event("storage"), { key: name }));
  };
  other("first_aid");
  keepDraft({ ...draft, fields: { ...draft.fields, topic: "first_aid" } });
  expect(draftOf(draft.id)?.at).toBe(1);
  other(null);
  stop();
  expect(told).toEqual(["first_aid", "gone"]);
});

test("what was not answered waits under its key, and goes out once more with the same one", async () => {
  const draft = newDraft();
  keepDraft(draft);
  expect(await submit(job(draft.id))).toBeUndefined();
  expect(names("outbox")).toEqual([`file-${draft.id}`]);
  expect(draftOf(draft.id)).toBeDefined();
  answers = [said({ request: { name: "requests/r1" } })];
  await flush();
  expect(names("outbox")).toEqual([]);
  expect(draftOf(draft.id)).toBeUndefined(); // it is not unfinished any more
  expect(new Set(sent.map((one) => one.key))).toEqual(new Set([`file-${draft.id}`]));
});

test("what is refused on its way by itself stays in sight with the reason", async () => {
  await submit(job("d2"));
  answers = [said({ reason: "REQUEST_NOT_FILEABLE", detail: "来不及审批" }, 400)];
  await flush();
  const kept = Object.entries(localStorage).find(([name]) => name.includes("outbox"))?.[1];
  expect(JSON.parse(String(kept))).toMatchObject({ refused: "来不及审批" });
  sent = [];
  await flush();
  expect(sent).toEqual([]); // and is not tried again
});

test("what is refused while one looks is told at once and does not wait", async () => {
  answers = [said({ reason: "REQUEST_NOT_FILEABLE", detail: "来不及审批" }, 400)];
  await expect(submit(job("d3"))).rejects.toThrow("来不及审批");
  expect(names("outbox")).toEqual([]);
});

test("what meets the end of a session waits for the next one", async () => {
  answers = [said({ reason: "NOT_SIGNED_IN", detail: "请先登录" }, 401)];
  expect(await submit(job("d4"))).toBeUndefined();
  expect(isOver()).toBe(true);
  expect(names("outbox")).toEqual(["file-d4"]);
});

test("a page opened without a network asks for the token before it is refused for want of one", async () => {
  rememberCsrf("");
  answers = [said({ reason: "CSRF_MISSING", detail: "页面已过期" }, 403), said({ csrf: "token-2" }), said({ good: true })];
  expect(await send("requests", {}, "key-12345678")).toEqual({ good: true });
  expect(sent.map((one) => one.token)).toEqual(["", "", "token-2"]);
  answers = [said({ reason: "CSRF_MISSING", detail: "页面已过期" }, 403), said({ csrf: "token-3" }), said({ reason: "CSRF_MISSING", detail: "页面已过期" }, 403)];
  await expect(send("requests", {}, "key-12345679")).rejects.toThrow("页面已过期"); // once, not for ever
});

test("changes that were not sent come back to the version they were made to, and to no other", () => {
  const request = { name: "requests/r1", etag: "e1" } as Request;
  keepEdit(request, false, { etag: "e1", draft: newDraft(), reason: "" });
  expect(editOf(request, false)).toBeDefined();
  expect(editOf(request, true)).toBeUndefined();
  expect(editOf({ ...request, etag: "e2" } as Request, false)).toBeUndefined();
});

test("nobody sees what another person keeps on the same phone", () => {
  const draft = newDraft();
  keepDraft(draft);
  keepFor("p2");
  expect(draftOf(draft.id)).toBeUndefined();
});

test("a sentence in both languages is read in one", () => {
  expect(inOne("Approval takes 3 days: the earliest day is 2026-12-01. 审批需要 3 天，最早可以从 2026-12-01 开始。")).toBe("审批需要 3 天，最早可以从 2026-12-01 开始。");
  expect(inOne("unknown field")).toBe("unknown field");
});
