// A round's way, as a line of stations.
import { t, word } from "../shared/language";
import { usePolicies } from "./data";
import type { Round } from "./parts";

const WAY = ["OPEN", "FROZEN", "SOLVING", "PROPOSED", "OFFERED", "PUBLISHED", "CLOSED"] as const;

/** Experts are a station only where the round's policy asks them. */
export function Steps({ round, small = false }: { round: Round; small?: boolean }) {
  const asks = usePolicies().data?.find((one) => one.name === round.policy)?.offers;
  const way = WAY.filter((one) => one !== "OFFERED" || asks || round.state === one);
  const at = way.findIndex((one) => one === round.state);
  return (
    <ol className={`steps ${small ? "small" : ""} ${round.state === "ABANDONED" ? "given-up" : ""}`} aria-label={small ? undefined : t("round.way")} aria-hidden={small || undefined}>
      {way.map((one, index) => (
        <li key={one} className={index < at ? "done" : index === at ? "now" : ""} aria-current={index === at ? "step" : undefined}>
          <i />
          {!small && <span>{word("round", one)}</span>}
        </li>
      ))}
    </ol>
  );
}
