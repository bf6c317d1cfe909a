// The plan by district: how much of its fair share each one gets, and what it carries on.
import { Segmented } from "antd";
import { useMemo, useState } from "react";
import { t, word } from "../shared/language";
import { follow, setQuery, usePlace, withQuery } from "../shared/router";
import type { PlanData } from "./data";
import { debtShade, shade } from "./map";
import { Bar, Card, type Coverage, GROUPS, Nothing, number, percent, useNames } from "./parts";

export function byDistrict(coverage: Coverage[], group = "") {
  const sums = new Map<string, { district: string; target: number; served: number; carried: number; debt: number }>();
  for (const one of coverage) {
    if (group && one.group !== group) continue;
    const sum = sums.get(one.district) ?? { district: one.district, target: 0, served: 0, carried: 0, debt: 0 };
    sum.target += one.target;
    sum.served += one.served;
    sum.carried += one.carried;
    sum.debt += one.debt;
    sums.set(one.district, sum);
  }
  return [...sums.values()];
}

export type Cover = ReturnType<typeof byDistrict>[number];

/** Whether a district gets less than a quarter of its fair share. */
const low = (one: Cover) => one.served < one.target / 4;

/** Districts on the map by how much of their fair share they get. */
export function coverLook(coverage: Map<string, Cover>) {
  const share = (node: string) => percent(coverage.get(node)?.served ?? 0, coverage.get(node)?.target ?? 0);
  const asked = (node: string) => (coverage.get(node)?.target ?? 0) > 0;
  return {
    fill: (node: string) => shade(coverage.get(node)?.served ?? 0, coverage.get(node)?.target ?? 0),
    hatched: (node: string) => asked(node) && low(coverage.get(node)!),
    label: (area: { node: string; name: string }) => `${area.name} ${share(area.node)}%`,
    note: (node: string) => (asked(node) && share(node) < 100 ? `${share(node)}%` : ""),
  };
}

/** The same by what they have been left owing, up to `most`. */
export function debtLook(coverage: Map<string, Cover>, most: number) {
  const debt = (node: string) => coverage.get(node)?.debt ?? 0;
  return {
    fill: (node: string) => debtShade(debt(node), most),
    label: (area: { node: string; name: string }) => `${area.name} ${t("coverage.debt")} ${number(debt(area.node))}`,
    note: (node: string) => (debt(node) ? number(debt(node)) : ""),
  };
}

/** The `most` districts that are furthest from their fair share, worst first; with `debts` those that are owed most. */
export function Ranked({ rows, most, debts = false, to, onSee }: { rows: Cover[]; most: number; debts?: boolean; to: (node: string) => string; onSee: (node: string) => void }) {
  const { district } = useNames();
  const shown = debts
    ? rows.filter((one) => one.debt > 0).sort((a, b) => b.debt - a.debt)
    : rows.filter((one) => one.target > 0).sort((a, b) => a.served / a.target - b.served / b.target || b.debt - a.debt);
  if (!shown.length) return <p className="quiet">{t(debts ? "coverage.debt.none" : "coverage.none")}</p>;
  return (
    <ol className="ranked">
      {shown.slice(0, most).map((one) => (
        <li key={one.district} onMouseEnter={() => onSee(one.district)} onMouseLeave={() => onSee("")}>
          <a href={to(one.district)} onClick={follow}>
            {district(one.district)}
          </a>
          {debts ? <Bar part={one.debt} whole={shown[0]!.debt} tone="debt" /> : <Bar part={one.served} whole={one.target} tone={low(one) ? "low" : ""} />}
          <span className={`num ${!debts && low(one) ? "low" : ""}`}>{debts ? number(one.debt) : `${percent(one.served, one.target)}%`}</span>
        </li>
      ))}
    </ol>
  );
}

type Order = "worst" | "debt" | "name";

