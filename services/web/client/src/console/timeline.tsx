// The plan by expert and time. Only the rows in sight are drawn, so that a thousand experts scroll like ten.
import { useQuery } from "@tanstack/react-query";
import { Input, Segmented, Select } from "antd";
import { type PointerEvent, useLayoutEffect, useMemo, useRef, useState } from "react";
import { type View, get } from "../shared/api";
import { t, word } from "../shared/language";
import { setQuery } from "../shared/router";
import type { Session } from "../shared/session";
import { addDays, clock, dayMonth, daysBetween, instant, localDay, minuteOfDay, minutes, weekday } from "../shared/time";
import { Move, type Moved } from "./move";
import { type PlannedEvent, type Round, useNames } from "./parts";
import type { PlanData } from "./round";

const ROW = 36;
const HEAD = 48;
const NAMES = 190;
const FIRST_MIN = 7 * 60;
const LAST_MIN = 20 * 60;
const GRID_MIN = 30;
const SPARE = 6;

type Bar = { event: PlannedEvent; seat: number; start: number; end: number; day: number; travel: number; night: boolean; remote: boolean };
type Row = { expert: string; name: string; role: string; bars: Bar[]; travel: number };

function rowsOf(events: PlannedEvent[], first: string): Row[] {
  const rows = new Map<string, Row>();
  for (const event of events) {
    if (!event.period) continue;
    const day = daysBetween(first, localDay(event.period.start_time));
    const start = minuteOfDay(event.period.start_time);
    const long = (Date.parse(event.period.end_time) - Date.parse(event.period.start_time)) / 60_000;
    for (const member of event.team) {
      let row = rows.get(member.expert);
      if (!row) rows.set(member.expert, (row = { expert: member.expert, name: member.display_name, role: member.role, bars: [], travel: 0 }));
      row.bars.push({ event, seat: member.seat, start, end: start + long, day, travel: member.travel_min, night: member.night_after, remote: member.remote });
      row.travel += member.travel_min;
    }
  }
  return [...rows.values()];
}

