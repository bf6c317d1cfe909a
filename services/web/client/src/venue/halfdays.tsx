// A month of half-days: what kind of day it is, how many experts are free, and which ones suit.
import { useMemo, useState } from "react";
import { Glyph } from "../shared/glyph";
import type { View } from "../shared/api";
import { either, language, t } from "../shared/language";
import { addDays, dayLong, daysBetween, localDay } from "../shared/time";
import type { Day } from "./data";
import { HALVES, type Half, type Period, halfDay, halfKey, sameStart } from "./fields";

export type Outlook = ReadonlyMap<string, { free: number; chance: number }>;
const AHEAD_DAYS = 60;
const WEEK = 7;

/** The half-days one may look at: from today on, `AHEAD_DAYS` of them. */
export function lookAhead(today: string): Period[] {
  return Array.from({ length: AHEAD_DAYS }, (_, index) => addDays(today, index)).flatMap((day) => HALVES.map((half) => halfDay(day, half)));
}

export const AHEAD = AHEAD_DAYS;
const WEEKS = 4;
const monday = (day: string) => addDays(day, -((new Date(`${day}T00:00:00Z`).getUTCDay() + 6) % WEEK));

function named(day: string, options: Intl.DateTimeFormatOptions): string {
  return new Intl.DateTimeFormat(language() === "zh" ? "zh-CN" : "en-GB", { timeZone: "UTC", ...options }).format(new Date(`${day}T00:00:00Z`));
}

/** The months that some weeks lie in, and their year; two years where they differ. */
function spanName(first: string, last: string): string {
  const long = { year: "numeric", month: "long" } as const;
  if (first.slice(0, 7) === last.slice(0, 7)) return named(last, long);
  if (first.slice(0, 4) !== last.slice(0, 4)) return `${named(first, long)} – ${named(last, long)}`;
  return language() === "zh" ? `${named(first, long)} – ${named(last, { month: "numeric" })}` : `${named(first, { month: "long" })} – ${named(last, long)}`;
}

const weekdayNames = () =>
  Array.from({ length: WEEK }, (_, index) => new Intl.DateTimeFormat(language() === "zh" ? "zh-CN" : "en-GB", { weekday: "narrow", timeZone: "UTC" }).format(new Date(Date.UTC(2026, 0, 5 + index))));

export type Planned = { title: string; first: string; last: string };

/** The next round's name and its days, the last one included; null where none is open. */
export function plannedBy(round: View<"NextRound"> | null | undefined): Planned | null {
  if (!round?.horizon?.end_date) return null;
  return { title: round.title, first: round.horizon.start_date, last: addDays(round.horizon.end_date, -1) };
}

/** The round in a sentence, for the calendar and for the answer. */
export const roundText = (round: Planned) => t("half.round", { title: round.title, first: dayLong(`${round.first}T04:00:00Z`), last: dayLong(`${round.last}T04:00:00Z`) });