export function CoverageView({ data }: { data: PlanData }) {
  const { district } = useNames();
  const { query } = usePlace();
  const group = query.get("group") ?? "";
  const chosen = query.get("district") ?? "";
  const [order, setOrder] = useState<Order>("worst");
  const rows = useMemo(() => {
    const found = byDistrict(data.coverage, group).filter((one) => one.target || one.served || one.debt || one.carried);
    const by: Record<Order, (a: (typeof found)[number], b: (typeof found)[number]) => number> = {
      worst: (a, b) => a.served / (a.target || 1) - b.served / (b.target || 1) || b.debt - a.debt,
      debt: (a, b) => b.debt - a.debt,
      name: (a, b) => district(a.district).localeCompare(district(b.district), "zh"),
    };
    return found.sort(by[order]);
  }, [data.coverage, group, order, district]);
  const counts = useMemo(() => {
    const sums = new Map<string, [number, number]>();
    for (const one of data.events) if (!group || one.group === group) sums.set(one.district, [(sums.get(one.district)?.[0] ?? 0) + 1, sums.get(one.district)?.[1] ?? 0]);
    for (const one of data.unserved) if (!group || one.group === group) sums.set(one.district, [sums.get(one.district)?.[0] ?? 0, (sums.get(one.district)?.[1] ?? 0) + 1]);
    return sums;
  }, [data, group]);
  const widest = Math.max(1, ...rows.map((one) => Math.max(one.served, one.target, one.debt)));
  const byGroup = GROUPS.map((one) => {
    const own = data.coverage.filter((line) => line.group === one);
    return { group: one, served: own.reduce((sum, line) => sum + line.served, 0), target: own.reduce((sum, line) => sum + line.target, 0), debt: own.reduce((sum, line) => sum + line.debt, 0) };
  }).filter((one) => one.target || one.served);
  return (
    <>
      <div className="filters">
        <Segmented value={group} onChange={(value) => setQuery({ group: String(value) || null })} options={[{ value: "", label: t("group.all") }, ...GROUPS.map((one) => ({ value: one as string, label: word("group", one) }))]} />
        <Segmented value={order} onChange={(value) => setOrder(value)} options={(["worst", "debt", "name"] as const).map((one) => ({ value: one, label: t(`district.order.${one}`) }))} />
        <span className="legend">
          <span><i style={{ background: "var(--brand)" }} />{t("coverage.served")}</span>
          <span><i className="mark-key" />{t("coverage.target")}</span>
          <span><i style={{ background: "var(--amber)" }} />{t("coverage.debt")}</span>
        </span>
      </div>
      <div className="columns wide-left">
        <Card title={t("coverage.by.district")} extra={<span className="quiet">{t("coverage.unit")}</span>}>
          {rows.length === 0 ? (
            <Nothing title={t("coverage.none")} />
          ) : (
            <div className="table-scroll" tabIndex={0} role="region" aria-label={t("coverage.by.district")}>
              <table className="plain-table dense coverage-table">
                <thead>
                  <tr>
                    <th scope="col">{t("district")}</th>
                    <th scope="col" className="grow">{t("coverage.served")} / {t("coverage.target")}</th>
                    <th scope="col" className="num">{t("coverage")}</th>
                    <th scope="col" className="num">{t("served")}</th>
                    <th scope="col" className="num">{t("unserved")}</th>
                    <th scope="col" className="num">{t("coverage.carried")}</th>
                    <th scope="col" className="num">{t("coverage.debt")}</th>
                  </tr>
                </thead>
                <tbody>
                  {rows.map((one) => (
                    <tr key={one.district} className={chosen === one.district ? "chosen" : ""}>
                      <th scope="row">
                        <a href={withQuery({ tab: "map", district: one.district })} onClick={follow}>
                          {district(one.district)}
                        </a>
                      </th>
                      <td className="grow">
                        <Bar part={one.served} whole={widest} mark={one.target} tone={one.target && low(one) ? "low" : ""} />
                        {one.debt > 0 && <Bar part={one.debt} whole={widest} tone="debt" />}
                      </td>
                      <td className="num">
                        <b>{one.target ? `${percent(one.served, one.target)}%` : "—"}</b>
                      </td>
                      <td className="num">{counts.get(one.district)?.[0] ?? 0}</td>
                      <td className="num">
                        {counts.get(one.district)?.[1] ? (
                          <a href={withQuery({ tab: "unserved", district: one.district })} onClick={follow}>
                            {counts.get(one.district)?.[1]}
                          </a>
                        ) : (
                          0
                        )}
                      </td>
                      <td className="num quiet">{number(one.carried)}</td>
                      <td className="num">{number(one.debt)}</td>
                    </tr>
                  ))}
                </tbody>
              </table>
            </div>
          )}
        </Card>
        <div className="stack">
          <Card title={t("coverage.by.group")} extra={<span className="quiet">{t("coverage.unit")}</span>}>
            <ul className="ranked wide">
              {byGroup.map((one) => (
                <li key={one.group}>
                  <span>{word("group", one.group)}</span>
                  <Bar part={one.served} whole={Math.max(one.served, one.target)} mark={one.target} />
                  <span className="num">{percent(one.served, one.target)}%</span>
                </li>
              ))}
            </ul>
            <p className="fine">{t("coverage.note")}</p>
          </Card>
        </div>
      </div>
    </>
  );
}
