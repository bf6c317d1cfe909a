// What a plan does not serve: the reason with names and numbers, and the change that would have worked.
import { useMemo } from "react";
import { idOf } from "../shared/api";
import { t, word } from "../shared/language";
import { setQuery, usePlace } from "../shared/router";
import { range } from "../shared/time";
import { Empty } from "antd";
import { type Unserved, useNames } from "./parts";
import { said } from "./round";

export function UnservedList({ rows }: { rows: Unserved[] }) {
  const { query } = usePlace();
  const { district } = useNames();
  const chosen = query.get("reason");
  const counts = useMemo(() => {
    const sums = new Map<string, number>();
    for (const row of rows) sums.set(row.why_not, (sums.get(row.why_not) ?? 0) + 1);
    return [...sums].sort((a, b) => b[1] - a[1]);
  }, [rows]);
  if (!rows.length) return <Empty image={Empty.PRESENTED_IMAGE_SIMPLE} description={t("unserved.none")} />;
  const shown = rows.filter((row) => !chosen || row.why_not === chosen);
  return (
    <div className="columns narrow-left">
      <ul className="reasons" aria-label={t("reasons")}>
        <li>
          <button className={chosen ? "" : "now"} aria-pressed={!chosen} onClick={() => setQuery({ reason: null })}>
            <span>{t("reasons.all")}</span>
            <b>{rows.length}</b>
          </button>
        </li>
        {counts.map(([why, count]) => (
          <li key={why}>
            <button className={chosen === why ? "now" : ""} aria-pressed={chosen === why} onClick={() => setQuery({ reason: why })}>
              <span>{word("why", why)}</span>
              <b>{count}</b>
            </button>
          </li>
        ))}
      </ul>
      <ul className="why-list">
        {shown.slice(0, 300).map((row) => (
          <li key={row.request}>
            <button className="why-row" onClick={() => setQuery({ why: idOf(row.request) })}>
              <div className="why-head">
                <strong>{row.title}</strong>
                <span className="quiet">
                  {district(row.district)} · {word("group", row.group)} · {t("weight")} {row.weight}
                </span>
              </div>
              <p>
                <span className="tag red">{word("why", row.why_not)}</span> {said(row)}
              </p>
              {row.repair && (
                <p className="repair">
                  <span className="tag green">{t("repair")}</span> {said(row.repair)} {row.repair.period && range(row.repair.period)}
                  {row.repair.price === 0 && <em> · {t("repair.free")}</em>}
                </p>
              )}
            </button>
          </li>
        ))}
      </ul>
    </div>
  );
}
