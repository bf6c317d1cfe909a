// The plan by expert and time. Only the rows in sight are drawn, so that a thousand experts scroll like ten.
import { Checkbox, Dropdown, Input, Segmented, Select } from "antd";
import { type KeyboardEvent, type PointerEvent, memo, useCallback, useLayoutEffect, useMemo, useRef, useState } from "react";
import { either, t, word } from "../shared/language";
import { setQuery, usePlace } from "../shared/router";
import type { Session } from "../shared/session";
import { addDays, clock, dayLong, dayMonth, daysBetween, instant, localDay, minuteOfDay, minutes, monthName, now, weekday } from "../shared/time";
import { type PlanData, eventsByDay, isOff, useCalendar, usePeople } from "./data";
import { Move, type Moved } from "./move";
import { GROUPS, Nothing, type PlannedEvent, ROLES, type Round, useNames } from "./parts";

const ROW = 32;
const HEAD = 58;
const NAMES = 190;
const NAMES_NARROW = 118;
const FIRST_MIN = 7 * 60;
const LAST_MIN = 20 * 60;
const GRID_MIN = 30;
const SPARE = 8;
const TARGET = 26;
/** Width and height of what a finger can hit; days are never drawn narrower. */
const BESIDE = 58;
/** Room that words beside a bar need, in pixels. */
const LABEL = 44;
/** Bars narrower than this carry no words: half a character tells nothing. */

/** How many visits a note beside one target lists. */
const TIP_BARS = 4;
/** So long a note stays, that the pointer may move onto it. */
const LEAVE_MS = 120;

type Bar = { event: PlannedEvent; seat: number; start: number; end: number; day: number; travel: number; night: boolean; remote: boolean };
type Row = { expert: string; name: string; role: string; bars: Bar[]; travel: number; districts: Set<string> };
/** Visits of one day that a finger cannot tell apart: one target. Places and widths in pixels. */
type Spot = { bars: Bar[]; left: number; width: number };
type Choice = { spot: Spot; row: Row; index: number };
type Drag = { bar: Bar; row: number; x: number; y: number; dx: number; dy: number };

function rowsOf(events: PlannedEvent[], first: string): Map<string, Row> {
  const rows = new Map<string, Row>();
  for (const event of events) {
    if (!event.period) continue;
    const day = daysBetween(first, localDay(event.period.start_time));
    const start = minuteOfDay(event.period.start_time);
    const long = (Date.parse(event.period.end_time) - Date.parse(event.period.start_time)) / 60_000;
    for (const member of event.team) {
      let row = rows.get(member.expert);
      if (!row) rows.set(member.expert, (row = { expert: member.expert, name: member.display_name, role: member.role, bars: [], travel: 0, districts: new Set() }));
      row.bars.push({ event, seat: member.seat, start, end: start + long, day, travel: member.travel_min, night: member.night_after, remote: member.remote });
      row.travel += member.travel_min;
      row.districts.add(event.district);
    }
  }
  return rows;
}

/** What can be hit in a row, none narrower than `TARGET`, none over another, none in two days. */
function spotsOf(bars: Bar[], dayWidth: number): Spot[] {
  const spots: Spot[] = [];
  for (const bar of [...bars].sort((a, b) => a.day - b.day || a.start - b.start)) {
    const start = at(dayWidth, bar.day, bar.start);
    const width = Math.max(TARGET, at(dayWidth, bar.day, bar.end) - start);
    const left = Math.max(bar.day * dayWidth, Math.min(start, (bar.day + 1) * dayWidth - width));
    const last = spots.at(-1);
    if (last && last.bars[0]!.day === bar.day && left < last.left + last.width) {
      last.bars.push(bar);
      last.width = Math.max(last.width, left + width - last.left);
    } else spots.push({ bars: [bar], left, width });
  }
  return spots;
}

/** The visit of a target that is nearest to a place in it. */
function nearest(spot: Spot, x: number, dayWidth: number): Bar {
  const away = (bar: Bar) => Math.abs((at(dayWidth, bar.day, bar.start) + at(dayWidth, bar.day, bar.end)) / 2 - x);
  return spot.bars.reduce((best, bar) => (away(bar) < away(best) ? bar : best));
}

