// What a certificate says besides its prices and its journal (docs/optimizer.md), read for people.
import type { Plan } from "./parts";

export type Claims = { plan: string; seed: number; iterations: number; versions: { part: string; version: string }[] };

/** The claims of a certificate; null where a plan has none, as after a repair. */
export function claimed(certificate: string): Claims | null {
  if (!certificate) return null;
  const said = JSON.parse(certificate) as { plan_sha256: string; seed: number; iterations: number; versions: { part: string; version: string }[] };
  return { plan: said.plan_sha256, seed: said.seed, iterations: said.iterations, versions: said.versions };
}

/** What a stage's bound proves of its value. */
export function proves({ bound, gap }: Pick<Plan["stages"][number], "bound" | "gap">): "best" | "near" | "unknown" {
  if (bound == null || gap == null || gap > 1) return "unknown";
  return gap === 0 ? "best" : "near";
}
