// Travel and load per expert: who carries how much, and how near that is to what they allow themselves.
import { Input, Segmented, Table } from "antd";
import { useMemo, useState } from "react";
import { idOf } from "../shared/api";
import { t, word } from "../shared/language";
import { follow, setQuery, usePlace, withQuery } from "../shared/router";
import { localDay } from "../shared/time";
import { type PlanData, usePeople } from "./data";
import { Bar, Card, type Expert, Figure, ROLES, type Round, number } from "./parts";

type Line = { expert: string; name: string; role: string; visits: number; travel: number; mostTravel: number; nights: number; days: number; known: Expert | undefined };

/** `5:42`, for columns of them. */
const hours = (min: number) => `${Math.floor(min / 60)}:${String(min % 60).padStart(2, "0")}`;

export default function Load({ data }: { round: Round; data: PlanData }) {
  const { query } = usePlace();
  const people = usePeople();
  const [text, setText] = useState("");
  const role = query.get("role") ?? "";
  const lines = useMemo(() => {
    const found = new Map<string, Line & { byDay: Map<string, number> }>();
    for (const event of data.events)
      for (const member of event.team) {
        let line = found.get(member.expert);
        if (!line) found.set(member.expert, (line = { expert: member.expert, name: member.display_name, role: member.role, visits: 0, travel: 0, mostTravel: 0, nights: 0, days: 0, known: people.data?.get(member.expert), byDay: new Map() }));
        const day = event.period ? localDay(event.period.start_time) : "";
        line.visits += 1;
        line.travel += member.travel_min;
        line.nights += member.night_after ? 1 : 0;
        line.byDay.set(day, (line.byDay.get(day) ?? 0) + member.travel_min);
      }
    for (const line of found.values()) {
      line.days = line.byDay.size;
      line.mostTravel = Math.max(...line.byDay.values());
    }
    return [...found.values()];
  }, [data.events, people.data]);
  const shown = lines.filter((one) => (!role || one.role === role) && (!text || one.name.includes(text)));
  const most = Math.max(1, ...lines.map((one) => one.travel));
  const total = lines.reduce((sum, one) => sum + one.visits, 0);
  const sorted = [...lines].sort((a, b) => a.visits - b.visits);
  const histogram = useMemo(() => {
    const counts = new Map<number, number>();
    for (const one of lines) counts.set(one.visits, (counts.get(one.visits) ?? 0) + 1);
    const idle = Math.max(0, [...(people.data?.values() ?? [])].filter((one) => one.state === "ACTIVE").length - lines.length);
    return Array.from({ length: Math.max(0, ...counts.keys()) + 1 }, (_, visits) => ({ visits, people: visits === 0 ? idle : (counts.get(visits) ?? 0) }));
  }, [lines, people.data]);
  const widest = Math.max(1, ...histogram.map((one) => one.people));
  return (
    <>
      <div className="figures three flat-card">
        <Figure label={t("experts.out")} value={number(lines.length)} note={t("experts.of", { count: number(people.data?.size ?? 0) })} />
        <Figure label={t("load.median")} value={lines.length ? number(sorted[Math.floor(lines.length / 2)]!.visits) : "—"} note={t("load.mean", { count: lines.length ? (total / lines.length).toFixed(1) : "0" })} />
        <Figure label={t("load.travel")} value={t("hours", { count: number(Math.round(lines.reduce((sum, one) => sum + one.travel, 0) / 60)) })} note={t("load.travel.note")} />
      </div>
      <div className="filters">
        <Segmented value={role} onChange={(value) => setQuery({ role: String(value) || null })} options={["", ...ROLES].map((one) => ({ value: one as string, label: one ? word("role", one) : t("role.all") }))} />
        <Input.Search allowClear placeholder={t("experts.search")} aria-label={t("experts.search")} style={{ width: 200 }} onChange={(event) => setText(event.target.value)} />
        <span className="quiet">{t("experts.count", { count: shown.length })}</span>
      </div>
      <div className="columns with-aside">
        <Table<Line>
          size="small"
          rowKey="expert"
          virtual={shown.length > 100}
          scroll={{ x: 800, y: shown.length > 100 ? 620 : undefined }}
          pagination={false}
          dataSource={shown}
          columns={[
            {
              title: t("expert"),
              width: 140,
              render: (_, row) => (
                <a href={withQuery({ tab: "map", expert: row.expert })} onClick={follow}>
                  {row.name}
                </a>
              ),
              sorter: (a, b) => a.name.localeCompare(b.name, "zh"),
            },
            { title: t("role"), width: 74, render: (_, row) => word("role", row.role) },
            {
              title: t("load.visits"),
              width: 160,
              defaultSortOrder: "descend",
              sorter: (a, b) => a.visits - b.visits,
              render: (_, row) => (
                <span className="with-bar">
                  <Bar part={row.visits} whole={row.known?.limits?.per_round || row.visits} tone={row.known?.limits && row.visits >= row.known.limits.per_round ? "debt" : ""} />
                  {row.visits}
                  {row.known?.limits ? <span className="quiet"> / {row.known.limits.per_round}</span> : null}
                </span>
              ),
            },
            { title: t("load.days"), width: 76, align: "right", dataIndex: "days", sorter: (a, b) => a.days - b.days },
            {
              title: t("load.travel.hours"),
              width: 160,
              sorter: (a, b) => a.travel - b.travel,
              render: (_, row) => (
                <span className="with-bar">
                  <Bar part={row.travel} whole={most} tone="travel" />
                  {hours(row.travel)}
                </span>
              ),
            },
            {
              title: t("load.worst.day"),
              width: 136,
              sorter: (a, b) => a.mostTravel - b.mostTravel,
              render: (_, row) => (
                <>
                  {hours(row.mostTravel)}
                  {row.known?.limits && <span className="quiet"> / {hours(row.known.limits.travel_min_per_day)}</span>}
                </>
              ),
            },
            { title: t("load.nights"), width: 92, align: "right", dataIndex: "nights", sorter: (a, b) => a.nights - b.nights },
          ]}
        />
        <div className="stack">
          <Card title={t("load.spread")} extra={<span className="quiet">{t("load.spread.unit")}</span>}>
            <ul className="ranked wide">
              {histogram.map((one) => (
                <li key={one.visits}>
                  <span>{t("load.times", { count: one.visits })}</span>
                  <Bar part={one.people} whole={widest} tone={one.visits === 0 ? "idle" : ""} />
                  <span className="num">{one.people}</span>
                </li>
              ))}
            </ul>
            <p className="fine">{t("load.note")}</p>
          </Card>
          {query.get("expert") && (
            <p>
              <a href={`/console/experts/${idOf(query.get("expert")!)}`} onClick={follow}>
                {t("expert.show")}
              </a>
            </p>
          )}
        </div>
      </div>
    </>
  );
}
