// What needs me now, what comes next, and everything I asked for.
import { useInfiniteQuery } from "@tanstack/react-query";
import { useState } from "react";
import { type View, get } from "../shared/api";
import { Glyph } from "../shared/glyph";
import { type Key, t, word } from "../shared/language";
import { setQuery, usePlace } from "../shared/router";
import { clock, dayLong, daysBetween, localDay, moment } from "../shared/time";
import { type EventShown, type Events, type Requests, useKept, useReference, useTitle } from "./data";
import { copy, copyOf } from "./device";
import { drafts } from "./drafts";
import type { Request } from "./fields";
import { Bones, Card, Link, Wrong, useOnline } from "./parts";
import { mayEndorse, useWho } from "./who";
import { either } from "../shared/language";

const FILTERS: Record<string, readonly View<"RequestShown">["state"][]> = {
  open: ["DRAFT", "SUBMITTED", "ENDORSED", "IN_ROUND", "UNSERVED"],
  planned: ["SCHEDULED"],
  done: ["WITHDRAWN", "CANCELLED"],
};
const TONES: Record<string, string> = { DRAFT: "slate", SUBMITTED: "amber", ENDORSED: "blue", IN_ROUND: "violet", SCHEDULED: "green", UNSERVED: "red", WITHDRAWN: "slate", CANCELLED: "slate" };
const PAGE = 30;
const SOON_DAYS = 7;

export const StateOf = ({ state }: { state: string }) => <span className={`state ${TONES[state] ?? "slate"}`}>{word("request", state)}</span>;
export const pathOf = (name: string) => `/app/${name}`;

type Need = { key: string; to: string; tone: string; glyph: Parameters<typeof Glyph>[0]["name"]; what: string; title: string; when: string };

function needsOf(requests: readonly Request[], events: readonly EventShown[], endorses: boolean, today: string): Need[] {
  const needs: (Need & { rank: number })[] = [];
  const add = (rank: number, to: string, tone: string, glyph: Need["glyph"], what: string, title: string, when = "") =>
    needs.push({ key: `${to}${what}`, rank, to, tone, glyph, what, title, when });
  for (const event of events) {
    const to = pathOf(event.request);
    const day = localDay(event.period?.start_time ?? "");
    const when = event.period ? `${dayLong(event.period.start_time)} ${clock(event.period.start_time)}` : "";
    if (event.state === "PUBLISHED" && day <= today) add(0, to, "green", "check", t("need.checkin"), event.title, when);
    else if (event.state === "PUBLISHED" && !event.confirmed) add(2, to, "amber", "calendar", t("need.confirm"), event.title, when);
    else if (event.state === "DELIVERED" && !event.rating) add(4, to, "violet", "star", t("need.rate"), event.title, when);
  }
  for (const request of requests) {
    const to = pathOf(request.name);
    if (request.state === "DRAFT") add(1, to, "amber", "warning", t(request.reason ? "need.returned" : "need.submit"), request.title, request.reason);
    else if (request.state === "SUBMITTED" && endorses) add(3, to, "blue", "requests", t("need.endorse"), request.title);
    else if (request.state === "UNSERVED") add(5, to, "red", "warning", t("need.unserved"), request.title);
  }
  return needs.sort((one, other) => one.rank - other.rank);
}

