// The plan as lists: by day, by request, by venue.
import { Input, Segmented, Select, Table } from "antd";
import { useMemo, useState } from "react";
import { idOf } from "../shared/api";
import { t, word } from "../shared/language";
import { follow, setQuery, usePlace, withQuery } from "../shared/router";
import { clock, dayLong, localDay, range } from "../shared/time";
import type { PlanData } from "./data";
import { GROUPS, Nothing, type PlannedEvent, teamText, useNames } from "./parts";

type By = "day" | "request" | "venue";

export default function Lists({ data }: { data: PlanData }) {
  const { district } = useNames();
  const { query } = usePlace();
  const [text, setText] = useState("");
  const by = (query.get("by") ?? "day") as By;
  const where = query.get("district") ?? "";
  const group = query.get("group") ?? "";
  const day = query.get("day") ?? "";
  const rows = useMemo(
    () =>
      data.events.filter(
        (one) =>
          (!where || one.district === where) &&
          (!group || one.group === group) &&
          (!day || (one.period && localDay(one.period.start_time) === day)) &&
          (!text || one.title.includes(text) || one.venue_display_name.includes(text) || one.team.some((member) => member.display_name.includes(text))),
      ),
    [data.events, where, group, day, text],
  );
  const districts = useMemo(() => [...new Set(data.events.map((one) => one.district))].filter(Boolean), [data.events]);
  const days = useMemo(() => [...new Set(data.events.flatMap((one) => (one.period ? [localDay(one.period.start_time)] : [])))].sort(), [data.events]);
  return (
    <>
      <div className="filters">
        <Segmented value={by} onChange={(value) => setQuery({ by: value === "day" ? null : value }, true)} options={(["day", "request", "venue"] as const).map((one) => ({ value: one, label: t(`list.by.${one}`) }))} />
        <Input.Search allowClear placeholder={t("events.search")} aria-label={t("events.search")} onChange={(event) => setText(event.target.value)} style={{ width: 220 }} />
        <Select allowClear value={day || undefined} placeholder={t("day.all")} aria-label={t("day")} style={{ width: 150 }} onChange={(value) => setQuery({ day: value ?? null })} options={days.map((one) => ({ value: one, label: dayLong(`${one}T04:00:00Z`) }))} />
        <Select allowClear showSearch={{ optionFilterProp: "label" }} value={where || undefined} placeholder={t("district.all")} aria-label={t("district")} style={{ width: 150 }} onChange={(value) => setQuery({ district: value ?? null })} options={districts.map((one) => ({ value: one, label: district(one) }))} />
        <Select allowClear value={group || undefined} placeholder={t("group.all")} aria-label={t("group")} style={{ width: 130 }} onChange={(value) => setQuery({ group: value ?? null })} options={GROUPS.map((one) => ({ value: one, label: word("group", one) }))} />
        <span className="quiet">{t("rows", { count: rows.length })}</span>
      </div>
      {rows.length === 0 ? <Nothing title={t("events.none")} /> : by === "day" ? <ByDay rows={rows} /> : by === "venue" ? <ByVenue rows={rows} /> : <ByRequest rows={rows} />}
    </>
  );
}

const why = (row: PlannedEvent) => withQuery({ why: idOf(row.request) });

function ByDay({ rows }: { rows: PlannedEvent[] }) {
  const { district } = useNames();
  const days = useMemo(() => {
    const found = new Map<string, PlannedEvent[]>();
    for (const one of rows) if (one.period) found.set(localDay(one.period.start_time), [...(found.get(localDay(one.period.start_time)) ?? []), one]);
    return [...found].sort(([a], [b]) => a.localeCompare(b));
  }, [rows]);
  return (
    <div className="by-day">
      {days.map(([day, events]) => (
        <section key={day} className="day-part">
          <h2>
            {dayLong(`${day}T04:00:00Z`)} <span className="tab-count">{events.length}</span>
          </h2>
          <ul>
            {events.map((one) => (
              <li key={one.request}>
                <a href={why(one)} onClick={follow} className={`event-line group-${one.group}`}>
                  <span className="mono">
                    {clock(one.period!.start_time)}–{clock(one.period!.end_time)}
                  </span>
                  <span className="event-main">
                    <strong>{one.venue_display_name}</strong>
                    <span>{one.title}</span>
                  </span>
                  <span className="quiet">{district(one.district)}</span>
                  <span className="event-team">{teamText(one)}</span>
                </a>
              </li>
            ))}
          </ul>
        </section>
      ))}
    </div>
  );
}

function ByVenue({ rows }: { rows: PlannedEvent[] }) {
  const { district } = useNames();
  const venues = useMemo(() => {
    const found = new Map<string, PlannedEvent[]>();
    for (const one of rows) found.set(one.venue, [...(found.get(one.venue) ?? []), one]);
    return [...found].sort((a, b) => b[1].length - a[1].length || a[1][0]!.venue_display_name.localeCompare(b[1][0]!.venue_display_name, "zh"));
  }, [rows]);
  return (
    <div className="table-scroll card" tabIndex={0} role="region" aria-label={t("list.by.venue")}>
      <table className="plain-table dense">
        <thead>
          <tr>
            <th scope="col">{t("venue")}</th>
            <th scope="col">{t("district")}</th>
            <th scope="col" className="num">{t("served")}</th>
            <th scope="col">{t("when")}</th>
          </tr>
        </thead>
        <tbody>
          {venues.map(([venue, events]) => (
            <tr key={venue}>
              <th scope="row">{events[0]!.venue_display_name || idOf(venue)}</th>
              <td>{district(events[0]!.district)}</td>
              <td className="num">{events.length}</td>
              <td>
                <ul className="chips">
                  {events.map((one) => (
                    <li key={one.request}>
                      <a className="chip" href={why(one)} onClick={follow} title={`${one.title} · ${teamText(one)}`}>
                        {one.period && `${dayLong(one.period.start_time)} ${clock(one.period.start_time)}`}
                      </a>
                    </li>
                  ))}
                </ul>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function ByRequest({ rows }: { rows: PlannedEvent[] }) {
  const { district, topic } = useNames();
  return (
    <Table<PlannedEvent>
      size="small"
      rowKey="request"
      virtual={rows.length > 100}
      scroll={{ x: 1080, y: rows.length > 100 ? 620 : undefined }}
      pagination={false}
      dataSource={rows}
      columns={[
        { title: t("when"), width: 210, render: (_, row) => range(row.period), sorter: (a, b) => (a.period?.start_time ?? "").localeCompare(b.period?.start_time ?? "") },
        { title: t("district"), width: 110, render: (_, row) => district(row.district), sorter: (a, b) => a.district.localeCompare(b.district) },
        {
          title: t("venue"),
          width: 250,
          ellipsis: true,
          render: (_, row) => (
            <a href={why(row)} onClick={follow}>
              {row.venue_display_name}
            </a>
          ),
        },
        { title: t("topic"), width: 150, ellipsis: true, render: (_, row) => topic(row.topic) },
        { title: t("group"), width: 90, render: (_, row) => word("group", row.group) },
        { title: t("weight"), width: 70, align: "right", dataIndex: "weight", sorter: (a, b) => a.weight - b.weight },
        { title: t("team"), width: 260, ellipsis: true, render: (_, row) => teamText(row) },
      ]}
    />
  );
}
