// One request: where it stands, who comes or why nobody does, and what one may do now.
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { type ReactNode, useEffect, useState } from "react";
import { type View, get, newKey, send } from "../shared/api";
import { Glyph } from "../shared/glyph";
import { type Key, either, language, t, word } from "../shared/language";
import { go } from "../shared/router";
import { clock, dayShort, localDay, minutes, moment, now, range } from "../shared/time";
import { halfOf } from "./answer";
import { type EventShown, type Venue, useKept, useReference, useTitle, useVenues } from "./data";
import { keepDraft, markSeen, newDraft } from "./drafts";
import { type Request, again, fieldsOf, isRepaired, repaired } from "./fields";
import { placeFacts } from "../shared/place";
import { ExpertName } from "./filing";
import { StateOf } from "./home";
import { submit } from "./outbox";
import { Bones, Card, Counter, Facts, Field, Link, Sheet, Wrong, say } from "./parts";
import { ended, mayEndorse, useWho } from "./who";

type Answer = View<"RequestAnswer">;
type EventAnswer = View<"EventAnswer">;
const EDITABLE = ["DRAFT", "SUBMITTED", "ENDORSED", "UNSERVED"];
const ARRIVE_EARLY_MIN = 20;

export default function RequestPage({ id }: { id: string }) {
  const found = useKept<Answer>(`requests/${id}`, {}, { refetchInterval: 20_000 });
  const request = found.data?.request as Request | undefined;
  const event = useKept<EventAnswer>(request?.event ?? "", {}, { enabled: Boolean(request?.event), refetchInterval: 20_000 });
  if (!request)
    return found.error ? (
      <>
        <Link to="/app" className="round" label={t("app.back")}>
          <Glyph name="back" size={20} />
        </Link>
        <Wrong error={found.error} again={() => void found.refetch()} />
      </>
    ) : (
      <Bones rows={5} />
    );
  return <Shown request={request} event={request.event ? event.data?.event : undefined} failed={event.error} fresh={found.isFetchedAfterMount} />;
}

function useAct() {
  const queries = useQueryClient();
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<Error | null>(null);
  const act = async (what: () => Promise<unknown>, said?: Key) => {
    setBusy(true);
    setError(null);
    try {
      await what();
      await queries.invalidateQueries();
      if (said) say(t(said));
      return true;
    } catch (failed) {
      ended(failed);
      setError(failed as Error);
      return false;
    } finally {
      setBusy(false);
    }
  };
  return { busy, error, act };
}

/** `fresh`: asked the services since it was opened; until then it can be read and not acted on, for it may be of yesterday. */
function Shown({ request, event, failed, fresh }: { request: Request; event?: EventShown; failed: Error | null; fresh: boolean }) {
  const who = useWho();
  const history = useKept<View<"History">>(`${request.name}/history`);
  const venues = useVenues();
  const titled = useTitle();
  const venue = venues.data?.venues.find((one) => one.name === request.venue);
  const returned = request.state === "DRAFT" && request.reason;
  const begun = event?.period && localDay(event.period.start_time) <= localDay(now());
  return (
    <article className="request" inert={!fresh} aria-busy={!fresh}>
      <header className="top">
        <Link to="/app" className="round" label={t("app.back")}>
          <Glyph name="back" size={20} />
        </Link>
        <div>
          <h1>{titled(request.title)}</h1>
          <p className="quiet">
            {venue?.display_name} {request.by_proxy && <span className="state violet">{t("proxy.yes")}</span>}
          </p>
        </div>
        <StateOf state={request.state} event={event} />
      </header>
      <div className="columns">
        <div>
          <Steps request={request} event={event} entries={history.data?.entries ?? []} />
          {event && event.state === "PUBLISHED" && !event.confirmed && !begun && <Confirm event={event} request={request} />}
          {event && event.state === "PUBLISHED" && begun && <CheckIn event={event} />}
          {event && event.state === "DELIVERED" && <Rate event={event} />}
          {request.event && !event && (failed ? <Wrong error={failed} /> : <Bones />)}
          {event && <Team event={event} />}
          {request.state === "UNSERVED" && <WhyNot request={request} />}
          {mayEndorse(who) && request.state === "SUBMITTED" && <Endorse request={request} />}
          {returned && (
            <Card title={t("need.returned")} className="alert">
              <p>{request.reason}</p>
            </Card>
          )}
        </div>
        <div>
          <Actions request={request} event={event} />
          <Content request={request} venue={venue} />
          <Log entries={history.data?.entries} subject={`sample-${who.id}`} />
        </div>
      </div>
    </article>
  );
}

