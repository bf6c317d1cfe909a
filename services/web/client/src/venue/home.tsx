// What needs me now, what comes next, and everything I asked for.
import { useMemo, useState } from "react";
import type { View } from "../shared/api";
import { Glyph } from "../shared/glyph";
import { type Key, either, inChinese, t, word } from "../shared/language";
import { setQuery, usePlace } from "../shared/router";
import { clock, dayLong, daysBetween, localDay, moment, now } from "../shared/time";
import { type EventShown, type Events, type Requests, type Venue, between, useKept, usePaged, useReference, useTitle, useVenues } from "./data";
import { drafts, isSeen } from "./drafts";
import type { Request } from "./fields";
import { useOutbox } from "./outbox";
import { Bones, Card, Link, More, Wrong, useOnline } from "./parts";
import { mayEndorse, useWho } from "./who";

const FILTERS: Record<string, readonly View<"RequestShown">["state"][]> = {
  open: ["DRAFT", "SUBMITTED", "ENDORSED", "IN_ROUND", "UNSERVED"],
  planned: ["SCHEDULED"],
  done: ["WITHDRAWN", "CANCELLED"],
};
const TONES: Record<string, string> = { DRAFT: "slate", SUBMITTED: "amber", ENDORSED: "blue", IN_ROUND: "violet", SCHEDULED: "green", UNSERVED: "red", WITHDRAWN: "slate", CANCELLED: "slate" };
const PAGE = 30;
const FEW = 5;
const SOON_DAYS = 7;
const PAST_DAYS = 60;
const AHEAD_DAYS = 400;

export const StateOf = ({ state, event }: { state: string; event?: EventShown }) =>
  event?.state === "DELIVERED" ? <span className="state slate">{t("step.delivered")}</span> : <span className={`state ${TONES[state] ?? "slate"}`}>{word("request", state)}</span>;
export const pathOf = (name: string) => `/app/${name}`;

type Need = { key: string; to: string; tone: string; glyph: Parameters<typeof Glyph>[0]["name"]; what: string; title: string; when: string };
type NameOf = (venue: string) => string;

const startOf = (event: EventShown) => (event.period ? `${dayLong(event.period.start_time)} ${clock(event.period.start_time)}` : "");
const joined = (...parts: (string | false | undefined)[]) => parts.filter(Boolean).join(" · ");

/** Which half-days a request leaves open, in a few words. */
function choiceOf({ windows }: Request): string {
  const first = windows[0];
  if (!first) return "";
  const day = dayLong(first.start_time);
  return windows.length === 1 ? day : t("home.windows", { count: windows.length, day });
}

function needsOf(requests: readonly Request[], events: readonly EventShown[], endorses: boolean, today: string, nameOf: NameOf): Need[] {
  const needs: (Need & { rank: number })[] = [];
  const add = (rank: number, to: string, tone: string, glyph: Need["glyph"], what: string, title: string, when = "") =>
    needs.push({ key: `${to}${what}`, rank, to, tone, glyph, what, title, when });
  for (const event of events) {
    const to = pathOf(event.request);
    const day = localDay(event.period?.start_time ?? "");
    const when = joined(startOf(event), nameOf(event.venue));
    if (event.state === "PUBLISHED" && day <= today) add(0, to, "green", "check", t(day === today ? "need.checkin" : "need.checkin.past"), event.title, when);
    else if (event.state === "PUBLISHED" && !event.confirmed) add(2, to, "amber", "calendar", t("need.confirm"), event.title, when);
    else if (event.state === "DELIVERED" && !event.rating) add(4, to, "violet", "star", t("need.rate"), event.title, when);
  }
  for (const request of requests) {
    const to = pathOf(request.name);
    const asked = joined(choiceOf(request), nameOf(request.venue));
    if (request.state === "DRAFT") add(1, to, "amber", "warning", t(request.reason ? "need.returned" : "need.submit"), request.title, request.reason || asked);
    else if (request.state === "SUBMITTED" && endorses) add(3, to, "blue", "requests", t("need.endorse"), request.title, asked);
    else if (request.state === "UNSERVED" && !isSeen(request)) add(5, to, "red", "warning", t("need.unserved"), request.title, asked);
  }
  return needs.sort((one, other) => one.rank - other.rank);
}

