// The instant answer: computed by the services while one writes, never guessed on the phone.
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useEffect, useMemo, useState } from "react";
import { Refused, type View, ask } from "../shared/api";
import { Glyph } from "../shared/glyph";
import { type Key, either, t } from "../shared/language";
import { dayLong, dayMonth, minuteOfDay, weekday } from "../shared/time";
import { type Fields, type Period, halfKey } from "./fields";
import { type Outlook, plannedBy, roundText } from "./halfdays";

export type Answer = View<"AnswerNow">;
const SETTLE_MS = 250;
const OFFERED = 3;
const NOTHING_MORE: readonly Period[] = [];

/** A value once it has stood still for a moment. */
function useSettled<T>(value: T): T {
  const [settled, setSettled] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(value), SETTLE_MS);
    return () => clearTimeout(timer);
  }, [value]);
  return settled;
}

export type Instant = {
  chance: number | null;
  best: Answer["asked"][number] | null;
  better: Answer["better"];
  eligible: number;
  /** The chance if remote were accepted, where that is better. */
  remote: number | null;
  answer: Answer | undefined;
  outlook: Outlook | null;
  waiting: boolean;
  away: boolean;
  /** Nothing could be worked out, for whatever reason but the network. */
  failed: boolean;
  /** Something written, and not only missing, is against a rule. */
  refused: boolean;
};

function useAnswer(fields: Fields, look: readonly Period[], enabled: boolean) {
  const settled = useSettled(fields);
  const asked = { request: { ...settled, notes: "", host: "", host_phone: "" }, look };
  return useQuery({
    queryKey: ["answer", asked],
    queryFn: ({ signal }) => ask<Answer>("requests:answer", asked, signal),
    placeholderData: keepPreviousData,
    staleTime: 30_000,
    enabled: enabled && Boolean(settled.venue),
  });
}

/** What can be said now of the request as it is written, and of every half-day ahead. */
export function useInstant(fields: Fields, look: readonly Period[]): Instant {
  const here = useAnswer(fields, look, true);
  const onSite = fields.mode === "ON_SITE";
  const elsewhere = useAnswer({ ...fields, mode: "EITHER" }, NOTHING_MORE, onSite && fields.windows.length > 0 && Boolean(fields.topic));
  const answer = here.data;
  const outlook: Outlook | null = useMemo(
    () => (answer && fields.topic && answer.looked.length ? new Map(answer.looked.map((one) => [halfKey(one.window), { free: one.free, chance: one.chance }])) : null),
    [answer, fields.topic],
  );
  const chance = fields.windows.length && fields.topic ? (answer?.chance ?? null) : null;
  const best = answer?.asked.reduce<Answer["asked"][number] | null>((top, one) => (!top || one.free > top.free ? one : top), null) ?? null;
  const ready = answer?.ready_time ? Date.parse(answer.ready_time) : 0;
  const remote = onSite && chance !== null && elsewhere.data?.chance && elsewhere.data.chance > chance ? elsewhere.data.chance : null;
  return {
    chance,
    best,
    better: answer?.better.filter((one) => Date.parse(one.window.end_time) - fields.duration_min * 60_000 >= ready).slice(0, OFFERED) ?? [],
    eligible: answer?.eligible ?? 0,
    remote,
    answer,
    outlook,
    waiting: here.isFetching,
    away: here.error instanceof Refused && here.error.status === 0,
    failed: here.error !== null,
    refused: answer?.findings.some((one) => one.severity === "REFUSED" && !answer.missing.includes(one.field)) ?? false,
  };
}

export const halfOf = (period: Period) => `${dayLong(period.start_time)} ${t(minuteOfDay(period.start_time) < 720 ? "half.MORNING" : "half.AFTERNOON")}`;

export const shortHalf = (period: Period) => `${dayMonth(period.start_time)} ${weekday(period.start_time)} ${t(minuteOfDay(period.start_time) < 720 ? "half.MORNING" : "half.AFTERNOON")}`;

const level = (chance: number): { key: Key; tone: string } =>
  chance >= 60 ? { key: "answer.high", tone: "green" } : chance >= 25 ? { key: "answer.fair", tone: "blue" } : chance > 0 ? { key: "answer.low", tone: "amber" } : { key: "answer.zero", tone: "red" };

export function Chance({ instant }: { instant: Instant }) {
  if (instant.away) return <p className="chance none">{t("answer.away")}</p>;
  if (instant.chance === null && instant.failed) return <p className="chance none">{t("answer.failed")}</p>;
  if (instant.chance === null) return <p className="chance none">{instant.waiting ? t("answer.wait") : t("answer.start")}</p>;
  const { key, tone } = level(instant.chance);
  return (
    <p className={`chance ${tone}`} aria-live="polite" data-settled={!instant.waiting}>
      <meter min={0} max={100} value={instant.chance} aria-label={t("answer.chance", { chance: instant.chance })} />
      <b>{t(key)}</b> <span>{t("answer.chance", { chance: instant.chance })}</span>
    </p>
  );
}

export function AnswerDetails({ instant, onAdd, onRemote }: { instant: Instant; onAdd: (period: Period) => void; onRemote: () => void }) {
  const check = instant.answer;
  const round = plannedBy(check?.next_round);
  const findings = check?.findings.filter((one) => !check.missing.includes(one.field)) ?? []; // that something is missing is said once
  return (
    <div className="answer">
      {instant.chance !== null && (
        <ul className="told">
          <li>
            <Glyph name="person" size={18} /> {t("answer.people", { count: instant.eligible })}
          </li>
          {instant.best && instant.best.free > 0 && (
            <li>
              <Glyph name="calendar" size={18} /> {t("answer.best", { when: halfOf(instant.best.window), count: instant.best.free })}
            </li>
          )}
        </ul>
      )}
      {instant.better.length > 0 && instant.chance !== null && (
        <>
          <h3>{t("answer.raise")}</h3>
          <ul className="better">
            {instant.better.map((one) => (
              <li key={one.window.start_time}>
                <button type="button" onClick={() => onAdd(one.window)}>
                  <Glyph name="plus" size={16} /> {halfOf(one.window)} <em>{one.chance}%</em>
                </button>
              </li>
            ))}
          </ul>
        </>
      )}
      {instant.remote !== null && (
        <button type="button" className="wide" onClick={onRemote}>
          {t("answer.remote", { chance: instant.remote })}
        </button>
      )}
      {check && (
        <ul className="told">
          <li>
            <Glyph name="check" size={18} />
            {check.visits_left < 0 ? t("answer.cap.free") : check.visits_left ? t("answer.cap", { count: check.visits_left }) : t("answer.cap.none")}
          </li>
          {check.ready_time && (
            <li>
              <Glyph name="clock" size={18} /> {t("answer.lead", { day: dayLong(check.ready_time) })}
            </li>
          )}
          {check.missing.every((one) => one === "windows") && (
            <li>
              <Glyph name="rounds" size={18} /> {round ? roundText(round) : t("answer.round.none")}
            </li>
          )}
          <li>
            <Glyph name="requests" size={18} /> {t(check.endorse_automatically ? "answer.endorse.auto" : "answer.endorse.hand")}
          </li>
        </ul>
      )}
      {findings.length > 0 && (
        <ul className="findings">
          {findings.map((one) => (
            <li key={one.field + one.code} className={one.severity === "REFUSED" ? "bad" : "warn"}>
              <Glyph name="warning" size={16} /> {either(one.message, one.message_en)}
            </li>
          ))}
        </ul>
      )}
      {instant.chance !== null && <p className="quiet small">{t("answer.estimate")}</p>}
    </div>
  );
}