type Entry = View<"HistoryEntry">;

function Steps({ request, event, entries }: { request: Request; event?: EventShown; entries: readonly Entry[] }) {
  const at = (...what: string[]) => entries.filter((one) => what.includes(one.what)).at(-1)?.time ?? null;
  const rank = { DRAFT: 0, SUBMITTED: 1, ENDORSED: 2, IN_ROUND: 3, UNSERVED: 3, SCHEDULED: 4, WITHDRAWN: 0, CANCELLED: 4 }[request.state || "DRAFT"] ?? 0;
  const delivered = event?.state === "DELIVERED";
  const done = delivered ? 5 : rank;
  const unserved = request.state === "UNSERVED";
  // what is still to come is not written as if it had been
  const all: { key: Key; until: Key; time: string | null }[] = [
    { key: "step.filed", until: "step.file", time: at("SUBMITTED", "FILED") },
    { key: "step.endorsed", until: "step.endorse", time: at("ENDORSED") },
    { key: "step.round", until: "step.wait", time: at("FROZEN") },
    { key: unserved ? "step.unserved" : "step.planned", until: unserved ? "step.unserved" : "step.plan", time: at("SCHEDULED", "UNSERVED") },
    { key: "step.delivered", until: "step.deliver", time: event?.period?.start_time ?? null },
  ];
  const steps = all.map((step, index) => ({ ...step, key: index < done ? step.key : step.until }));
  const over = request.state === "WITHDRAWN" || request.state === "CANCELLED";
  const said = request.state === "DRAFT" && request.reason ? "say.RETURNED" : (`say.${request.state}` as Key);
  return (
    <section className={`steps${request.state === "UNSERVED" ? " bad" : ""}`} aria-label={t("state")}>
      {!over && (
        <ol>
          {steps.map((step, index) => (
            <li key={step.key} className={index < done ? "done" : index === done ? "here" : ""} aria-current={index === Math.min(done, 4) ? "step" : undefined}>
              <span>{t(step.key)}</span>
              <small>{(index < done || step.key === "step.unserved" || step.key === "step.deliver") && step.time ? <>{dayShort(step.time)}<span>{clock(step.time)}</span></> : "\u00a0"}</small>
            </li>
          ))}
        </ol>
      )}
      {!delivered && <p>{t(said)}</p>}
      {request.state === "CANCELLED" && event?.cancel_reason && <p>{event.cancel_reason}</p>}
      {request.state === "WITHDRAWN" && request.reason && <p>{request.reason}</p>}
    </section>
  );
}