const twoDigits = (value: number) => String(value).padStart(2, "0");

export default function Timeline({ round, data, planId, who }: { round: Round; data: PlanData; planId: string; who: Session }) {
  const { query } = usePlace();
  const { district } = useNames();
  const people = usePeople();
  const first = round.horizon?.start_date ?? localDay(data.events[0]?.period?.start_time ?? now());
  const days = round.horizon ? daysBetween(first, round.horizon.end_date) : 7;
  const [text, setText] = useState("");
  const role = query.get("role") ?? "";
  const where = query.get("district") ?? "";
  const idle = query.get("idle") !== null;
  const order = (query.get("order") ?? "load") as "load" | "travel" | "name";
  const zoom = (query.get("zoom") ?? "all") as "all" | "week" | "day";
  const box = useRef<HTMLDivElement>(null);
  const [view, setView] = useState({ top: 0, height: 560, width: 900 });
  const [moving, setMoving] = useState<Moved | null>(null);
  const [drag, setDrag] = useState<Drag | null>(null);
  const [choice, setChoice] = useState<Choice | null>(null);
  const [tip, setTip] = useState<Tip | null>(null);
  const leaving = useRef(0);
  const tell = useCallback((next: Tip | null) => {
    clearTimeout(leaving.current);
    if (next) setTip(next);
    else leaving.current = window.setTimeout(() => setTip(null), LEAVE_MS);
  }, []);
  const calendar = useCalendar(first, days);
  const today = localDay(now());
  const dayNow = daysBetween(first, today);
  const perDay = useMemo(() => eventsByDay(data.events), [data.events]);
  const busiest = Math.max(1, ...perDay.values());

  const everybody = useMemo(() => {
    const rows = rowsOf(data.events, first);
    if (idle) for (const one of people.data?.values() ?? []) if (!rows.has(one.name) && one.state === "ACTIVE") rows.set(one.name, { expert: one.name, name: one.display_name, role: one.role, bars: [], travel: 0, districts: new Set([one.home_node]) });
    return [...rows.values()];
  }, [data.events, first, idle, people.data]);
  const choices = useMemo(() => {
    const named = new Map(everybody.map((row) => [row.expert, row.name]));
    for (const one of people.data?.values() ?? []) if (one.state === "ACTIVE") named.set(one.name, one.display_name);
    return [...named].map(([expert, name]) => ({ expert, name }));
  }, [everybody, people.data]);
  const titles = useMemo(() => new Map([...data.events, ...data.unserved].map((one) => [one.request, `${one.venue_display_name} ${one.title}`])), [data]);
  const rows = useMemo(() => {
    const found = everybody.filter((row) => (!role || row.role === role) && (!where || row.districts.has(where)) && (!text || row.name.includes(text) || row.expert.includes(text)));
    const by = { load: (a: Row, b: Row) => b.bars.length - a.bars.length || a.name.localeCompare(b.name, "zh"), travel: (a: Row, b: Row) => b.travel - a.travel, name: (a: Row, b: Row) => a.name.localeCompare(b.name, "zh") };
    return found.sort(by[order]);
  }, [everybody, role, where, text, order]);
  const districts = useMemo(() => [...new Set(data.events.map((one) => one.district))].filter(Boolean), [data.events]);

  useLayoutEffect(() => {
    const element = box.current!;
    const measure = () => setView((before) => ({ ...before, height: element.clientHeight, width: element.clientWidth }));
    const watch = new ResizeObserver(measure);
    watch.observe(element);
    measure();
    return () => watch.disconnect();
  }, []);

  const names = view.width < 560 ? NAMES_NARROW : NAMES;
  const fit = Math.max(TARGET, (view.width - names - 2) / days);
  const dayWidth = zoom === "all" ? fit : zoom === "week" ? Math.max(fit, 130) : Math.max(fit, 420);
  const from = Math.max(0, Math.floor(view.top / ROW) - SPARE);
  const until = Math.min(rows.length, Math.ceil((view.top + view.height) / ROW) + SPARE);

  /** Where a dragged visit would land: another expert, another half hour. */
  const landing = useCallback(
    (dragged: Drag): Moved => {
      const row = rows[Math.min(rows.length - 1, Math.max(0, dragged.row + Math.round(dragged.dy / ROW)))]!;
      const place = at(dayWidth, dragged.bar.day, dragged.bar.start) + dragged.dx;
      const day = Math.min(days - 1, Math.max(0, Math.floor(place / dayWidth)));
      const minute = Math.round((FIRST_MIN + (place / dayWidth - day) * (LAST_MIN - FIRST_MIN)) / GRID_MIN) * GRID_MIN;
      const kept = Math.abs(dragged.dx) < Math.max(4, dayWidth / 60);
      return { event: dragged.bar.event, seat: dragged.bar.seat, expert: row.expert, start: kept ? dragged.bar.event.period!.start_time : instant(addDays(first, day), `${twoDigits(Math.floor(minute / 60))}:${twoDigits(minute % 60)}`) };
    },
    [rows, dayWidth, days, first],
  );
  const begin = useCallback((bar: Bar, row: number, event: PointerEvent<HTMLElement>) => {
    if (event.button) return;
    event.currentTarget.setPointerCapture(event.pointerId);
    setDrag({ bar, row, x: event.clientX, y: event.clientY, dx: 0, dy: 0 });
  }, []);
  const move = useCallback((event: PointerEvent<HTMLElement>) => setDrag((now) => now && { ...now, dx: event.clientX - now.x, dy: event.clientY - now.y }), []);
  const drop = useCallback(
    (event: PointerEvent<HTMLElement>) => {
      event.currentTarget.releasePointerCapture(event.pointerId);
      setDrag((now) => {
        if (now && (Math.abs(now.dx) > 5 || Math.abs(now.dy) > 5)) {
          const landed = landing(now);
          queueMicrotask(() => setMoving(landed));
        }
        return null;
      });
    },
    [landing],
  );
  const open = useCallback((bar: Bar, row: Row) => setMoving({ event: bar.event, seat: bar.seat, expert: row.expert, start: bar.event.period!.start_time }), []);
  /** The same by keys: Alt with left and right is half an hour, with up and down the next expert. */
  const nudge = useCallback(
    (bar: Bar, row: number, event: KeyboardEvent) => {
      if (!event.altKey) return;
      const start = new Date(bar.event.period!.start_time).getTime();
      const by = event.key === "ArrowLeft" ? -GRID_MIN : event.key === "ArrowRight" ? GRID_MIN : 0;
      const rowBy = event.key === "ArrowUp" ? -1 : event.key === "ArrowDown" ? 1 : 0;
      if (!by && !rowBy) return;
      event.preventDefault();
      const target = rows[Math.min(rows.length - 1, Math.max(0, row + rowBy))]!;
      setMoving({ event: bar.event, seat: bar.seat, expert: target.expert, start: by ? new Date(start + by * 60_000).toISOString().replace(".000Z", "Z") : bar.event.period!.start_time });
    },
    [rows],
  );
  const goal = drag && (Math.abs(drag.dx) > 5 || Math.abs(drag.dy) > 5) ? landing(drag) : null;
  const goalName = goal && (choices.find((one) => one.expert === goal.expert)?.name ?? "");
  return (
    <>
      <div className="filters">
        <Input.Search allowClear placeholder={t("experts.search")} aria-label={t("experts.search")} style={{ width: 180 }} onChange={(event) => setText(event.target.value)} />
        <Select value={role} onChange={(value) => setQuery({ role: value || null })} aria-label={t("role")} style={{ width: 120 }} options={["", ...ROLES].map((one) => ({ value: one, label: one ? word("role", one) : t("role.all") }))} />
        <Select allowClear showSearch={{ optionFilterProp: "label" }} value={where || undefined} placeholder={t("district.all")} aria-label={t("district")} style={{ width: 140 }} onChange={(value) => setQuery({ district: value ?? null })} options={districts.map((one) => ({ value: one, label: district(one) }))} />
        <Select value={order} onChange={(value) => setQuery({ order: value === "load" ? null : value })} aria-label={t("order")} style={{ width: 158 }} options={(["load", "travel", "name"] as const).map((one) => ({ value: one, label: t(`order.${one}`) }))} />
        <Segmented value={zoom} onChange={(value) => setQuery({ zoom: value === "all" ? null : value })} options={(["all", "week", "day"] as const).map((one) => ({ value: one, label: t(`zoom.${one}`) }))} />
        <Checkbox checked={idle} onChange={(event) => setQuery({ idle: event.target.checked ? "" : null })}>
          {t("timeline.idle")}
        </Checkbox>
        <span className="quiet">{t("experts.count", { count: rows.length })}</span>
        <span className="legend">
          {GROUPS.map((one) => (
            <span key={one}>
              <i className={`group-${one}`} />
              {word("group", one)}
            </span>
          ))}
          <span>
            <i className="travel-key" />
            {t("travel")}
          </span>
          <span>
            <i className="night-key" />
            {t("night")}
          </span>
        </span>
      </div>
      <div className="gantt" ref={box} tabIndex={0} role="region" aria-label={t("tab.timeline")} onKeyDown={(event) => event.key === "Escape" && setTip(null)} onScroll={(event) => (setTip(null), setView((before) => ({ ...before, top: event.currentTarget?.scrollTop ?? box.current!.scrollTop })))}>
        <div className="gantt-inner" style={{ width: names + days * dayWidth, height: HEAD + Math.max(rows.length, 4) * ROW }}>
          <div className="gantt-head" style={{ height: HEAD }}>
            <div className="gantt-corner" style={{ width: names }}>
              {t("expert")}
              {dayWidth <= 52 && <span className="gantt-month">{monthName(`${first}T04:00:00Z`)}</span>}
            </div>
            {Array.from({ length: days }, (_, index) => {
              const day = addDays(first, index);
              const known = calendar.data?.[index];
              const count = perDay.get(day) ?? 0;
              const noon = `${day}T04:00:00Z`;
              return (
                <div key={day} className={`gantt-day ${isOff(known) ? "off" : ""} ${day === today ? "today" : ""}`} style={{ width: dayWidth }} title={[dayLong(noon), known?.name, t("events.count", { count })].filter(Boolean).join(" · ")}>
                  <b>{dayWidth > 52 ? dayMonth(noon) : day.endsWith("-01") ? monthName(noon) : Number(day.slice(8))}</b>
                  <span>{dayWidth > 52 ? weekday(noon) : either(weekday(noon).slice(-1), weekday(noon).slice(0, 2))}</span>
                  <i style={{ height: count && 2 + (10 * count) / busiest }} />
                </div>
              );
            })}
          </div>
          <div className="gantt-grid" style={{ left: names, top: HEAD, height: Math.max(rows.length, 4) * ROW }}>
            {Array.from({ length: days }, (_, index) => {
              return <i key={index} className={isOff(calendar.data?.[index]) ? "off" : ""} style={{ left: index * dayWidth, width: dayWidth }} />;
            })}
            {dayNow >= 0 && dayNow < days && <b className="gantt-now" style={{ left: at(dayWidth, dayNow, minuteOfDay(now().toISOString())) }} />}
          </div>
          {rows.length === 0 && <Nothing title={t("timeline.none")} />}
          {rows.slice(from, until).map((row, index) => (
            <TimelineRow
              key={row.expert}
              row={row}
              index={from + index}
              dayWidth={dayWidth}
              names={names}
              target={goal?.expert === row.expert}
              drag={drag && drag.row === from + index ? drag : null}
              begin={begin}
              move={move}
              drop={drop}
              open={open}
              choose={setChoice}
              nudge={nudge}
              tell={tell}
              district={district}
            />
          ))}
          {choice && (
            <Dropdown
              open
              autoFocus
              trigger={["click"]}
              onOpenChange={() => setChoice(null)}
              menu={{
                items: choice.spot.bars.map((bar, index) => ({ key: String(index), label: `${clock(bar.event.period!.start_time)} ${bar.event.venue_display_name} · ${bar.event.title}` })),
                onClick: ({ key }) => open(choice.spot.bars[Number(key)]!, choice.row),
              }}
            >
              <span className="gantt-anchor" style={{ left: names + choice.spot.left, top: HEAD + choice.index * ROW, width: choice.spot.width, height: ROW }} />
            </Dropdown>
          )}
        </div>
      </div>
      {tip && !drag && !moving && !choice && <TipCard tip={tip} stay={() => clearTimeout(leaving.current)} leave={() => setTip(null)} />}
      {goal && (
        <div className="drag-note" role="status">
          {goalName} · {dayLong(goal.start)} {clock(goal.start)}
        </div>
      )}
      <p className="fine">{t("timeline.note")}</p>
      {moving && <Move moved={moving} round={round} planId={planId} experts={choices} titles={titles} who={who} change={setMoving} onClose={() => setMoving(null)} />}
    </>
  );
}