export function Home() {
  const who = useWho();
  const online = useOnline();
  const { query } = usePlace();
  const filter = query.get("show") ?? "";
  const text = query.get("text") ?? "";
  const states = FILTERS[filter] as string[] | undefined;
  const asked = { state: states, text };
  const name = `home?${JSON.stringify(asked)}`;
  const before = copyOf<Requests>(name);
  const list = useInfiniteQuery({
    queryKey: ["requests", asked],
    initialPageParam: "",
    queryFn: async ({ pageParam, signal }) => {
      const page = await get<Requests>("requests", { ...asked, page_size: PAGE, page_token: pageParam }, signal);
      if (!pageParam) copy(name, page);
      return page;
    },
    getNextPageParam: (last) => last.next_page_token || undefined,
    initialData: before && { pages: [before.value], pageParams: [""] },
    initialDataUpdatedAt: before?.at,
    refetchOnMount: "always",
  });
  const waiting = useKept<Requests>("requests", { state: ["DRAFT", "SUBMITTED", "UNSERVED"], page_size: 50 });
  const events = useKept<Events>("events", { page_size: 200 });
  const today = localDay(new Date());
  const needs = waiting.data && events.data ? needsOf(waiting.data.requests as Request[], events.data.events, mayEndorse(who), today) : undefined;
  const next = events.data?.events.find((one) => one.state === "PUBLISHED" && localDay(one.period?.start_time ?? "") >= today);
  const rows = list.data?.pages.flatMap((page) => page.requests) as Request[] | undefined;
  const untouched = !filter && !text;
  // the list stands below what needs her: shown once the height of that is known, so that nothing jumps
  const settled = needs !== undefined || waiting.error !== null || events.error !== null;
  return (
    <>
      <header className="hero">
        <div>
          <h1>{t("home.hello", { name: either(who.zh, who.en) })}</h1>
          {!online && list.dataUpdatedAt > 0 && <p className="quiet">{t("app.copy", { time: moment(new Date(list.dataUpdatedAt)) })}</p>}
          <p className="quiet">{t("app.sample")}</p>
        </div>
        <Link to="/app/new" className="big">
          <Glyph name="plus" size={22} /> {t("app.new")}
        </Link>
      </header>
      <Unfinished />
      <Needs needs={needs} failed={waiting.error ?? events.error} again={() => void Promise.all([waiting.refetch(), events.refetch()])} />
      {next && <Next event={next} today={today} />}
      {settled && (
      <section className="list" aria-labelledby="all">
        <header>
          <h2 id="all">{t("home.all")}</h2>
          <input type="search" aria-label={t("home.search")} placeholder={t("home.search")} defaultValue={text} maxLength={40} onChange={(event) => setQuery({ text: event.target.value || null })} />
        </header>
        <div className="chips" role="group" aria-label={t("state")}>
          {["", "open", "planned", "done"].map((one) => (
            <button key={one} type="button" aria-pressed={one === filter} onClick={() => setQuery({ show: one || null })}>
              {t((one ? `filter.${one}` : "all") as Key)}
            </button>
          ))}
        </div>
        {list.error && !rows && <Wrong error={list.error} again={() => void list.refetch()} />}
        {!rows && !list.error && <Bones rows={4} />}
        {rows && !rows.length && (untouched ? <Empty /> : <p className="empty">{t("home.none")}</p>)}
        {rows && rows.length > 0 && (
          <ul className="rows">
            {rows.map((request) => (
              <Row key={request.name} request={request} />
            ))}
          </ul>
        )}
        {list.hasNextPage && (
          <button type="button" className="wide" disabled={list.isFetchingNextPage} onClick={() => void list.fetchNextPage()}>
            {t("load.more")}
          </button>
        )}
      </section>
      )}
    </>
  );
}

function Needs({ needs, failed, again }: { needs?: Need[]; failed: Error | null; again: () => void }) {
  const [whole, setWhole] = useState(false);
  const titled = useTitle();
  if (!needs) return <Card title={t("home.now")}>{failed ? <Wrong error={failed} again={again} /> : <Bones rows={2} />}</Card>;
  const shown = whole ? needs : needs.slice(0, 3);
  return (
    <Card title={t("home.now")} aside={needs.length > 0 && <span className="quiet">{t("home.count", { count: needs.length })}</span>}>
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
          {t("home.needs.all", { count: needs.length })}
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

function Row({ request }: { request: Request }) {
  const titled = useTitle();
  const first = request.windows[0];
  return (
    <li>
      <Link to={pathOf(request.name)} className="row">
        <span>
          <b>{titled(request.title)}</b>
          <span className="quiet">
            {word("group", request.group)} · {t("people", { count: request.audience_size })}
            {first && ` · ${dayLong(first.start_time)}`}
            {request.by_proxy && ` · ${t("proxy")}`}
          </span>
        </span>
        <StateOf state={request.state} />
      </Link>
    </li>
  );
}

function Unfinished() {
  const { data } = useReference();
  const kept = drafts().filter((draft) => draft.fields.topic || draft.fields.windows.length);
  if (!kept.length) return null;
  return (
    <Card title={t("home.draft")}>
      <ul className="rows">
        {kept.map((draft) => {
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