export function HalfDays({ today, days, chosen, ready, outlook, school, round = null, opensAtChoice = false, onToggle }: {
  today: string;
  days: readonly Day[];
  chosen: readonly Period[];
  /** The earliest start that leaves the lead time. */
  ready: string | null;
  outlook: Outlook | null;
  school: boolean;
  /** The round that a request would run in. */
  round?: Planned | null;
  /** Shows the first chosen half-day first; else today. */
  opensAtChoice?: boolean;
  onToggle: (period: Period) => void;
}) {
  const start = monday(today);
  const pages = Math.ceil((daysBetween(start, today) + AHEAD_DAYS) / (WEEKS * WEEK));
  const pageOf = (day: string) => Math.min(pages - 1, Math.max(0, Math.floor(daysBetween(start, day) / (WEEKS * WEEK))));
  const freeDays = useMemo(() => (outlook ? [...outlook].filter(([, one]) => one.free > 0).map(([key]) => key.slice(0, 10)) : chosen.map((one) => localDay(one.start_time))).sort(), [outlook, chosen]);
  // opens where somebody is free, and stays where it has been turned to
  const [turned, setPage] = useState<number | null>(null);
  const opensAt = opensAtChoice ? (chosen[0] ? localDay(chosen[0].start_time) : (freeDays[0] ?? today)) : today;
  const page = turned ?? pageOf(opensAt);
  const byDay = useMemo(() => new Map(days.map((day) => [day.day, day])), [days]);
  const last = addDays(today, AHEAD_DAYS - 1);
  const weeks = useMemo(() => {
    const first = addDays(start, page * WEEKS * WEEK);
    return Array.from({ length: WEEKS }, (_, week) => Array.from({ length: WEEK }, (_, index) => addDays(first, week * WEEK + index)));
  }, [start, page]);
  const most = useMemo(() => Math.max(1, ...(outlook ? [...outlook.values()].map((one) => one.free) : [1])), [outlook]);
  const shown = new Set(weeks.flat());
  const later = freeDays.some((day) => shown.has(day)) ? undefined : freeDays.find((day) => day > weeks[WEEKS - 1]![WEEK - 1]!);
  const skipped = outlook && turned === null && page > 0 && !chosen.length ? freeDays[0] : undefined;
  const toggle = (period: Period) => {
    setPage(page);
    onToggle(period);
  };
  const provisional = weeks.flat().some((day) => byDay.get(day)?.status === "PROVISIONAL");
  return (
    <div className="halfdays">
      <div className="month">
        <button type="button" className="round" aria-label={t("half.month.before")} disabled={page === 0} onClick={() => setPage(page - 1)}>
          <Glyph name="back" size={18} />
        </button>
        <b aria-live="polite">{spanName(weeks[0]![0]!, weeks[WEEKS - 1]![WEEK - 1]!)}</b>
        <button type="button" className="round" aria-label={t("half.month.after")} disabled={page === pages - 1} onClick={() => setPage(page + 1)}>
          <Glyph name="next" size={18} />
        </button>
      </div>
      <div className="week head" aria-hidden="true">
        <i />
        {weekdayNames().map((name, index) => (
          <span key={index}>{name}</span>
        ))}
      </div>
      {weeks.map((week) => (
        <div className="week" key={week[0]}>
          <div className="gutter" aria-hidden="true">
            {HALVES.map((half) => (
              <span key={half}>{t(`half.${half}`)}</span>
            ))}
          </div>
          {week.map((day) => {
            const kind = byDay.get(day);
            const outside = day < today || day > last;
            if (outside) return <div key={day} className="day outside" aria-hidden="true" />;
            const off = kind?.kind === "DAY_OFF" || kind?.kind === "WEEKEND";
            const holidays = school && kind && !kind.term;
            const exam = school && kind ? either(kind.exam, kind.exam_en) : "";
            const planned = round !== null && round.first <= day && day <= round.last;
            return (
              <div key={day} className={`day${off || holidays ? " off" : ""}${planned ? " planned" : ""}${day === today ? " today" : ""}`}>
                <span className="date">
                  {day.endsWith("-01") ? <em>{named(day, language() === "zh" ? { month: "numeric", day: "numeric" } : { month: "short", day: "numeric" })}</em> : Number(day.slice(8))}
                  {kind?.kind === "DAY_OFF" && <i className="mark">{t("half.off")}</i>}
                  {kind?.kind === "MAKE_UP_WORKDAY" && <i className="mark work">{t("half.work")}</i>}
                  {exam && !off && <i className="mark exam" title={exam}>{t("half.exam")}</i>}
                </span>
                {HALVES.map((half) => (
                  <Cell key={half} day={day} half={half} kind={kind} holidays={Boolean(holidays)} exam={exam} planned={planned} chosen={chosen} ready={ready} outlook={outlook} most={most} onToggle={toggle} />
                ))}
              </div>
            );
          })}
        </div>
      ))}
      {later && (
        <button type="button" className="wide" onClick={() => setPage(pageOf(later))}>
          {t(outlook ? "half.first" : "free.first", { day: dayLong(`${later}T04:00:00Z`) })}
        </button>
      )}
      {skipped && <p className="quiet small">{t("half.skipped", { day: dayLong(`${skipped}T04:00:00Z`) })}</p>}
      {outlook && (
        <p className="legend">
          {[1, 2, 3, 4].map((heat) => (
            <i key={heat} className={`heat${heat}`} aria-hidden="true" />
          ))}
          <span>{t("half.legend")}</span>
        </p>
      )}
      {round && (
        <p className="legend coming">
          <i className="planned" /> <span>{roundText(round)}</span>
        </p>
      )}
      {provisional && <p className="quiet small">{t("half.provisional")}</p>}
      {school && [...shown].some((day) => byDay.get(day)?.exam) && <p className="quiet small">{t("half.exam.note")}</p>}
    </div>
  );
}

function Cell({ day, half, kind, holidays, exam, planned, chosen, ready, outlook, most, onToggle }: {
  day: string;
  half: Half;
  kind: Day | undefined;
  holidays: boolean;
  planned: boolean;
  exam: string;
  chosen: readonly Period[];
  ready: string | null;
  outlook: Outlook | null;
  most: number;
  onToggle: (period: Period) => void;
}) {
  const period = halfDay(day, half);
  const on = chosen.some((one) => sameStart(one, period));
  const early = ready !== null && Date.parse(period.end_time) <= Date.parse(ready);
  const look = outlook?.get(halfKey(period));
  const heat = look && !early ? (look.free ? Math.min(4, Math.ceil((4 * look.free) / most)) : 0) : -1;
  const said = [
    `${dayLong(period.start_time)} ${t(`half.${half}`)}`,
    kind?.name ?? "",
    holidays ? t("half.holiday") : "",
    exam ? t("half.exam.long", { name: exam }) : "",
    planned ? t("half.round.in") : "",
    early ? t("half.early") : look ? (look.free ? t("half.free", { count: look.free }) : t("half.nobody")) : "",
  ];
  return (
    <button type="button" className={`half${heat >= 0 ? ` heat${heat}` : ""}`} aria-pressed={on} aria-label={said.filter(Boolean).join(" · ")} title={said.filter(Boolean).slice(1).join(" · ")} disabled={early && !on} onClick={() => onToggle(period)}>
      {on ? <Glyph name="check" size={18} /> : look && !early ? look.free || "·" : ""}
    </button>
  );
}