function Confirm({ event, request }: { event: EventShown; request: Request }) {
  const { busy, error, act } = useAct();
  const [choosing, setChoosing] = useState(false);
  const [reason, setReason] = useState("");
  const [key] = useState(newKey);
  const changed = event.version > 1;
  return (
    <Card title={t(changed ? "need.changed" : "need.confirm")} className="do">
      {changed && <p>{t("event.changed")}</p>}
      {error && !choosing && <Wrong error={error} />}
      <div className="buttons">
        <button
          type="button"
          className="big"
          disabled={busy}
          onClick={() =>
            void act(async () => {
              const answer = await submit({ kind: "confirm", key: `confirm-${key.slice(0, 20)}`, title: event.title, path: `${event.name}:confirm`, body: {} });
              say(t(answer ? "event.confirm.done" : "outbox.saved"));
            })
          }
        >
          <Glyph name="check" size={20} /> {t("event.confirm")}
        </button>
        <button type="button" className="plain" onClick={() => setChoosing(true)}>
          {t("event.cannot")}
        </button>
      </div>
      {choosing && (
        <Sheet title={t("event.choice")} onClose={() => setChoosing(false)}>
          <div className="stack">
            <button type="button" className="pick" onClick={() => go(`/app/${request.name}/change`)}>
              <b>{t("event.choice.new")}</b>
              <Glyph name="next" size={18} />
            </button>
            {request.mode === "ON_SITE" && (
              <button
                type="button"
                className="pick"
                disabled={busy}
                onClick={() =>
                  void act(() => send(`${request.name}:askChange`, { request: { ...fieldsOf(request), mode: "EITHER" }, fields: ["mode"], reason: t("event.choice.remote") }), "change.waiting").then(() => setChoosing(false))
                }
              >
                <b>{t("event.choice.remote")}</b>
                <Glyph name="next" size={18} />
              </button>
            )}
            <Field label={t("event.cancel.why")} value={reason} onChange={setReason} />
            <button type="button" className="big bad" disabled={busy || !reason.trim()} onClick={() => void act(() => send(`${event.name}:cancel`, { reason, etag: event.etag })).then((good) => good && setChoosing(false))}>
              {t("event.choice.cancel")}
            </button>
            {error && <Wrong error={error} />}
          </div>
        </Sheet>
      )}
    </Card>
  );
}

function Team({ event }: { event: EventShown }) {
  const start = event.period?.start_time ?? "";
  const arrive = start ? clock(new Date(Date.parse(start) - ARRIVE_EARLY_MIN * 60_000)) : "";
  const standing = event.state === "PUBLISHED";
  return (
    <Card title={t("team.title")} aside={event.confirmed && standing ? <span className="state green">{t("event.confirmed")}</span> : undefined}>
      <p className="when">
        <Glyph name="calendar" size={20} />
        <b>{range(event.period)}</b>
      </p>
      <ul className="team">
        {event.team.map((one) => (
          <li key={one.assignment}>
            <i className={`face ${one.role.toLowerCase()}`} aria-hidden="true">
              {one.display_name.replace(/^.*·/, "").slice(0, 1)}
            </i>
            <div>
              <b>{one.display_name}</b>
              <span className="quiet">
                {word("role", one.role)} · {t(one.seat === 0 ? "team.lead" : "team.helper")}
              </span>
              {one.talk_title && <span>{t("team.talk", { title: one.talk_title, version: one.talk_version })}</span>}
              {standing && <span className="quiet">{t(one.remote ? "team.arrive.remote" : "team.arrive", { time: one.remote ? clock(start) : arrive })}</span>}
              {standing && <Contact expert={one.expert} />}
            </div>
          </li>
        ))}
      </ul>
      {standing && (
        <div className="buttons">
          <a className="plain" href={`/api/${event.name}/calendar.ics?language=${language()}`} download>
            <Glyph name="calendar" size={18} /> {t("event.calendar")}
          </a>
          <a className="plain" href={`/api/${event.name}/sheet.pdf?language=${language()}`} download>
            <Glyph name="print" size={18} /> {t("event.sheet")}
          </a>
        </div>
      )}
    </Card>
  );
}

function Contact({ expert }: { expert: string }) {
  const [asked, setAsked] = useState(false);
  const found = useQuery({ queryKey: ["contact", expert], queryFn: () => get<View<"Contact">>(`${expert}/contact`), enabled: asked, gcTime: 0 });
  if (found.data) {
    return found.data.phone ? (
      <a className="plain small" href={`tel:${found.data.phone}`}>
        <Glyph name="phone" size={16} /> {t("team.call", { phone: found.data.phone })}
      </a>
    ) : (
      <a className="plain small" href={`mailto:${found.data.email}`}>
        {found.data.email}
      </a>
    );
  }
  return (
    <>
      <button type="button" className="link start" disabled={found.isFetching} onClick={() => (asked ? void found.refetch() : setAsked(true))}>
        {t("team.contact")}
      </button>
      {found.error && <Wrong error={found.error} />}
    </>
  );
}