export function Home() {
  const who = useWho();
  const online = useOnline();
  const { query } = usePlace();
  const filter = query.get("show") ?? "";
  const text = query.get("text") ?? "";
  const list = usePaged<Requests>("requests", { state: FILTERS[filter] as string[] | undefined, text, page_size: PAGE });
  const waiting = useKept<Requests>("requests", { state: ["DRAFT", "SUBMITTED", "UNSERVED"], page_size: 50 });
  const coming = useKept<Events>("events", { state: ["PUBLISHED"], ...between(-PAST_DAYS, AHEAD_DAYS), page_size: 100 });
  const held = useKept<Events>("events", { state: ["DELIVERED"], ...between(-PAST_DAYS, 1), page_size: 100 });
  const venues = useVenues();
  const today = localDay(now());
  const places = venues.data?.venues;
  // who has one venue need not read its name everywhere
  const nameOf: NameOf = useMemo(() => {
    const names = new Map(places?.map((one: Venue) => [one.name, one.display_name]));
    return (venue) => (names.size > 1 ? (names.get(venue) ?? "") : "");
  }, [places]);
  const events = coming.data && held.data ? [...coming.data.events, ...held.data.events] : undefined;
  const failed = waiting.error ?? coming.error ?? held.error;
  const needs = waiting.data && events && (venues.data || venues.error) ? needsOf(waiting.data.requests as Request[], events, mayEndorse(who), today, nameOf) : undefined;
  const next = coming.data?.events.find((one) => localDay(one.period?.start_time ?? "") >= today);
  const rows = list.data?.pages.flatMap((page) => page.requests) as Request[] | undefined;
  const byRequest = new Map(events?.map((one) => [one.request, one]));
  const untouched = !filter && !text;
  // the list stands below what needs her: shown once the height of that is known, so that nothing jumps
  const settled = (needs !== undefined || failed !== null) && (rows !== undefined || list.error !== null);
  return (
    <>
      <header className="hero">
        <div>
          <h1>{t("home.hello", { name: either(who.zh, who.en) })}</h1>
          {!online && list.dataUpdatedAt > 0 && <p className="quiet">{t("app.copy", { time: moment(new Date(list.dataUpdatedAt)) })}</p>}
          <Sample />
        </div>
        <Link to="/app/new" className="big">
          <Glyph name="plus" size={22} /> {t("app.new")}
        </Link>
      </header>
      <Unfinished />
      <Needs needs={settled ? needs : undefined} more={Boolean(waiting.data?.next_page_token || coming.data?.next_page_token || held.data?.next_page_token)} failed={failed} again={() => void Promise.all([waiting.refetch(), coming.refetch(), held.refetch()])} />
      {settled && next && <Next event={next} today={today} />}
      {settled && (
      <section className="list" aria-labelledby="all">
        <header>
          <h2 id="all">{t("home.all")}</h2>
          {(!untouched || (rows && rows.length > FEW)) && <input type="search" aria-label={t("home.search")} placeholder={t("home.search")} defaultValue={text} maxLength={40} onChange={(event) => setQuery({ text: event.target.value || null })} />}
        </header>
        {(!untouched || (rows && rows.length > 0)) && (
          <div className="chips" role="group" aria-label={t("state")}>
            {["", "open", "planned", "done"].map((one) => (
              <button key={one} type="button" aria-pressed={one === filter} onClick={() => setQuery({ show: one || null })}>
                {t((one ? `filter.${one}` : "all") as Key)}
              </button>
            ))}
          </div>
        )}
        {list.error && !rows && <Wrong error={list.error} again={() => void list.refetch()} />}
        {rows && !rows.length && (untouched ? <Empty /> : <p className="empty">{t("home.none")}</p>)}
        {rows && rows.length > 0 && (
          <ul className="rows">
            {rows.map((request) => (
              <Row key={request.name} request={request} event={byRequest.get(request.name)} place={nameOf(request.venue)} />
            ))}
          </ul>
        )}
        <More list={list} />
      </section>
      )}
    </>
  );
}

/** Says on a demonstration that it is one. */
export function Sample() {
  return useWho().zh.includes(inChinese("app.sample.mark")) ? <p className="quiet">{t("app.sample")}</p> : null;
}

