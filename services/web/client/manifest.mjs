// Writes which sources a bundle was built from, and what came out, so that a test without Node can tell a stale one.
import { createHash } from "node:crypto";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";

const BUILT = "../static";
const below = (folder) =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
const hashes = (files, root) =>
  Object.fromEntries(files.sort().map((name) => [relative(root, name), createHash("sha256").update(readFileSync(name)).digest("hex")]));

const loose = ["index.html", "app.html", "console.html", "openapi.json", "package.json", "package-lock.json", "tsconfig.json", "vite.config.ts", "manifest.mjs"];
const written = {
  sources: hashes([...loose, ...below("src"), ...below("public")], "."),
  built: hashes(below(BUILT).filter((name) => !name.endsWith("sources.json")), BUILT),
};
writeFileSync(join(BUILT, "sources.json"), JSON.stringify(written, null, 1) + "\n");
