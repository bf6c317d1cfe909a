// The plan by district: how much of its fair share each one gets, and what it carries on.
import { Segmented } from "antd";
import { useCallback, useMemo, useState } from "react";
import type { View } from "../shared/api";
import { language, t, word } from "../shared/language";
import { Chart, tooltip } from "./charts";
import { Card, number, percent, useNames } from "./parts";

type Coverage = View<"Coverage">;
const GROUPS = ["YOUTH", "FARMERS", "WORKERS", "ELDERLY", "OFFICIALS"] as const;

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

export function CoverageView({ coverage }: { coverage: Coverage[] }) {
  const { district } = useNames();
  const [group, setGroup] = useState("");
  const shown = language();
  const rows = useMemo(
    () => byDistrict(coverage, group).filter((one) => one.target || one.served || one.debt).sort((a, b) => b.served / (b.target || 1) - a.served / (a.target || 1) || b.debt - a.debt),
    [coverage, group],
  );
  const option = useCallback(
    (colours: Parameters<Parameters<typeof Chart>[0]["option"]>[0]) => ({
      grid: { left: 8, right: 40, top: 32, bottom: 8, containLabel: true },
      legend: { top: 0, left: 0, itemWidth: 12, itemHeight: 8, textStyle: { color: colours.soft } },
      tooltip: { trigger: "axis", axisPointer: { type: "shadow" }, ...tooltip(colours) },
      xAxis: { type: "value", axisLabel: { color: colours.soft }, splitLine: { lineStyle: { color: colours.line } } },
      yAxis: { type: "category", data: rows.map((one) => district(one.district)), axisTick: { show: false }, axisLine: { lineStyle: { color: colours.strong } }, axisLabel: { color: colours.ink, interval: 0 } },
      series: [
        { name: t("coverage.served"), type: "bar", barWidth: 9, barGap: "-100%", z: 3, itemStyle: { color: colours.brand, borderRadius: [0, 4, 4, 0] }, data: rows.map((one) => one.served) },
        { name: t("coverage.target"), type: "bar", barWidth: 9, z: 2, itemStyle: { color: colours.strong, opacity: 0.5, borderRadius: [0, 4, 4, 0] }, data: rows.map((one) => one.target) },
        { name: t("coverage.debt"), type: "bar", barWidth: 4, barGap: "40%", z: 3, itemStyle: { color: colours.amber, borderRadius: [0, 2, 2, 0] }, data: rows.map((one) => one.debt) },
      ],
    }),
    [rows, district, shown],
  );
  const worst = [...rows].reverse().slice(0, 8);
  return (
    <>
      <div className="filters">
        <Segmented value={group} onChange={(value) => setGroup(String(value))} options={[{ value: "", label: t("group.all") }, ...GROUPS.map((one) => ({ value: one as string, label: word("group", one) }))]} />
      </div>
      <div className="columns wide-left">
        <Card title={t("coverage.by.district")} extra={<span className="quiet">{t("coverage.unit")}</span>}>
          <Chart option={option} height={Math.max(240, rows.length * 24 + 50)} label={t("coverage.by.district")} />
        </Card>
        <Card title={t("coverage.worst")}>
          <table className="plain-table">
            <thead>
              <tr>
                <th scope="col">{t("district")}</th>
                <th scope="col" className="num">{t("coverage")}</th>
                <th scope="col" className="num">{t("coverage.carried")}</th>
                <th scope="col" className="num">{t("coverage.debt")}</th>
              </tr>
            </thead>
            <tbody>
              {worst.map((one) => (
                <tr key={one.district}>
                  <th scope="row">{district(one.district)}</th>
                  <td className="num">
                    <span className="meter" aria-hidden="true">
                      <i style={{ width: `${Math.min(100, percent(one.served, one.target))}%` }} />
                    </span>
                    {percent(one.served, one.target)}%
                  </td>
                  <td className="num quiet">{number(one.carried)}</td>
                  <td className="num">{number(one.debt)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </Card>
      </div>
    </>
  );
}
