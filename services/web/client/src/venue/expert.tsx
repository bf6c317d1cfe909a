// The side of those who serve: what they are asked, where they go, what they allow, what they have done.
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useEffect, useMemo, useState } from "react";
import { type View, newKey, send } from "../shared/api";
import { Glyph } from "../shared/glyph";
import { type Key, t } from "../shared/language";
import { addDays, dayLong, instant, localDay, minutes, moment, range } from "../shared/time";
import { type EventShown, type Events, useCalendar, useKept, useTitle } from "./data";
import { HALVES, type Period, halfDay } from "./fields";
import { HalfDays } from "./halfdays";
import { Bones, Card, Counter, Field, Sheet, Wrong, say } from "./parts";
import { useWho } from "./who";

type Assignment = View<"AssignmentShown">;
type Assignments = View<"AssignmentsShown">;
type Limits = View<"Limits">;
const REASONS: readonly Key[] = ["offer.why.time", "offer.why.far", "offer.why.health", "offer.why.topic"];
const AHEAD_DAYS = 60;

export function Offers() {
  const who = useWho();
  const offers = useKept<Assignments>("assignments", { expert: who.expert, state: ["OFFERED"], page_size: 50 }, { refetchInterval: 30_000 });
  const events = useKept<Events>("events", { expert: who.expert, page_size: 200 }, { refetchInterval: 30_000 });
  const today = localDay(new Date());
  const coming = events.data?.events.filter((one) => one.state === "PUBLISHED" && localDay(one.period?.end_time ?? "") >= today);
  return (
    <>
      <header className="hero">
        <div>
          <h1>{t("app.offers")}</h1>
          <p className="quiet">{t("app.sample")}</p>
        </div>
      </header>
      <Card title={t("offer.title")}>
        {!offers.data && (offers.error ? <Wrong error={offers.error} again={() => void offers.refetch()} /> : <Bones rows={2} />)}
        {offers.data && !offers.data.assignments.length && (
          <p className="fine">
            <Glyph name="check" size={18} /> {t("offer.none")}
          </p>
        )}
        <ul className="offers">
          {offers.data?.assignments.map((one) => (
            <Offer key={one.name} offer={one} />
          ))}
        </ul>
      </Card>
      <Card title={t("mine.title")}>
        {!coming && (events.error ? <Wrong error={events.error} again={() => void events.refetch()} /> : <Bones rows={3} />)}
        {coming && !coming.length && <p className="empty">{t("mine.none")}</p>}
        <ul className="offers">
          {coming?.map((one) => (
            <Going key={one.name} event={one} expert={who.expert} />
          ))}
        </ul>
      </Card>
    </>
  );
}

function Offer({ offer }: { offer: Assignment }) {
  const queries = useQueryClient();
  const titled = useTitle();
  const [declining, setDeclining] = useState(false);
  const [reason, setReason] = useState("");
  const [key] = useState(newKey);
  const answer = useMutation({
    mutationFn: (yes: boolean) => send(`${offer.name}:${yes ? "accept" : "decline"}`, yes ? {} : { reason }, `${yes ? "y" : "n"}-${key.slice(0, 30)}`),
    onSuccess: async (_, yes) => {
      say(t(yes ? "offer.accepted" : "offer.declined"));
      setDeclining(false);
      await queries.invalidateQueries();
    },
  });
  return (
    <li className="offer">
      <b>{titled(offer.title)}</b>
      <span>{range(offer.period)}</span>
      <VenueName venue={offer.venue} remote={offer.remote} />
      {offer.respond_by_time && <small className="quiet">{t("offer.by", { time: moment(offer.respond_by_time) })}</small>}
      {answer.error && <Wrong error={answer.error} />}
      <div className="buttons">
        <button type="button" className="big" disabled={answer.isPending} onClick={() => answer.mutate(true)}>
          <Glyph name="check" size={20} /> {t("offer.accept")}
        </button>
        <button type="button" className="plain" onClick={() => setDeclining(true)}>
          {t("offer.decline")}
        </button>
      </div>
      {declining && (
        <Sheet
          title={t("offer.why")}
          onClose={() => setDeclining(false)}
          foot={
            <button type="button" className="big" disabled={!reason.trim() || answer.isPending} onClick={() => answer.mutate(false)}>
              {t("offer.decline")}
            </button>
          }
        >
          <div className="chips" role="group" aria-label={t("offer.why")}>
            {REASONS.map((one) => (
              <button key={one} type="button" aria-pressed={reason === t(one)} onClick={() => setReason(t(one))}>
                {t(one)}
              </button>
            ))}
          </div>
          <Field label={t("offer.why")} value={reason} onChange={setReason} />
          {answer.error && <Wrong error={answer.error} />}
        </Sheet>
      )}
    </li>
  );
}