function CheckIn({ event }: { event: EventShown }) {
  const [code, setCode] = useState("");
  const [count, setCount] = useState(0);
  const [key] = useState(newKey);
  const { busy, error, act } = useAct();
  const right = /^[0-9]{6}$/.test(code);
  return (
    <Card title={t("checkin.title")} className="do">
      <p>{t("checkin.note")}</p>
      <form
        className="stack"
        onSubmit={(done) => {
          done.preventDefault();
          void act(async () => {
            const body = { check_in_code: code, audience_counted: count };
            const answer = await submit({ kind: "deliver", key: `deliver-${key.slice(0, 12)}-${code}-${count}`, title: event.title, path: `${event.name}:deliver`, body });
            say(answer ? t("checkin.done", { count }) : t("outbox.saved"));
          });
        }}
      >
        <div className="field code">
          <label htmlFor="code">{t("checkin.code")}</label>
          <input id="code" inputMode="numeric" autoComplete="one-time-code" maxLength={6} value={code} onChange={(typed) => setCode(typed.target.value.replace(/\D/g, ""))} aria-describedby="code-said" />
          <small id="code-said">{t("checkin.wrong")}</small>
        </div>
        <Counter label={t("checkin.count")} value={count} min={0} max={100_000} step={5} less={t("file.size.less")} more={t("file.size.more")} onChange={setCount} />
        {error && <Wrong error={error} />}
        <button type="submit" className="big" disabled={busy || !right}>
          {t("checkin.send")}
        </button>
      </form>
    </Card>
  );
}

const QUESTIONS = ["content", "clarity", "organisation"] as const;

function Rate({ event }: { event: EventShown }) {
  const [answers, setAnswers] = useState<Record<string, number>>({});
  const [comment, setComment] = useState("");
  const [key] = useState(newKey);
  const { busy, error, act } = useAct();
  if (event.rating)
    return (
      <Card title={t("rate.done")}>
        <p>{t("checkin.done", { count: event.audience_counted })}</p>
        <ul className="told">
          {QUESTIONS.map((one) => (
            <li key={one}>
              {t(`rate.${one}`)} <b>{t("rate.stars", { count: event.rating![one] })}</b>
            </li>
          ))}
        </ul>
      </Card>
    );
  return (
    <Card title={t("rate.title")} className="do">
      <form
        className="stack"
        onSubmit={(done) => {
          done.preventDefault();
          void act(async () => {
            const answer = await submit({ kind: "rate", key: `rate-${key.slice(0, 20)}`, title: event.title, path: `${event.name}:rate`, body: { ...answers, comment } });
            say(t(answer ? "rate.done" : "outbox.saved"));
          });
        }}
      >
        {QUESTIONS.map((one) => (
          <fieldset key={one} className="stars">
            <legend>{t(`rate.${one}`)}</legend>
            {[1, 2, 3, 4, 5].map((count) => (
              <label key={count} className={count <= (answers[one] ?? 0) ? "on" : undefined}>
                <input type="radio" name={one} checked={answers[one] === count} onChange={() => setAnswers({ ...answers, [one]: count })} aria-label={t("rate.stars", { count })} />
                <svg width="34" height="34" viewBox="0 0 24 24" aria-hidden="true">
                  <path d="M12 3.5l2.6 5.4 5.9.8-4.3 4.1 1 5.9-5.2-2.8-5.2 2.8 1-5.9L3.500 9.700l5.900-.8z" fill="currentColor" />
                </svg>
              </label>
            ))}
          </fieldset>
        ))}
        <Field label={t("rate.comment")} value={comment} onChange={setComment} long max={500} />
        {error && <Wrong error={error} />}
        <button type="submit" className="big" disabled={busy || QUESTIONS.some((one) => !answers[one])}>
          {t("rate.send")}
        </button>
      </form>
    </Card>
  );
}

type Outcome = View<"OutcomeShown">;