const at = (dayWidth: number, day: number, minute: number) => (day + Math.min(1, Math.max(0, (minute - FIRST_MIN) / (LAST_MIN - FIRST_MIN)))) * dayWidth;

type Tip = { bars: Bar[]; place: DOMRect };

/** What is pointed at, beside it: Escape takes it away, and the pointer may rest on it. */
function TipCard({ tip, stay, leave }: { tip: Tip; stay: () => void; leave: () => void }) {
  const { district } = useNames();
  const { place } = tip;
  const under = place.bottom < innerHeight - 190;
  return (
    <div
      className="gantt-tip"
      role="tooltip"
      style={{ left: Math.max(8, Math.min(place.left, innerWidth - 308)), ...(under ? { top: place.bottom } : { bottom: innerHeight - place.top }) }}
      onMouseEnter={stay}
      onMouseLeave={leave}
    >
      {tip.bars.slice(0, TIP_BARS).map((bar) => (
        <section key={`${bar.event.request} ${bar.seat}`} className={`group-${bar.event.group}`}>
          <b>
            {dayLong(bar.event.period!.start_time)} {clock(bar.event.period!.start_time)}–{clock(bar.event.period!.end_time)}
          </b>
          <strong>{bar.event.venue_display_name}</strong>
          <span>{bar.event.title}</span>
          <small>
            {[district(bar.event.district), word("group", bar.event.group), bar.remote ? t("remote") : `${t("travel")} ${minutes(bar.travel)}`, bar.night && t("night.there")].filter(Boolean).join(" · ")}
          </small>
        </section>
      ))}
      {tip.bars.length > TIP_BARS && <small>{t("and.more", { count: tip.bars.length - TIP_BARS })}</small>}
    </div>
  );
}

