"use strict";
const WORDS = {
  zh: { rounds: "轮次", requests: "申请", none: "暂无内容", endorse: "同意", other: "English",
    states: { OPEN: "收集中", FROZEN: "已冻结", SOLVING: "排程中", PROPOSED: "待定", OFFERED: "征询中", PUBLISHED: "已发布", CLOSED: "已结束", ABANDONED: "已放弃", DRAFT: "草稿", SUBMITTED: "待审核", ENDORSED: "待排程", IN_ROUND: "排程中", SCHEDULED: "已安排", UNSERVED: "未安排", WITHDRAWN: "已撤回", CANCELLED: "已取消" } },
  en: { rounds: "Rounds", requests: "Requests", none: "Nothing here yet", endorse: "Endorse", other: "中文",
    states: { OPEN: "Open", FROZEN: "Frozen", SOLVING: "Solving", PROPOSED: "Proposed", OFFERED: "Offered", PUBLISHED: "Published", CLOSED: "Closed", ABANDONED: "Abandoned", DRAFT: "Draft", SUBMITTED: "Submitted", ENDORSED: "Endorsed", IN_ROUND: "In a round", SCHEDULED: "Scheduled", UNSERVED: "Not served", WITHDRAWN: "Withdrawn", CANCELLED: "Cancelled" } },
};
const at = (id) => document.getElementById(id);
let language = "zh", csrf = "", people = [];
const keys = new Map();
async function call(path, options) {
  const answer = await fetch(path, options);
  const body = await answer.json();
  if (!answer.ok) throw new Error(body.detail);
  return body;
}
function row(title, state, action) {
  const item = document.createElement("li");
  for (const text of [title, WORDS[language].states[(state || "").replace("STATE_", "")] || ""]) {
    const span = document.createElement("span"); span.textContent = text; item.append(span);
  }
  if (action) { const button = document.createElement("button"); button.textContent = WORDS[language].endorse; button.onclick = action; item.append(button); }
  return item;
}
async function endorse(name) {
  // a retry of the same endorsement carries the same key
  if (!keys.has(name)) keys.set(name, crypto.randomUUID());
  try { await call(`/api/${name}:endorse`, { method: "POST", headers: { "X-CSRF-Token": csrf, "Idempotency-Key": keys.get(name) } }); await show(); }
  catch (error) { at("message").textContent = error.message; }
}
async function list(kind, action) {
  try {
    const rows = (await call(`/api/${kind}`))[kind] || [];
    at(kind).replaceChildren(...rows.map((one) => row(one.title, one.state, action && action(one))));
    if (!rows.length) at(kind).replaceChildren(row(WORDS[language].none, ""));
  } catch (error) { at("message").textContent = error.message; at(kind).replaceChildren(); }
}
async function show() {
  const words = WORDS[language];
  document.documentElement.lang = language === "zh" ? "zh-CN" : "en";
  at("language").textContent = words.other; at("message").textContent = "";
  for (const kind of ["rounds", "requests"]) at(`${kind}-title`).textContent = words[kind];
  const chosen = at("person").value;
  at("person").replaceChildren(...people.map((one) => new Option(one[language], one.id, false, one.id === chosen)));
  await list("rounds");
  await list("requests", (one) => one.state === "STATE_SUBMITTED" && (() => endorse(one.name)));
}
async function signIn() {
  const body = JSON.stringify({ person: at("person").value || people[0].id });
  csrf = (await call("/api/session", { method: "POST", headers: { "Content-Type": "application/json" }, body })).csrf;
  await show();
}
at("language").onclick = () => { language = language === "zh" ? "en" : "zh"; show(); };
at("person").onchange = signIn;
call("/api/people").then((all) => { people = all; return signIn(); }).catch((error) => { at("message").textContent = error.message; });