function VenueName({ venue, remote }: { venue: string; remote: boolean }) {
  const found = useKept<View<"VenueAnswer">>(venue);
  return (
    <span className="quiet">
      <Glyph name="place" size={16} /> {found.data?.venue.display_name ?? "…"} {remote && `· ${t("remote")}`}
    </span>
  );
}

function Going({ event, expert }: { event: EventShown; expert: string }) {
  const titled = useTitle();
  const [open, setOpen] = useState(false);
  const whole = useKept<View<"EventAnswer">>(event.name, {}, { enabled: open });
  const asked = useKept<View<"RequestAnswer">>(event.request, {}, { enabled: open });
  const mine = event.team.find((one) => one.expert === expert);
  const shown = whole.data?.event;
  const request = asked.data?.request;
  return (
    <li className="offer">
      <b>{titled(event.title)}</b>
      <span>{range(event.period)}</span>
      <VenueName venue={event.venue} remote={mine?.remote ?? false} />
      {mine?.talk_title && <span className="quiet">{t("team.talk", { title: mine.talk_title, version: mine.talk_version })}</span>}
      <div className="buttons">
        <button type="button" className="plain" aria-expanded={open} onClick={() => setOpen(!open)}>
          {t("mine.code")}
        </button>
        <a className="plain" href={`/api/${event.name}/calendar.ics`} download>
          {t("event.calendar")}
        </a>
      </div>
      {open && (
        <div className="code-shown">
          {whole.error && !shown && <Wrong error={whole.error} />}
          {shown && (
            <>
              <small>{t("mine.code.note")}</small>
              <output>{shown.check_in_code}</output>
            </>
          )}
          {request?.host && (
            <p>
              {t("mine.host")} {request.host} {request.host_phone && <a href={`tel:${request.host_phone}`}>{request.host_phone}</a>}
            </p>
          )}
        </div>
      )}
    </li>
  );
}

const NUMBERS: readonly { name: keyof Limits; label: Key; min: number; max: number; step: number }[] = [
  { name: "per_day", label: "limit.day", min: 1, max: 8, step: 1 },
  { name: "per_week", label: "limit.week", min: 1, max: 30, step: 1 },
  { name: "per_round", label: "limit.round", min: 1, max: 200, step: 1 },
  { name: "travel_min_per_day", label: "limit.travel", min: 0, max: 1440, step: 30 },
  { name: "nights_away", label: "limit.nights", min: 0, max: 14, step: 1 },
  { name: "rest_days_per_week", label: "limit.rest", min: 0, max: 6, step: 1 },
];

export function Limits() {
  const who = useWho();
  const queries = useQueryClient();
  const found = useKept<View<"ExpertAnswer">>(who.expert);
  const [limits, setLimits] = useState<Limits | null>(null);
  const stored = found.data?.expert.limits ?? null;
  useEffect(() => setLimits((mine) => mine ?? stored), [stored]);
  const save = useMutation({
    mutationFn: () => send(`${who.expert}/limits`, { limits, etag: found.data?.expert.etag }, newKey(), "PUT"),
    onSuccess: async () => {
      say(t("limits.saved"));
      await queries.invalidateQueries();
    },
  });
  return (
    <>
      <header className="hero">
        <div>
          <h1>{t("app.limits")}</h1>
          <p className="quiet">{t("limits.lead")}</p>
        </div>
      </header>
      <div className="columns">
        <div>
          <Free />
        </div>
        <div>
          <Card title={t("limits.title")}>
            {!limits && (found.error ? <Wrong error={found.error} again={() => void found.refetch()} /> : <Bones rows={6} />)}
            {limits && (
              <form
                className="stack"
                onSubmit={(event) => {
                  event.preventDefault();
                  save.mutate();
                }}
              >
                {NUMBERS.map((one) => (
                  <Counter key={one.name} label={t(one.label)} value={limits[one.name]} min={one.min} max={one.max} step={one.step} less={`${t(one.label)} −`} more={`${t(one.label)} +`} onChange={(value) => setLimits({ ...limits, [one.name]: value })} />
                ))}
                <p className="quiet small">
                  {t("limit.travel")}: {minutes(limits.travel_min_per_day)}
                </p>
                {save.error && <Wrong error={save.error} />}
                <button type="submit" className="big" disabled={save.isPending || JSON.stringify(limits) === JSON.stringify(stored)}>
                  {t("limits.save")}
                </button>
              </form>
            )}
          </Card>
        </div>
      </div>
    </>
  );
}