type RowProps = {
  row: Row;
  index: number;
  dayWidth: number;
  names: number;
  target: boolean;
  drag: Drag | null;
  begin: (bar: Bar, row: number, event: PointerEvent<HTMLElement>) => void;
  move: (event: PointerEvent<HTMLElement>) => void;
  drop: (event: PointerEvent<HTMLElement>) => void;
  open: (bar: Bar, row: Row) => void;
  choose: (choice: Choice) => void;
  nudge: (bar: Bar, row: number, event: KeyboardEvent) => void;
  tell: (tip: Tip | null) => void;
  district: (node: string) => string;
};

const TimelineRow = memo(function TimelineRow({ row, index, dayWidth, names, target, drag, begin, move, drop, open, choose, nudge, tell, district }: RowProps) {
  const dragged = useRef(false);
  const spots = spotsOf(row.bars, dayWidth);
  const named = (bar: Bar) => `${clock(bar.event.period!.start_time)} ${bar.event.venue_display_name} ${bar.event.title}`;
  return (
    <div className={`gantt-row ${target ? "target" : ""} ${drag ? "lifted" : ""}`} style={{ top: HEAD + index * ROW, height: ROW }}>
      <button className="gantt-name" style={{ width: names, height: ROW - 1 }} onClick={() => setQuery({ tab: "map", expert: row.expert }, true)} title={`${row.name} · ${word("role", row.role)} · ${t("travel")} ${minutes(row.travel)}`}>
        <span>{row.name}</span>
        <small>{row.bars.length || t("timeline.free")}</small>
      </button>
      {row.bars.map((bar) => {
        const left = at(dayWidth, bar.day, bar.start);
        const off = at(dayWidth, bar.day, bar.start - bar.travel);
        return (
          <span key={`${bar.event.request} ${bar.seat}`}>
            {bar.travel > 0 && <i className="gantt-travel" style={{ left: names + off, width: Math.max(2, left - off) }} />}
            {bar.night && <i className="gantt-night" style={{ left: names + (bar.day + 1) * dayWidth - 8 }} title={t("night.there")} />}
          </span>
        );
      })}
      {spots.map((spot, place) => {
        const first = spot.bars[0]!;
        const many = spot.bars.length > 1;
        const free = (spots[place + 1] ? at(dayWidth, spots[place + 1]!.bars[0]!.day, spots[place + 1]!.bars[0]!.start - spots[place + 1]!.bars[0]!.travel) : Infinity) - spot.left - spot.width;
        const lifted = drag && spot.bars.includes(drag.bar) ? drag : null;
        return (
          <button
            key={`${first.event.request} ${first.seat}`}
            className={`gantt-visit ${many ? "many" : ""} ${lifted ? "lifted" : ""}`}
            style={{ left: names + spot.left, width: spot.width }}
            onMouseEnter={(event) => tell({ bars: spot.bars, place: event.currentTarget.getBoundingClientRect() })}
            onMouseLeave={() => tell(null)}
            onFocus={(event) => event.currentTarget.matches(":focus-visible") && tell({ bars: spot.bars, place: event.currentTarget.getBoundingClientRect() })}
            onBlur={() => tell(null)}
            aria-label={`${row.name} ${dayMonth(first.event.period!.start_time)} ${spot.bars.map(named).join(", ")}`}
            aria-haspopup={many ? "menu" : undefined}
            onClick={() => !dragged.current && (many ? choose({ spot, row, index }) : open(first, row))}
            onKeyDown={(event) => {
              dragged.current = false;
              if (!many) nudge(first, index, event);
            }}
            onPointerDown={(event) => {
              dragged.current = false;
              begin(nearest(spot, spot.left + event.clientX - event.currentTarget.getBoundingClientRect().left, dayWidth), index, event);
            }}
            onPointerMove={(event) => {
              if (!lifted) return;
              if (Math.abs(event.clientX - lifted.x) > 5 || Math.abs(event.clientY - lifted.y) > 5) dragged.current = true;
              move(event);
            }}
            onPointerUp={(event) => lifted && drop(event)}
            onPointerCancel={(event) => lifted && drop(event)}
          >
            {spot.bars.map((bar) => {
              const left = at(dayWidth, bar.day, bar.start);
              const moved = lifted?.bar === bar ? lifted : null;
              const width = Math.max(8, at(dayWidth, bar.day, bar.end) - left);
              return (
                <span
                  key={`${bar.event.request} ${bar.seat}`}
                  className={`gantt-bar group-${bar.event.group} ${bar.remote ? "remote" : ""} ${moved ? "dragged" : ""}`}
                  style={{ left: left - spot.left, width, transform: moved ? `translate(${moved.dx}px, ${moved.dy}px)` : undefined }}
                >
                  {width >= LABEL && (dayWidth > 300 ? bar.event.venue_display_name : district(bar.event.district))}
                </span>
              );
            })}
            {dayWidth > 110 && !many && !lifted && free > BESIDE && at(dayWidth, first.day, first.end) - at(dayWidth, first.day, first.start) < LABEL && (
              <span className="gantt-beside" style={{ left: Math.max(8, at(dayWidth, first.day, first.end) - spot.left) + 4 }}>
                {district(first.event.district)}
              </span>
            )}
          </button>
        );
      })}
    </div>
  );
});