/** `more`: there are more than were looked at. */
function Needs({ needs, more, failed, again }: { needs?: Need[]; more: boolean; failed: Error | null; again: () => void }) {
  const [whole, setWhole] = useState(false);
  const titled = useTitle();
  if (!needs) return <Card title={t("home.now")}>{failed ? <Wrong error={failed} again={again} /> : <Bones rows={2} />}</Card>;
  const shown = whole ? needs : needs.slice(0, 3);
  return (
    <Card title={t("home.now")} aside={needs.length > 0 && <span className="quiet">{t("home.count", { count: `${needs.length}${more ? "+" : ""}` })}</span>}>
      {!needs.length && (
        <p className="fine">
          <Glyph name="check" size={18} /> {t("home.nothing")}
        </p>
      )}
      <ul className="needs">
        {shown.map((need) => (
          <li key={need.key}>
            <Link to={need.to} className={`need ${need.tone}`}>
              <Glyph name={need.glyph} size={20} />
              <span>
                <b>{need.what}</b>
                <span>{titled(need.title)}</span>
                {need.when && <small>{need.when}</small>}
              </span>
              <Glyph name="next" size={18} />
            </Link>
          </li>
        ))}
      </ul>
      {needs.length > shown.length && (
        <button type="button" className="wide" onClick={() => setWhole(true)}>
          {t(more ? "home.needs.first" : "home.needs.all", { count: needs.length })}
        </button>
      )}
    </Card>
  );
}

function Next({ event, today }: { event: EventShown; today: string }) {
  const titled = useTitle();
  const start = event.period?.start_time ?? "";
  const days = daysBetween(today, localDay(start));
  return (
    <Card title={t("home.next")} className="next">
      <Link to={pathOf(event.request)} className="ticket">
        <time dateTime={start}>
          <b>{dayLong(start)}</b>
          <span>{clock(start)}</span>
        </time>
        <span>
          <b>{titled(event.title)}</b>
          <span>{event.team.map((one) => one.display_name).join(" · ")}</span>
        </span>
        <em>{days === 0 ? t("need.today") : days === 1 ? t("need.tomorrow") : days <= SOON_DAYS ? t("need.soon", { days }) : ""}</em>
      </Link>
    </Card>
  );
}

/** When it is, or when it may be; an event of long ago is found by opening its request. */
function Row({ request, event, place }: { request: Request; event?: EventShown; place: string }) {
  const titled = useTitle();
  const when = event ? startOf(event) : request.state === "SCHEDULED" ? "" : choiceOf(request);
  return (
    <li>
      <Link to={pathOf(request.name)} className="row">
        <span>
          <b>{titled(request.title)}</b>
          <span className="quiet">{joined(when, t("people", { count: request.audience_size }), request.by_proxy && t("proxy"))}</span>
          {place && <span className="quiet">{place}</span>}
        </span>
        <StateOf state={request.state} event={event} />
      </Link>
    </li>
  );
}

function Unfinished() {
  const { data } = useReference();
  const { jobs } = useOutbox();
  const [whole, setWhole] = useState(false);
  const kept = drafts().filter((draft) => (draft.fields.topic || draft.fields.windows.length) && !jobs.some((job) => job.draft === draft.id));
  if (!kept.length) return null;
  return (
    <Card title={t("home.draft")}>
      <ul className="rows">
        {(whole ? kept : kept.slice(0, FEW)).map((draft) => {
          const topic = data?.topics.find((one) => one.id === draft.fields.topic);
          return (
            <li key={draft.id}>
              <Link to={`/app/new?draft=${draft.id}`} className="row">
                <span>
                  <b>{topic ? either(topic.zh, topic.en) : t("home.draft.untitled")}</b>
                  <span className="quiet">{t("home.draft.kept", { time: moment(new Date(draft.at)) })}</span>
                </span>
                <Glyph name="next" size={18} />
              </Link>
            </li>
          );
        })}
      </ul>
      {!whole && kept.length > FEW && (
        <button type="button" className="wide" onClick={() => setWhole(true)}>
          {t("home.needs.all", { count: kept.length })}
        </button>
      )}
    </Card>
  );
}

function Empty() {
  return (
    <div className="empty">
      <p>
        <b>{t("home.empty")}</b>
      </p>
      <p>{t("home.empty.note")}</p>
      <Link to="/app/new" className="big">
        {t("app.new")}
      </Link>
    </div>
  );
}