type Free = View<"FreeWindows">;

/** The windows once a half-day is taken out or put in; what lies across its edges is cut, not lost. */
export function toggled(windows: readonly Period[], half: Period): Period[] {
  const [start, end] = [Date.parse(half.start_time), Date.parse(half.end_time)];
  const meets = windows.some((one) => Date.parse(one.start_time) < end && start < Date.parse(one.end_time));
  if (!meets) return [...windows, half].sort((one, other) => Date.parse(one.start_time) - Date.parse(other.start_time));
  return windows.flatMap((one) => {
    const [from, to] = [Date.parse(one.start_time), Date.parse(one.end_time)];
    if (to <= start || end <= from) return [one];
    const left = from < start ? [{ start_time: one.start_time, end_time: half.start_time }] : [];
    const right = end < to ? [{ start_time: half.end_time, end_time: one.end_time }] : [];
    return [...left, ...right];
  });
}

function Free() {
  const who = useWho();
  const queries = useQueryClient();
  const today = useMemo(() => localDay(new Date()), []);
  const period = useMemo(() => ({ start_time: instant(today, "00:00"), end_time: instant(addDays(today, AHEAD_DAYS), "00:00") }), [today]);
  const found = useKept<Free>(`${who.expert}/availability`, period);
  const calendar = useCalendar(today, AHEAD_DAYS);
  const [mine, setMine] = useState<readonly Period[] | null>(null);
  const windows = mine ?? found.data?.windows ?? [];
  const free = useMemo(
    () =>
      Array.from({ length: AHEAD_DAYS }, (_, index) => addDays(today, index))
        .flatMap((day) => HALVES.map((half) => halfDay(day, half)))
        .filter((half) => windows.some((one) => Date.parse(one.start_time) < Date.parse(half.end_time) && Date.parse(half.start_time) < Date.parse(one.end_time))),
    [windows, today],
  );
  const save = useMutation({
    mutationFn: () => send(`${who.expert}/availability`, { period, windows }, newKey(), "PUT"),
    onSuccess: async () => {
      setMine(null);
      say(t("limits.saved"));
      await queries.invalidateQueries();
    },
  });
  return (
    <Card title={t("free.title")} aside={mine && <span className="state amber">{t("free.unsaved")}</span>}>
      <p className="quiet">{t("free.note")}</p>
      {!found.data && found.error && <Wrong error={found.error} again={() => void found.refetch()} />}
      {found.data && <HalfDays today={today} days={calendar.data ?? []} chosen={free} ready={null} outlook={null} school={false} onToggle={(half) => setMine(toggled(windows, half))} />}
      {!found.data && !found.error && <Bones rows={6} />}
      {save.error && <Wrong error={save.error} />}
      <button type="button" className="big" disabled={!mine || save.isPending} onClick={() => save.mutate()}>
        {t("limits.save")}
      </button>
    </Card>
  );
}

export function Served() {
  const who = useWho();
  const found = useKept<View<"ServiceRecords">>(`${who.expert}/records`);
  const titled = useTitle();
  const events = useKept<Events>("events", { expert: who.expert, page_size: 200 });
  const titles = new Map(events.data?.events.map((one) => [one.name, one.title]));
  const records = found.data?.records;
  const hours = records?.reduce((sum, one) => sum + one.minutes, 0) ?? 0;
  return (
    <>
      <header className="hero">
        <div>
          <h1>{t("record.title")}</h1>
          {records && records.length > 0 && <p className="quiet">{t("record.total", { count: records.length, hours: (hours / 60).toFixed(1) })}</p>}
        </div>
      </header>
      {!records && (found.error ? <Wrong error={found.error} again={() => void found.refetch()} /> : <Bones />)}
      {records && !records.length && <p className="empty">{t("record.none")}</p>}
      <ul className="rows">
        {records?.map((one) => (
          <li key={one.name} className="row">
            <span>
              <b>{titled(titles.get(one.event) ?? "") || (one.period ? dayLong(one.period.start_time) : one.event)}</b>
              <span className="quiet">{range(one.period)}</span>
            </span>
            <span className="state green">{minutes(one.minutes)}</span>
          </li>
        ))}
      </ul>
    </>
  );
}
