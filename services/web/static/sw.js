"use strict";
// The app opens without a network: its page and files are kept, version by version; answers of the API never are.
// The build writes the two lines below: which files the app has, and a hash over them.
const VERSION = "e44604537364";
const FILES = ["/static/assets/app-BanAnNo_.css","/static/assets/app-fn4gQvMZ.js","/static/assets/expert-BalWPNnf.js","/static/assets/filing-ys3ZIq3N.js","/static/assets/glyph-C9UbtIdH.js","/static/assets/glyph-DO-h2bhu.css","/static/assets/halfdays-BoA3G-qK.js","/static/assets/me-nWafwytk.js","/static/assets/place-CHdMM3rM.js","/static/assets/query-BWkRJB8_.js","/static/assets/react-CawHzioy.js","/static/assets/request-_rf1nph6.js","/static/assets/title-Cp8zDLFq.js","/static/icon.svg","/static/manifest.webmanifest"];
const PREFIX = "zhihui-";
const KEPT = PREFIX + VERSION;
const PAGE = "/app";
const PATIENCE_MS = 4000;

self.addEventListener("install", (event) => event.waitUntil(keepAll()));
self.addEventListener("activate", (event) => event.waitUntil(takeOver()));
self.addEventListener("fetch", (event) => {
  const { request } = event;
  const { origin, pathname } = new URL(request.url);
  if (request.method !== "GET" || origin !== location.origin || pathname.startsWith("/api/")) return;
  if (request.mode === "navigate") event.respondWith(page(request));
  else if (pathname.startsWith("/static/")) event.respondWith(file(request));
});

async function keepAll() {
  const cache = await caches.open(KEPT);
  await cache.addAll([PAGE, ...FILES].map((path) => new Request(path, { cache: "reload" })));
  await self.skipWaiting();
}

// A page that is open still wants the files it was made with: the version before stays until the next.
async function takeOver() {
  const versions = (await caches.keys()).filter((name) => name.startsWith(PREFIX) && name !== KEPT);
  await Promise.all(versions.slice(0, -1).map((name) => caches.delete(name)));
  await self.clients.claim();
}

// The newest page where the network is quick enough, the kept one where it is not or is away.
async function page(request) {
  const kept = await (await caches.open(KEPT)).match(PAGE); // of this version: the one before is still there
  if (!kept) return fetch(request);
  const late = new Promise((resolve) => setTimeout(() => resolve(kept.clone()), PATIENCE_MS));
  const fresh = fetch(request).catch(() => kept.clone());
  return Promise.race([fresh, late]);
}

async function file(request) {
  return (await caches.match(request, { ignoreVary: true })) ?? fetch(request);
}
