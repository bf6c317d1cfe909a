// Tells the service worker which files the app has; then writes which sources a bundle was built from, and what came out,
// so that a test without Node can tell a stale one.
import { createHash } from "node:crypto";
import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";

const BUILT = "../static";
const below = (folder) =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
const hashes = (files, root) =>
  Object.fromEntries(files.sort().map((name) => [relative(root, name), createHash("sha256").update(readFileSync(name)).digest("hex")]));

// Everything the phone app loads, now or when a page of it is opened; nothing of the console.
const chunks = JSON.parse(readFileSync(join(BUILT, ".vite/manifest.json"), "utf8"));
rmSync(join(BUILT, ".vite"), { recursive: true });
const files = new Set();
const seen = new Set();
const walk = (name) => {
  if (seen.has(name)) return;
  seen.add(name);
  const chunk = chunks[name];
  for (const file of [chunk.file, ...(chunk.css ?? [])]) files.add(`/static/${file}`);
  for (const next of [...(chunk.imports ?? []), ...(chunk.dynamicImports ?? [])]) walk(next);
};
walk("app.html");
const kept = [...files, "/static/icon.svg", "/static/manifest.webmanifest"].sort();
const page = readFileSync(join(BUILT, "app.html"));
const version = createHash("sha256").update(kept.join()).update(page).digest("hex").slice(0, 12);
const worker = join(BUILT, "sw.js");
const workerText = readFileSync(worker, "utf8")
  .replace('const VERSION = "dev";', `const VERSION = "${version}";`)
  .replace("const FILES = [];", `const FILES = ${JSON.stringify(kept)};`);
writeFileSync(worker, workerText);

const loose = ["index.html", "app.html", "console.html", "openapi.json", "package.json", "package-lock.json", "tsconfig.json", "vite.config.ts", "manifest.mjs"];
const written = {
  sources: hashes([...loose, ...below("src"), ...below("public")], "."),
  built: hashes(below(BUILT).filter((name) => !name.endsWith("sources.json")), BUILT),
};
writeFileSync(join(BUILT, "sources.json"), JSON.stringify(written, null, 1) + "\n");
