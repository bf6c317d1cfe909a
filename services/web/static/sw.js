"use strict";
// The app opens without a network: pages and hashed files are kept, answers of the API never are.
const KEPT = "zhihui-1";
self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));
self.addEventListener("fetch", (event) => {
  const { request } = event;
  const path = new URL(request.url).pathname;
  if (request.method !== "GET" || path.startsWith("/api/")) return;
  if (path.startsWith("/static/assets/")) event.respondWith(kept(request));
  else if (request.mode === "navigate" || path.startsWith("/static/")) event.respondWith(fresh(request));
});
async function kept(request) {
  const cache = await caches.open(KEPT);
  const found = await cache.match(request);
  if (found) return found;
  const answer = await fetch(request);
  if (answer.ok) await cache.put(request, answer.clone());
  return answer;
}
async function fresh(request) {
  const cache = await caches.open(KEPT);
  const key = request.mode === "navigate" ? "/app" : request;
  try {
    const answer = await fetch(request);
    if (answer.ok) await cache.put(key, answer.clone());
    return answer;
  } catch (error) {
    const found = await cache.match(key);
    if (found) return found;
    throw error;
  }
}