function WhyNot({ request }: { request: Request }) {
  const found = useKept<Outcome>(`${request.name}/outcome`, {}, { staleTime: 60_000 });
  const { busy, error, act } = useAct();
  const unserved = found.data?.unserved;
  const repair = unserved?.repair;
  const change = repair ? repaired(request, repair) : null;
  const taken = change !== null && isRepaired(request, change);
  useEffect(() => {
    if (found.data) markSeen(request);
  }, [found.data, request]);
  return (
    <>
      <Card title={t("why.title")} aside={unserved?.why_not && <span className="state red">{word("why", unserved.why_not)}</span>}>
        <p>{unserved ? either(unserved.message, unserved.message_en) : request.reason}</p>
        {!found.data && !found.error && <p className="quiet">{t("why.seeking")}</p>}
        {found.error && !found.data && <Wrong error={found.error} again={() => void found.refetch()} />}
      </Card>
      {found.data && (
        <Card title={t("why.repair")} className={repair ? "do" : ""} aside={repair && <span className="state green">{t("why.verified")}</span>}>
          <p>{repair ? either(repair.message, repair.message_en) : t("why.norepair")}</p>
          {error && <Wrong error={error} />}
          {taken ? (
            <p className="fine">
              <Glyph name="check" size={18} /> {t("why.accepted")}
            </p>
          ) : change ? (
            <button
              type="button"
              className="big"
              disabled={busy}
              onClick={() => void act(() => send(request.name, { request: { ...fieldsOf(request), ...change }, fields: Object.keys(change), etag: request.etag }, newKey(), "PATCH"), "why.accepted")}
            >
              <Glyph name="check" size={20} /> {t("why.accept")}
            </button>
          ) : (
            repair && <p className="quiet">{t("why.theirs")}</p>
          )}
        </Card>
      )}
      {found.data && (
        <Card title={t("queue.title")}>
          <ul className="told">
            {found.data.place > 0 && <li>{t("queue.place", { place: found.data.place, total: found.data.waiting })}</li>}
            <li>{t("queue.times", { count: request.times_unserved })}</li>
            <li>{found.data.debt > 0 ? t("queue.debt", { debt: found.data.debt }) : t("queue.debt.none")}</li>
          </ul>
        </Card>
      )}
    </>
  );
}

function Endorse({ request }: { request: Request }) {
  const { busy, error, act } = useAct();
  const [returning, setReturning] = useState(false);
  const [reason, setReason] = useState("");
  return (
    <Card title={t("need.endorse")} className="do">
      {error && <Wrong error={error} />}
      <div className="buttons">
        <button type="button" className="big" disabled={busy} onClick={() => void act(() => send(`${request.name}:endorse`, { etag: request.etag }), "head.endorsed")}>
          <Glyph name="check" size={20} /> {t("head.endorse")}
        </button>
        <button type="button" className="plain" onClick={() => setReturning(true)}>
          {t("head.return")}
        </button>
      </div>
      {returning && (
        <Sheet
          title={t("head.return")}
          onClose={() => setReturning(false)}
          foot={
            <button type="button" className="big" disabled={busy || !reason.trim()} onClick={() => void act(() => send(`${request.name}:return`, { reason, etag: request.etag }), "head.returned").then(() => go("/app"))}>
              {t("head.return")}
            </button>
          }
        >
          <Field label={t("head.return.why")} value={reason} example={t("return.example")} onChange={setReason} long />
        </Sheet>
      )}
    </Card>
  );
}

