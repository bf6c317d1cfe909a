// What a plan does not serve: the reason with names and numbers, the place in the queue, and the change that would have worked.
import { Button, Input, Select } from "antd";
import { useMemo, useState } from "react";
import { idOf } from "../shared/api";
import { t, word } from "../shared/language";
import { follow, setQuery, usePlace, withQuery } from "../shared/router";
import { Bar, GROUPS, Nothing, type Unserved, said, useNames } from "./parts";

const PAGE = 60;

export function UnservedList({ rows }: { rows: Unserved[] }) {
  const { query } = usePlace();
  const { district } = useNames();
  const chosen = query.get("reason");
  const where = query.get("district") ?? "";
  const group = query.get("group") ?? "";
  const [text, setText] = useState("");
  const [shown, setShown] = useState(PAGE);
  const others = useMemo(() => rows.filter((row) => (!where || row.district === where) && (!group || row.group === group) && (!text || row.title.includes(text) || row.venue_display_name.includes(text))), [rows, where, group, text]);
  const counts = useMemo(() => {
    const sums = new Map<string, number>();
    for (const row of others) sums.set(row.why_not, (sums.get(row.why_not) ?? 0) + 1);
    return [...sums].sort((a, b) => b[1] - a[1]);
  }, [others]);
  const districts = useMemo(() => [...new Set(rows.map((row) => row.district))].filter(Boolean), [rows]);
  if (!rows.length) return <Nothing title={t("unserved.none")} />;
  const found = others.filter((row) => !chosen || row.why_not === chosen);
  const most = counts[0]?.[1] ?? 1;
  return (
    <>
      <div className="filters">
        <Input.Search allowClear placeholder={t("unserved.search")} aria-label={t("unserved.search")} style={{ width: 220 }} onChange={(event) => setText(event.target.value)} />
        <Select allowClear showSearch={{ optionFilterProp: "label" }} value={where || undefined} placeholder={t("district.all")} aria-label={t("district")} style={{ width: 150 }} onChange={(value) => setQuery({ district: value ?? null })} options={districts.map((one) => ({ value: one, label: district(one) }))} />
        <Select allowClear value={group || undefined} placeholder={t("group.all")} aria-label={t("group")} style={{ width: 130 }} onChange={(value) => setQuery({ group: value ?? null })} options={GROUPS.map((one) => ({ value: one, label: word("group", one) }))} />
        <span className="quiet">{t("rows", { count: found.length })}</span>
        <span className="quiet push">{t("unserved.queue.note")}</span>
      </div>
      <div className="columns narrow-left">
        <ul className="reasons" aria-label={t("reasons")}>
          <li>
            <button className={chosen ? "" : "now"} aria-pressed={!chosen} onClick={() => setQuery({ reason: null })}>
              <span>{t("reasons.all")}</span>
              <b>{others.length}</b>
            </button>
          </li>
          {counts.map(([why, count]) => (
            <li key={why}>
              <button className={chosen === why ? "now" : ""} aria-pressed={chosen === why} onClick={() => setQuery({ reason: chosen === why ? null : why })}>
                <span>{word("why", why)}</span>
                <b>{count}</b>
                <Bar part={count} whole={most} tone="red" />
              </button>
            </li>
          ))}
        </ul>
        <div>
          <ol className="why-list">
            {found.slice(0, shown).map((row) => (
              <li key={row.request}>
                <a className="why-row" href={withQuery({ why: idOf(row.request) })} onClick={follow}>
                  <span className="place" title={t("unserved.place")}>
                    {row.place || "—"}
                  </span>
                  <span className="why-body">
                    <span className="why-head">
                      <strong>
                        {row.venue_display_name && `${row.venue_display_name} · `}
                        {row.title}
                      </strong>
                      <span className="quiet">
                        {district(row.district)} · {word("group", row.group)} · {t("weight")} {row.weight}
                      </span>
                    </span>
                    <span className="why-text">
                      <span className="tag red">{word("why", row.why_not)}</span> {said(row)}
                    </span>
                    {row.repair ? (
                      <span className="repair">
                        <span className="tag green">{t("repair")}</span> {said(row.repair)}
                        <em> · {row.repair.price === 0 ? t("repair.free") : t("repair.price", { price: row.repair.price })}</em>
                      </span>
                    ) : (
                      <span className="try">{t("repair.try")} →</span>
                    )}
                  </span>
                </a>
              </li>
            ))}
          </ol>
          {found.length === 0 && <Nothing title={t("rows.none")} />}
          {found.length > shown && (
            <p className="center">
              <Button onClick={() => setShown(shown + PAGE * 2)}>
                {t("load.more")} ({found.length - shown})
              </Button>
            </p>
          )}
        </div>
      </div>
    </>
  );
}
