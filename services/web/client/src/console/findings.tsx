// What freezing now would take in, and what is wrong with it: problems grouped, each with its fix.
import { useQuery } from "@tanstack/react-query";
import { Button, Collapse } from "antd";
import { useState } from "react";
import { type View, get, idOf } from "../shared/api";
import { type Key, t } from "../shared/language";
import { follow } from "../shared/router";
import { useAsked, usePeople, useVenues } from "./data";
import { Card, Figure, Shown, number, said } from "./parts";

/** Each kind of problem with what to do about it, and where. Most urgent first. */
const KINDS: Record<string, { fix: Key; to: string; blocks: boolean }> = {
  NOBODY_ELIGIBLE: { fix: "finding.NOBODY_ELIGIBLE.fix", to: "/console/experts", blocks: true },
  OUTSIDE_HORIZON: { fix: "finding.OUTSIDE_HORIZON.fix", to: "/console/requests?state=ENDORSED", blocks: true },
  NAMED_EXPERT_GONE: { fix: "finding.NAMED_EXPERT_GONE.fix", to: "/console/requests?state=ENDORSED", blocks: true },
  CAP_REACHED: { fix: "finding.CAP_REACHED.fix", to: "/console/requests?state=ENDORSED", blocks: true },
  NOT_ENDORSED: { fix: "finding.NOT_ENDORSED.fix", to: "/console/requests", blocks: false },
  CLEARANCE_EXPIRED: { fix: "finding.CLEARANCE_EXPIRED.fix", to: "/console/experts?need=clearance", blocks: false },
  TALK_NOT_REVIEWED: { fix: "finding.TALK_NOT_REVIEWED.fix", to: "/console/experts?need=review", blocks: false },
  POOL_TERM_EXPIRED: { fix: "finding.POOL_TERM_EXPIRED.fix", to: "/console/experts", blocks: false },
  HOME_MISSING: { fix: "finding.HOME_MISSING.fix", to: "/console/experts", blocks: false },
  DUPLICATE_REQUEST: { fix: "finding.DUPLICATE_REQUEST.fix", to: "/console/requests?state=ENDORSED", blocks: false },
  VENUE_UNKNOWN: { fix: "finding.VENUE_UNKNOWN.fix", to: "/console/requests?state=ENDORSED", blocks: false },
  LATER: { fix: "finding.LATER.fix", to: "/console/requests?state=ENDORSED", blocks: false },
};
const SHOWN = 50;
/** The service lists no more. */
const MOST = 1000;

export function Findings({ id }: { id: string }) {
  const found = useQuery({ queryKey: ["findings", id], queryFn: () => get<View<"RoundFindings">>(`rounds/${id}/findings`), refetchInterval: 30_000 });
  const groups = new Map<string, View<"FindingOfRound">[]>();
  for (const one of found.data?.findings ?? []) groups.set(one.code, [...(groups.get(one.code) ?? []), one]);
  const order = Object.keys(KINDS);
  const sorted = [...groups].sort(([a], [b]) => order.indexOf(a) - order.indexOf(b));
  return (
    <Shown of={found}>
      <div className="figures three">
        <Figure label={t("findings.requests")} value={number(found.data?.requests_count ?? 0)} note={t("findings.requests.note")} />
        <Figure label={t("findings.experts")} value={number(found.data?.experts_count ?? 0)} note={t("findings.experts.note")} />
        <Figure label={t("findings")} value={`${number(found.data?.findings.length ?? 0)}${(found.data?.findings.length ?? 0) >= MOST ? "+" : ""}`} tone={found.data?.findings.length ? "bad" : "good"} note={found.data?.findings.length ? t("findings.note") : t("findings.none")} />
      </div>
      {sorted.length > 0 && (
        <Card title={t("findings.list")} extra={<span className="quiet">{t("findings.kinds", { count: sorted.length })}</span>}>
          <Collapse
            ghost
            defaultActiveKey={sorted.slice(0, 1).map(([code]) => code)}
            items={sorted.map(([code, rows]) => ({
              key: code,
              label: (
                <span className="finding-head">
                  <span className={`tag ${KINDS[code]?.blocks ? "red" : "amber"}`}>{rows.length}</span>
                  <strong>{t(`finding.${code}` as Key)}</strong>
                  <span className="quiet">{KINDS[code] && t(KINDS[code].fix)}</span>
                </span>
              ),
              children: <Rows rows={rows} to={KINDS[code]?.to ?? "/console/requests"} />,
            }))}
          />
        </Card>
      )}
    </Shown>
  );
}

function Rows({ rows, to }: { rows: View<"FindingOfRound">[]; to: string }) {
  const [shown, setShown] = useState(SHOWN);
  const nameOf = useSubjects();
  // what is true of all is said once
  const common = rows.length > 1 && rows.every((one) => one.message === rows[0]!.message) ? said(rows[0]!) : "";
  return (
    <>
      {common && <p className="quiet">{common}</p>}
      <ul className={`finding-list ${common ? "names-only" : ""}`}>
        {rows.slice(0, shown).map((one) => (
          <li key={one.subject + one.message}>
            <Fix name={one.subject} shown={nameOf(one.subject)} to={to} />
            {!common && <span className="quiet">{said(one)}</span>}
          </li>
        ))}
      </ul>
      {rows.length > shown && (
        <Button size="small" type="link" onClick={() => setShown(shown + 200)}>
          {t("load.more")} ({rows.length - shown})
        </Button>
      )}
    </>
  );
}

function Fix({ name, shown, to }: { name: string; shown: string; to: string }) {
  const [kind] = name.split("/");
  const direct = kind === "requests" || kind === "experts";
  return (
    <a href={direct ? `/console/${kind}/${idOf(name)}${kind === "requests" ? "?state=ALL" : ""}` : to} onClick={follow} className="fix" title={t("finding.mend")}>
      {shown}
    </a>
  );
}

/** What people call a request, an expert or a venue; the id until that is known. */
function useSubjects(): (name: string) => string {
  const people = usePeople();
  const venues = useVenues();
  const asked = useAsked("");
  return (name) => asked.get(name) ?? people.data?.get(name)?.display_name ?? venues.data?.get(name)?.display_name ?? idOf(name);
}
