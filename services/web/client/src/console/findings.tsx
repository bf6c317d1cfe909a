// What freezing now would take in, and what is wrong with it: problems grouped, each with its fix.
import { useQuery } from "@tanstack/react-query";
import { Collapse } from "antd";
import { type View, get, idOf } from "../shared/api";
import { t } from "../shared/language";
import { follow } from "../shared/router";
import { Card, Figure, Shown, number } from "./parts";
import { said } from "./round";

export function Findings({ id }: { id: string }) {
  const found = useQuery({ queryKey: ["findings", id], queryFn: () => get<View<"RoundFindings">>(`rounds/${id}/findings`), refetchInterval: 30_000 });
  const groups = new Map<string, View<"FindingOfRound">[]>();
  for (const one of found.data?.findings ?? []) groups.set(one.code, [...(groups.get(one.code) ?? []), one]);
  return (
    <Shown of={found}>
      <div className="figures three">
        <Figure label={t("findings.requests")} value={number(found.data?.requests_count ?? 0)} />
        <Figure label={t("findings.experts")} value={number(found.data?.experts_count ?? 0)} />
        <Figure label={t("findings")} value={number(found.data?.findings.length ?? 0)} tone={found.data?.findings.length ? "bad" : "good"} note={found.data?.findings.length ? t("findings.note") : t("findings.none")} />
      </div>
      {groups.size > 0 && (
        <Card title={t("findings.list")}>
          <Collapse
            ghost
            defaultActiveKey={[...groups.keys()].slice(0, 1)}
            items={[...groups].map(([code, rows]) => ({
              key: code,
              label: (
                <span>
                  {said(rows[0]!)} <span className="tab-count">{rows.length}</span>
                </span>
              ),
              children: (
                <ul className="finding-list">
                  {rows.slice(0, 100).map((one) => (
                    <li key={one.subject + one.message}>
                      <Subject name={one.subject} /> {said(one)}
                    </li>
                  ))}
                </ul>
              ),
            }))}
          />
        </Card>
      )}
    </Shown>
  );
}

function Subject({ name }: { name: string }) {
  const [kind] = name.split("/");
  if (kind !== "requests" && kind !== "experts") return <code>{name}</code>;
  return (
    <a href={`/console/${kind}/${idOf(name)}`} onClick={follow}>
      {idOf(name)}
    </a>
  );
}
