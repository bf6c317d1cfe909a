// A plan, or a solve so far, stage by stage: what is reached, what is proven, and how far apart they are.
import { t } from "../shared/language";
import { Bar, type Plan, type Progress, gapText, stageBound, stageName, stageUnit, stageValue } from "./parts";

export function Stages({ plan, steps }: { plan: Plan | undefined; steps: Progress[] }) {
  const rows = plan
    ? plan.stages.map((one) => ({ stage: one.stage, value: one.value, bound: one.bound, gap: one.gap }))
    : [...new Map(steps.map((one) => [one.stage, one])).values()].map((one) => ({ stage: one.stage, value: one.incumbent, bound: one.bound, gap: one.gap }));
  if (!rows.length) return <p className="quiet">{t("solve.waiting")}</p>;
  return (
    <table className="plain-table">
      <thead>
        <tr>
          <th scope="col">{t("stage")}</th>
          <th scope="col" className="num">{t("value")}</th>
          <th scope="col" className="num">{t("bound")}</th>
          <th scope="col" className="num">{t("gap")}</th>
        </tr>
      </thead>
      <tbody>
        {rows.map((row) => (
          <tr key={row.stage}>
            <th scope="row">
              {stageName(row.stage)}
              <small className="unit">{stageUnit(row.stage)}</small>
            </th>
            <td className="num">{stageValue(row.stage, row.value)}</td>
            <td className="num quiet">{stageBound(row)}</td>
            <td className="num">
              {row.gap === 0 ? (
                <b className="proven">{t("optimal")}</b>
              ) : row.gap == null || row.gap > 1 ? (
                "—"
              ) : (
                <>
                  <Bar part={row.gap} whole={1} tone="low" /> {gapText(row.gap)}
                </>
              )}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