function Actions({ request, event }: { request: Request; event?: EventShown }) {
  const { busy, error, act } = useAct();
  const [withdrawing, setWithdrawing] = useState(false);
  const [reason, setReason] = useState("");
  const editable = EDITABLE.includes(request.state);
  const ended = event?.state === "DELIVERED" || ["WITHDRAWN", "CANCELLED"].includes(request.state);
  const changeable = request.state === "IN_ROUND" || (request.state === "SCHEDULED" && event?.state === "PUBLISHED");
  const asked = Boolean(request.change);
  if (!editable && !ended && !changeable) return null;
  const repeat = () => {
    const next = { ...again(request, nextTerm(now())), id: newDraft().id, at: Date.now() };
    keepDraft(next);
    go(`/app/new?draft=${next.id}`);
  };
  return (
    <Card>
      {asked && (
        <p className="fine">
          <Glyph name="clock" size={18} /> {t("change.waiting")}
        </p>
      )}
      <div className="buttons">
        {editable && (
          <Link to={`/app/${request.name}/edit`} className="plain">
            {t("request.change")}
          </Link>
        )}
        {changeable && !asked && (
          <Link to={`/app/${request.name}/change`} className="plain">
            {t("request.ask.change")}
          </Link>
        )}
        {editable && (
          <button type="button" className="plain bad" onClick={() => setWithdrawing(true)}>
            {t("request.withdraw")}
          </button>
        )}
        {ended && (
          <button type="button" className="big" onClick={repeat}>
            {t("request.again")}
          </button>
        )}
      </div>
      {ended && <p className="quiet small">{t("request.again.note")}</p>}
      {withdrawing && (
        <Sheet
          title={t("request.withdraw.sure")}
          onClose={() => setWithdrawing(false)}
          foot={
            <button type="button" className="big bad" disabled={busy} onClick={() => void act(() => send(`${request.name}:withdraw`, { reason, etag: request.etag })).then((good) => good && setWithdrawing(false))}>
              {t("request.withdraw")}
            </button>
          }
        >
          <p>{t("request.withdraw.note")}</p>
          <Field label={t("request.withdraw.why")} value={reason} onChange={setReason} />
          {error && <Wrong error={error} />}
        </Sheet>
      )}
    </Card>
  );
}

/** The first school day of the next term: spring after autumn, autumn after spring. */
function nextTerm(now: Date): string {
  const [year = 0, month = 1] = localDay(now).split("-").map(Number);
  return month >= 8 ? `${year + 1}-03-01` : month >= 3 ? `${year}-09-07` : `${year}-03-01`;
}

function Content({ request, venue }: { request: Request; venue?: Venue }) {
  const { data } = useReference();
  const topic = data?.topics.find((one) => one.id === request.topic);
  const rows: [string, ReactNode][] = [
    [t("audience"), `${word("group", request.group)} · ${word("level", request.level)} · ${t("people", { count: request.audience_size })}`],
    [t("topic"), topic ? either(topic.zh, topic.en) : request.topic],
    [t("file.form"), `${word("form", request.form)} · ${minutes(request.duration_min)}`],
    [t("named"), request.named_expert && <><ExpertName expert={request.named_expert} /> ({t(request.named_only ? "named.only" : "named.preferred")})</>],
    [t("request.windows"), <ul key="w">{request.windows.map((one) => <li key={one.start_time}>{halfOf(one)}</li>)}</ul>],
    [t("venue"), venue?.display_name],
    [t("mode"), word("mode", request.mode)],
    [t("seats"), request.seats.map((seat) => `${seat.roles.map((role) => word("role", role)).join("/") || t("role.any")} × ${Math.max(1, seat.count)}${seat.optional ? ` (${t("optional")})` : ""}`).join(", ")],
    [t("file.host"), [request.host, request.host_phone].filter(Boolean).join(" ")],
    ...placeFacts(request.notes),
  ];
  return (
    <Card title={t("request.what")}>
      <Facts rows={rows} />
    </Card>
  );
}

const LOG = 10;

function Log({ entries, subject }: { entries?: readonly Entry[]; subject: string }) {
  const [whole, setWhole] = useState(false);
  if (!entries?.length) return null;
  const latest = [...entries].reverse();
  const by = (one: Entry) => (one.by === subject ? t("log.you") : one.by === "scheduling" ? t("log.scheduling") : t("log.other"));
  return (
    <Card title={t("log.title")}>
      <ol className="log">
        {(whole ? latest : latest.slice(0, LOG)).map((one, index) => (
          <li key={index}>
            <time>{one.time ? moment(one.time) : ""}</time>
            <span>
              <b>{word("what", one.what)}</b> <span className="quiet">{by(one)}</span>
              {one.remark && one.what !== "UNSERVED" && <small>{one.remark === "by proxy" ? t("log.proxy") : one.remark}</small>}
            </span>
          </li>
        ))}
      </ol>
      {!whole && latest.length > LOG && (
        <button type="button" className="wide" onClick={() => setWhole(true)}>
          {t("home.needs.all", { count: latest.length })}
        </button>
      )}
    </Card>
  );
}