export function Timeline({ round, data, planId, who }: { round: Round; data: PlanData; planId: string; who: Session }) {
  const { district } = useNames();
  const first = round.horizon?.start_date ?? localDay(data.events[0]?.period?.start_time ?? new Date());
  const days = round.horizon ? daysBetween(first, round.horizon.end_date) : 7;
  const [text, setText] = useState("");
  const [role, setRole] = useState("");
  const [order, setOrder] = useState<"load" | "travel" | "name">("load");
  const [zoom, setZoom] = useState<"all" | "week" | "day">("all");
  const box = useRef<HTMLDivElement>(null);
  const [view, setView] = useState({ top: 0, height: 560, width: 900 });
  const [moving, setMoving] = useState<Moved | null>(null);
  const [drag, setDrag] = useState<{ bar: Bar; x: number; y: number; dx: number; dy: number } | null>(null);
  const calendar = useQuery({ queryKey: ["calendar", first, days], queryFn: () => get<View<"DayShown">[]>("calendar", { start: first, days }), staleTime: Infinity });

  const everybody = useMemo(() => rowsOf(data.events, first), [data.events, first]);
  const rows = useMemo(() => {
    const found = everybody.filter((row) => (!role || row.role === role) && (!text || row.name.includes(text) || row.expert.includes(text)));
    const by = { load: (a: Row, b: Row) => b.bars.length - a.bars.length || a.name.localeCompare(b.name, "zh"), travel: (a: Row, b: Row) => b.travel - a.travel, name: (a: Row, b: Row) => a.name.localeCompare(b.name, "zh") };
    return found.sort(by[order]);
  }, [everybody, role, text, order]);

  useLayoutEffect(() => {
    const element = box.current!;
    const measure = () => setView((before) => ({ ...before, height: element.clientHeight, width: element.clientWidth }));
    const watch = new ResizeObserver(measure);
    watch.observe(element);
    measure();
    return () => watch.disconnect();
  }, []);

  const fit = Math.max(28, (view.width - NAMES - 2) / days);
  const dayWidth = zoom === "all" ? fit : zoom === "week" ? Math.max(fit, 130) : Math.max(fit, 420);
  const at = (day: number, minute: number) => (day + Math.min(1, Math.max(0, (minute - FIRST_MIN) / (LAST_MIN - FIRST_MIN)))) * dayWidth;
  const from = Math.max(0, Math.floor(view.top / ROW) - SPARE);
  const until = Math.min(rows.length, Math.ceil((view.top + view.height) / ROW) + SPARE);

  /** Where a dragged visit would land: another expert, another half hour. */
  function landing(dragged: NonNullable<typeof drag>): Moved {
    const index = rows.findIndex((row) => row.bars.includes(dragged.bar));
    const row = rows[Math.min(rows.length - 1, Math.max(0, index + Math.round(dragged.dy / ROW)))]!;
    const place = at(dragged.bar.day, dragged.bar.start) + dragged.dx;
    const day = Math.min(days - 1, Math.max(0, Math.floor(place / dayWidth)));
    const minute = Math.round((FIRST_MIN + (place / dayWidth - day) * (LAST_MIN - FIRST_MIN)) / GRID_MIN) * GRID_MIN;
    const time = `${String(Math.floor(minute / 60)).padStart(2, "0")}:${String(minute % 60).padStart(2, "0")}`;
    const kept = Math.abs(dragged.dx) < dayWidth / 40;
    return { event: dragged.bar.event, seat: dragged.bar.seat, expert: row.expert, start: kept ? dragged.bar.event.period!.start_time : instant(addDays(first, day), time) };
  }
  function drop(event: PointerEvent) {
    if (!drag) return;
    const far = Math.abs(drag.dx) > 5 || Math.abs(drag.dy) > 5;
    (event.currentTarget as HTMLElement).releasePointerCapture(event.pointerId);
    if (far) setMoving(landing(drag));
    setDrag(null);
  }
  return (
    <>
      <div className="filters">
        <Input.Search allowClear placeholder={t("experts.search")} aria-label={t("experts.search")} style={{ width: 220 }} onChange={(event) => setText(event.target.value)} />
        <Select value={role} onChange={setRole} aria-label={t("role")} style={{ width: 130 }} options={["", "ACADEMICIAN", "LECTURER", "VOLUNTEER"].map((one) => ({ value: one, label: one ? word("role", one) : t("role.all") }))} />
        <Select value={order} onChange={setOrder} aria-label={t("order")} style={{ width: 150 }} options={(["load", "travel", "name"] as const).map((one) => ({ value: one, label: t(`order.${one}`) }))} />
        <Segmented value={zoom} onChange={setZoom} options={(["all", "week", "day"] as const).map((one) => ({ value: one, label: t(`zoom.${one}`) }))} />
        <span className="quiet">{t("experts.count", { count: rows.length })}</span>
        <span className="legend">
          {["YOUTH", "FARMERS", "WORKERS", "ELDERLY", "OFFICIALS"].map((one) => (
            <span key={one}>
              <i className={`group-${one}`} />
              {word("group", one)}
            </span>
          ))}
          <span>
            <i className="travel-key" />
            {t("travel")}
          </span>
        </span>
      </div>
      <div className="gantt" ref={box} tabIndex={0} role="region" aria-label={t("tab.timeline")} onScroll={(event) => setView({ ...view, top: event.currentTarget.scrollTop })}>
        <div className="gantt-inner" style={{ width: NAMES + days * dayWidth, height: HEAD + rows.length * ROW }}>
          <div className="gantt-head" style={{ height: HEAD }}>
            <div className="gantt-corner" style={{ width: NAMES }}>
              {t("expert")}
            </div>
            {Array.from({ length: days }, (_, index) => {
              const day = addDays(first, index);
              const known = calendar.data?.[index];
              const off = known ? known.kind === "WEEKEND" || known.kind === "DAY_OFF" : false;
              return (
                <div key={day} className={`gantt-day ${off ? "off" : ""}`} style={{ width: dayWidth }} title={known?.name}>
                  <b>{dayMonth(`${day}T04:00:00Z`)}</b>
                  <span>{dayWidth > 44 && weekday(`${day}T04:00:00Z`)}</span>
                </div>
              );
            })}
          </div>
          <div className="gantt-grid" style={{ left: NAMES, top: HEAD, height: rows.length * ROW }}>
            {calendar.data?.map((day, index) => (day.kind === "WEEKEND" || day.kind === "DAY_OFF" ? <i key={day.day} className="off" style={{ left: index * dayWidth, width: dayWidth }} /> : <i key={day.day} style={{ left: index * dayWidth }} />))}
          </div>
          {rows.slice(from, until).map((row, index) => (
            <div className="gantt-row" key={row.expert} style={{ top: HEAD + (from + index) * ROW, height: ROW }}>
              <button className="gantt-name" style={{ width: NAMES }} onClick={() => setQuery({ tab: "map", expert: row.expert })} title={t("map.expert")}>
                <span>{row.name}</span>
                <small>{row.bars.length}</small>
              </button>
              {row.bars.map((bar) => {
                const left = at(bar.day, bar.start);
                const dragged = drag?.bar === bar;
                return (
                  <span key={`${bar.event.request} ${bar.seat}`}>
                    {bar.travel > 0 && <i className="gantt-travel" style={{ left: NAMES + at(bar.day, bar.start - bar.travel), width: Math.max(2, left - at(bar.day, bar.start - bar.travel)) }} />}
                    <button
                      className={`gantt-bar group-${bar.event.group} ${bar.remote ? "remote" : ""} ${dragged ? "dragged" : ""}`}
                      style={{ left: NAMES + left + (dragged ? drag.dx : 0), width: Math.max(7, at(bar.day, bar.end) - left), transform: dragged ? `translateY(${drag.dy}px)` : undefined }}
                      title={`${bar.event.title}\n${clock(bar.event.period!.start_time)}–${clock(bar.event.period!.end_time)} ${district(bar.event.district)}\n${t("travel")} ${minutes(bar.travel)}`}
                      aria-label={`${row.name} ${dayMonth(bar.event.period!.start_time)} ${clock(bar.event.period!.start_time)} ${bar.event.title}`}
                      onClick={() => !drag && setMoving({ event: bar.event, seat: bar.seat, expert: row.expert, start: bar.event.period!.start_time })}
                      onPointerDown={(event) => {
                        if (event.button) return;
                        event.currentTarget.setPointerCapture(event.pointerId);
                        setDrag({ bar, x: event.clientX, y: event.clientY, dx: 0, dy: 0 });
                      }}
                      onPointerMove={(event) => dragged && setDrag({ ...drag, dx: event.clientX - drag.x, dy: event.clientY - drag.y })}
                      onPointerUp={drop}
                      onPointerCancel={() => setDrag(null)}
                    >
                      {dayWidth > 110 && <span>{district(bar.event.district)}</span>}
                    </button>
                    {bar.night && <i className="gantt-night" style={{ left: NAMES + (bar.day + 1) * dayWidth - 8 }} title={t("night.there")} />}
                  </span>
                );
              })}
            </div>
          ))}
        </div>
      </div>
      <p className="fine">{t("timeline.note")}</p>
      {moving && <Move moved={moving} round={round} planId={planId} experts={everybody} who={who} change={setMoving} onClose={() => setMoving(null)} />}
    </>
  );
}
