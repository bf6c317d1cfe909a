// The side of those who serve: what they are asked, where they go, what they allow, what they have done.
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { type ReactNode, useEffect, useId, useMemo, useState } from "react";
import { type View, all, newKey, send } from "../shared/api";
import { Glyph } from "../shared/glyph";
import { type Key, either, language, t, word } from "../shared/language";
import { addDays, instant, localDay, minutes, moment, now, range } from "../shared/time";
import { type EventShown, type Events, between, useCalendar, useKept, usePaged, useReference, useTitle } from "./data";
import { HALVES, type Period, halfDay } from "./fields";
import { facilitiesOf, placeOf } from "../shared/place";
import { HalfDays } from "./halfdays";
import { Sample } from "./home";
import { Bones, Card, Counter, Facts, Field, More, Sheet, Wrong, say, useShown } from "./parts";
import { useWho } from "./who";

type Assignment = View<"AssignmentShown">;
type Assignments = View<"AssignmentsShown">;
type Limits = View<"Limits">;
type ServiceRecord = View<"ServiceRecord">;
const REASONS: readonly Key[] = ["offer.why.time", "offer.why.far", "offer.why.health", "offer.why.topic"];
const AHEAD_DAYS = 60;
const PAGE = 20;
const YEAR_DAYS = 400;
const OFTEN_MS = 30_000;

export function Offers() {
  const who = useWho();
  const offers = usePaged<Assignments>("assignments", { expert: who.expert, state: ["OFFERED"], page_size: PAGE }, OFTEN_MS);
  const events = usePaged<Events>("events", { expert: who.expert, state: ["PUBLISHED"], ...between(0, YEAR_DAYS), page_size: PAGE }, OFTEN_MS);
  const asked = offers.data?.pages.flatMap((page) => page.assignments);
  const coming = events.data?.pages.flatMap((page) => page.events);
  return (
    <>
      <header className="hero">
        <div>
          <h1>{t("app.offers")}</h1>
          <Sample />
        </div>
      </header>
      <Card title={t("offer.title")}>
        {!asked && (offers.error ? <Wrong error={offers.error} again={() => void offers.refetch()} /> : <Bones rows={2} />)}
        {asked && !asked.length && (
          <p className="fine">
            <Glyph name="check" size={18} /> {t("offer.none")}
          </p>
        )}
        <ul className="offers">
          {asked?.map((one) => (
            <Offer key={one.name} offer={one} />
          ))}
        </ul>
        <More list={offers} />
      </Card>
      <Card title={t("mine.title")}>
        {!coming && (events.error ? <Wrong error={events.error} again={() => void events.refetch()} /> : <Bones rows={3} />)}
        {coming && !coming.length && <p className="empty">{t("mine.none")}</p>}
        <ul className="offers">
          {coming?.map((one) => (
            <Going key={one.name} event={one} expert={who.expert} />
          ))}
        </ul>
        <More list={events} />
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
        <a className="plain" href={`/api/${event.name}/calendar.ics?language=${language()}`} download>
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
        </div>
      )}
      {open && request && <Place request={request} venue={event.venue} />}
    </li>
  );
}

/** Where to go and who receives, as the venue wrote it for the team. */
function Place({ request, venue }: { request: View<"RequestShown">; venue: string }) {
  const found = useKept<View<"VenueAnswer">>(venue);
  const topics = useReference().data?.topics;
  const { room, access, equipment, rest } = placeOf(request.notes);
  const point = found.data?.venue.point;
  const topic = topics?.find((one) => one.id === request.topic);
  const rows: [string, ReactNode][] = [
    [t("audience"), `${word("group", request.group)} · ${word("level", request.level)} · ${t("people", { count: request.audience_size })}`],
    [t("topic"), topic && either(topic.zh, topic.en)],
    [t("mine.host"), request.host && <>{request.host} {request.host_phone && <a href={`tel:${request.host_phone}`}>{request.host_phone}</a>}</>],
    [t("file.room"), room],
    [t("file.access"), [access, found.data?.venue.access_notes].filter(Boolean).join("; ")],
    [t("file.equipment"), facilitiesOf(equipment)],
    [t("notes"), rest],
  ];
  return (
    <>
      <Facts rows={rows} />
      {point && (
        <a className="plain" href={`https://uri.amap.com/marker?${new URLSearchParams({ position: `${point.longitude},${point.latitude}`, name: found.data!.venue.display_name, coordinate: "wgs84" })}`} target="_blank" rel="noreferrer">
          <Glyph name="place" size={18} /> {t("mine.map")}
        </a>
      )}
    </>
  );
}

