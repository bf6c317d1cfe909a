// A round's way, as a line of stations.
import { t, word } from "../shared/language";

const WAY = ["OPEN", "FROZEN", "SOLVING", "PROPOSED", "OFFERED", "PUBLISHED", "CLOSED"] as const;

export function Steps({ state, small = false }: { state: string; small?: boolean }) {
  const at = WAY.indexOf(state as (typeof WAY)[number]);
  return (
    <ol className={`steps ${small ? "small" : ""} ${state === "ABANDONED" ? "given-up" : ""}`} aria-label={small ? undefined : t("round.way")} aria-hidden={small || undefined}>
      {WAY.map((one, index) => (
        <li key={one} className={index < at ? "done" : index === at ? "now" : ""} aria-current={index === at ? "step" : undefined}>
          <i />
          {!small && <span>{word("round", one)}</span>}
        </li>
      ))}
    </ol>
  );
}
