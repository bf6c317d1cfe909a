import { defineConfig } from "vitest/config";

// What a browser would give is a few lines in setup.ts: the logic asks for little, and pages are tested in a browser.
export default defineConfig({ test: { include: ["tests/*.test.{ts,tsx}"], setupFiles: ["tests/setup.ts"], environment: "node" } });