const NUMBERS: readonly { name: keyof Limits; label: Key; unit: Key; min: number; max: number; step: number }[] = [
  { name: "per_day", label: "limit.day", unit: "unit.times", min: 1, max: 8, step: 1 },
  { name: "per_week", label: "limit.week", unit: "unit.times", min: 1, max: 30, step: 1 },
  { name: "per_round", label: "limit.round", unit: "unit.times", min: 1, max: 200, step: 1 },
  { name: "travel_min_per_day", label: "limit.travel", unit: "unit.minutes", min: 0, max: 1440, step: 30 },
  { name: "nights_away", label: "limit.nights", unit: "unit.nights", min: 0, max: 14, step: 1 },
  { name: "rest_days_per_week", label: "limit.rest", unit: "unit.days", min: 0, max: 6, step: 1 },
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
                  <Counter key={one.name} label={t(one.label)} unit={one.name === "travel_min_per_day" && limits[one.name] >= 60 ? `${t(one.unit)} (${minutes(limits[one.name])})` : t(one.unit)} value={limits[one.name]} min={one.min} max={one.max} step={one.step} less={`${t(one.label)} −`} more={`${t(one.label)} +`} onChange={(value) => setLimits({ ...limits, [one.name]: value })} />
                ))}
                <Clock label={t("limit.earliest")} value={limits.earliest_min} onChange={(earliest_min) => setLimits({ ...limits, earliest_min })} />
                <Clock label={t("limit.latest")} value={limits.latest_min} onChange={(latest_min) => setLimits({ ...limits, latest_min })} />
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

const DAY_MIN = 1440;

/** A time of day in minutes since midnight; its last minute stands for the midnight after it. */
function Clock({ label, value, onChange }: { label: string; value: number; onChange: (minute: number) => void }) {
  const id = useId();
  const shown = Math.min(value, DAY_MIN - 1);
  const two = (count: number) => String(count).padStart(2, "0");
  return (
    <div className="counter clock">
      <label htmlFor={id}>{label}</label>
      <input
        id={id}
        type="time"
        required
        value={`${two(Math.floor(shown / 60))}:${two(shown % 60)}`}
        onChange={(event) => {
          const [hour, minute] = event.target.value.split(":").map(Number);
          if (hour === undefined || minute === undefined) return;
          const typed = hour * 60 + minute;
          onChange(typed === DAY_MIN - 1 ? DAY_MIN : typed);
        }}
      />
    </div>
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
  const today = useMemo(() => localDay(now()), []);
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

const RECORDS = 500;
const RECORD_PAGES_MAX = 20;

export function Served() {
  const who = useWho();
  const path = `${who.expert}/records`;
  // all of them, for the sum is of all; a page of them is shown
  const found = useKept<ServiceRecord[]>(path, {}, { queryFn: () => all<ServiceRecord, "records">(path, "records", { page_size: RECORDS }, RECORD_PAGES_MAX) });
  const titled = useTitle();
  const records = found.data;
  const [shown, rest] = useShown(records, PAGE);
  const [latest, earliest] = [shown?.[0]?.period, shown?.at(-1)?.period];
  const events = useKept<Events>("events", { expert: who.expert, state: ["DELIVERED"], start_time: earliest?.start_time, end_time: latest?.end_time, page_size: RECORDS }, { enabled: Boolean(earliest && latest) });
  const titles = new Map(events.data?.events.map((one) => [one.name, one.title]));
  const hours = records?.reduce((sum, one) => sum + one.minutes, 0) ?? 0;
  return (
    <>
      <header className="hero">
        <div>
          <h1>{t("record.title")}</h1>
          {records && records.length > 0 && <p className="quiet">{t("record.total", { count: records.length, hours: (hours / 60).toFixed(1).replace(/\.0$/, "") })}</p>}
        </div>
      </header>
      {!records && (found.error ? <Wrong error={found.error} again={() => void found.refetch()} /> : <Bones />)}
      {records && !records.length && <p className="empty">{t("record.none")}</p>}
      {shown && shown.length > 0 && (
        <ul className="rows">
          {shown.map((one) => (
            <li key={one.name} className="row">
              <span>
                <b>{titled(titles.get(one.event) ?? "") || t("record.event")}</b>
                <span className="quiet">{range(one.period)}</span>
              </span>
              <span className="state green">{minutes(one.minutes)}</span>
            </li>
          ))}
        </ul>
      )}
      <More list={rest} />
    </>
  );
}
