// One page to ask on: who, what, when, where, how many; the answer stays in sight, and every stroke is kept.
import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useMemo, useState } from "react";
import { Refused, type View, newKey, send } from "../shared/api";
import { Glyph } from "../shared/glyph";
import { type Key, either, inChinese, language, t, word } from "../shared/language";
import { go, setQuery, usePlace } from "../shared/router";
import { localDay, now } from "../shared/time";
import { AnswerDetails, Chance, halfOf, shortHalf, useInstant } from "./answer";
import { LONG_MS, type Venue, useCalendar, useKept, useReference, useVenues } from "./data";
import { type Edit, draftOf, dropDraft, dropEdit, editOf, habitOf, keepDraft, keepEdit, keepHabit, lastVenue, newDraft, watchDraft } from "./drafts";
import { type Draft, type Fields, type Request, WINDOWS_MAX, WINDOWS_WANTED, changed, fieldsOf, helpersOf, isPhone, toggleWindow, withHabit, withHelpers, withTopic } from "./fields";
import { type Place, notesOf, placeOf } from "../shared/place";
import { AHEAD, HalfDays, lookAhead, plannedBy } from "./halfdays";
import { submit } from "./outbox";
import { Bones, Card, Check, Choices, Counter, Field, Link, Sheet, Wrong, say, useOnline } from "./parts";
import { ended, isOver } from "./who";
import { ExpertSheet, TalkSheet, TopicSheet, VenueSheet, speaker } from "./pick";

type Answer = View<"RequestAnswer">;
const GROUPS = ["YOUTH", "FARMERS", "WORKERS", "ELDERLY", "OFFICIALS"] as const;
const FORMS = ["LECTURE", "REPORT", "CONSULTATION", "AGRICULTURAL_EXTENSION"] as const;
const BANDS = ["PRIMARY", "JUNIOR", "SENIOR", "ADULT"] as const;
const MODES = ["ON_SITE", "EITHER", "REMOTE"] as const;
const LENGTHS = ["40", "60", "90", "120"] as const;
const EQUIPMENT = ["projector", "network", "microphone"] as const;

/** A new request, or, with `id`, one that is edited or (`change`) asked to be changed. */
export default function Filing({ id, change = false }: { id?: string; change?: boolean }) {
  const { query } = usePlace();
  const stored = useKept<Answer>(`requests/${id ?? ""}`, {}, { enabled: Boolean(id) });
  const [fresh] = useState(() => draftOf(query.get("draft") ?? "") ?? newDraft());
  const venues = useVenues();
  const online = useOnline();
  // shown whole at once: what follows from the venue would push everything down when it came later
  if (!id) return venues.isPending && online ? <Bones rows={5} /> : <Form start={preset(fresh, fresh.fields.venue ? undefined : (venues.data?.venues.find((one) => one.name === lastVenue()) ?? venues.data?.venues[0]))} />;
  if (!stored.data) return stored.error ? <Wrong error={stored.error} again={() => void stored.refetch()} /> : <Bones rows={5} />;
  const request = stored.data.request as Request;
  return <Form start={{ id: "", at: 0, fields: fieldsOf(request), place: placeOf(request.notes) }} kept={editOf(request, change)} request={request} change={change} />;
}

/** What follows from the venue, and what was said of it the last time. */
function preset(draft: Draft, venue: Venue | undefined): Draft {
  if (!venue) return draft;
  const group = draft.fields.group || venue.group;
  const equipment = draft.place.equipment.length ? draft.place.equipment : venue.facilities;
  const level = draft.fields.level || (group === "YOUTH" ? "JUNIOR" : group ? "ADULT" : "");
  return withHabit({ ...draft, fields: { ...draft.fields, venue: venue.name, group, level }, place: { ...draft.place, equipment } }, habitOf(venue.name));
}

function Form({ start, kept, request, change = false }: { start: Draft; kept?: Edit; request?: Request; change?: boolean }) {
  const [first] = useState(start);
  const [draft, setDraft] = useState(kept?.draft ?? first);
  const [sheet, setSheet] = useState<"" | "topic" | "talk" | "expert" | "venue" | "answer" | "discard">("");
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<Error | null>(null);
  const [reason, setReason] = useState(kept?.reason ?? "");
  const [key] = useState(newKey);
  const queries = useQueryClient();
  const { fields, place } = draft;
  const today = useMemo(() => localDay(now()), []);
  const look = useMemo(() => lookAhead(today), [today]);
  const venues = useVenues();
  const reference = useReference();
  const calendar = useCalendar(today, AHEAD);
  const instant = useInstant(fields, look);
  const listed = venues.data?.venues.find((one) => one.name === fields.venue);
  const alone = useKept<View<"VenueAnswer">>(fields.venue, {}, { enabled: Boolean(fields.venue) && venues.isFetched && !listed, staleTime: LONG_MS });
  const venue = listed ?? alone.data?.venue;
  const topic = reference.data?.topics.find((one) => one.id === fields.topic);

  useEffect(() => {
    if (draft === first && !reason) return;
    if (request) return keepEdit(request, change, { etag: request.etag, draft, reason });
    keepDraft(draft);
    setQuery({ draft: draft.id }); // who comes back to this address, from signing in as well, finds it again
  }, [draft, first, request, change, reason]);

  // Two tabs with one draft write the same one: what is written in either is seen in both.
  useEffect(() => {
    if (request) return;
    return watchDraft(draft.id, (theirs) => {
      if (theirs) return setDraft(theirs);
      say(t("file.elsewhere"));
      go("/app");
    });
  }, [draft.id, request]);

  const set = (values: Partial<Fields>) => setDraft((one) => ({ ...one, fields: { ...one.fields, ...values } }));
  const setPlace = (values: Partial<Place>) => setDraft((one) => ({ ...one, place: { ...one.place, ...values } }));
  const toggle = (period: Fields["windows"][number]) =>
    setDraft((one) => {
      const windows = toggleWindow(one.fields.windows, period);
      return windows.length > WINDOWS_MAX ? one : { ...one, fields: { ...one.fields, windows } };
    });
  const title = topic ? `${inChinese(`form.${fields.form || "LECTURE"}`)}：${topic.zh}` : "";
  const whole = (): Fields => ({ ...fields, title: request && request.topic === fields.topic ? request.title : title, notes: notesOf(place) });
  const missing: { what: Key; at: string; sheet?: "topic" | "venue" }[] = [];
  if (!fields.venue) missing.push({ what: "file.venue", at: "file-where", sheet: "venue" });
  if (!fields.group) missing.push({ what: "file.group", at: "file-who" });
  if (!fields.topic) missing.push({ what: "file.topic", at: "file-what", sheet: "topic" });
  if (!fields.windows.length) missing.push({ what: "file.times", at: "file-when" });
  if (!isPhone(fields.host_phone)) missing.push({ what: "file.phone", at: "file-where" });
  if (fields.by_proxy && !place.proxy.trim()) missing.push({ what: "file.proxy.who", at: "file-seats" });
  if (change && !reason.trim()) missing.push({ what: "file.reason", at: "file-seats" });
  const next = missing[0];
  /** The one button under the thumb leads to what is missing, one thing after the other, and then sends. */
  function lead() {
    if (!next) return;
    if (next.sheet) return setSheet(next.sheet);
    const card = document.getElementById(next.at);
    card?.scrollIntoView({ block: "start", behavior: matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth" });
    card?.focus({ preventScroll: true });
  }

  async function finish() {
    setBusy(true);
    setError(null);
    try {
      const body = whole();
      if (!request) {
        const answer = await submit<Answer>({ kind: "file", key: `file-${draft.id}`, title: body.title, path: "requests", body: { request: body, submit: true }, draft: draft.id });
        keepHabit(draft);
        if (!answer) {
          say(t(isOver() ? "outbox.saved.ended" : "outbox.saved"));
          return go("/app");
        }
        say(t(answer.request.state === "ENDORSED" ? "file.done.endorsed" : "file.done.waiting"));
        void queries.invalidateQueries();
        return go(`/app/${answer.request.name}`);
      }
      const names = changed(fieldsOf(request), body);
      const path = `${request.name}`;
      if (change) await send(`${path}:askChange`, { request: body, fields: names, reason }, key);
      else {
        let etag = request.etag;
        if (names.length) etag = (await send<Answer>(path, { request: body, fields: names, etag }, key, "PATCH")).request.etag;
        if (request.state === "DRAFT") await send(`${path}:submit`, { etag });
      }
      dropEdit(request, change);
      await queries.invalidateQueries();
      say(t(change ? "change.waiting" : request.state === "DRAFT" ? "file.done" : "file.saved"));
      go(`/app/${request.name}`);
    } catch (failed) {
      ended(failed);
      setError(failed instanceof Refused && failed.reason === "REQUEST_ID_REUSED" ? new Error(t("file.twice")) : (failed as Error));
    } finally {
      setBusy(false);
    }
  }

  const helpers = helpersOf(fields);
  const action = t(change ? "file.send.change" : request && request.state !== "DRAFT" ? "file.save" : "file.submit");
  return (
    <form
      className="filing"
      onSubmit={(event) => {
        event.preventDefault();
        if (next) lead();
        else void finish();
      }}
    >
      <header className="top">
        <Link to={request ? `/app/${request.name}` : "/app"} className="round" label={t("app.back")}>
          <Glyph name="back" size={20} />
        </Link>
        <h1>{t(change ? "file.change" : request ? "file.edit" : "file.title")}</h1>
        {!request && draft !== first && <span className="quiet small">{t("file.saved")}</span>}
      </header>
      {change && <p className="strip">{t("file.change.note")}</p>}
      {kept && <p className="strip">{t("file.restored")}</p>}
      <div className="columns">
        <div>
          <Card title={t("file.who")} id="file-who">
            <Choices label={t("file.group")} value={fields.group} options={GROUPS.map((value) => ({ value, text: word("group", value) }))} onChange={(group) => set({ group, level: group === "YOUTH" ? (fields.level === "ADULT" ? "JUNIOR" : fields.level || "JUNIOR") : "ADULT" })} quiet />
            {fields.group === "YOUTH" && <Choices label={t("file.level")} value={fields.level} options={BANDS.slice(0, 3).map((value) => ({ value, text: t(`band.${value}`) }))} onChange={(level) => set({ level })} even={3} />}
            <Counter label={t("file.size")} value={fields.audience_size} min={1} max={100_000} step={10} less={t("file.size.less")} more={t("file.size.more")} onChange={(audience_size) => set({ audience_size })} />
          </Card>
          <Card title={t("file.what")} id="file-what">
            <button type="button" className="pick" onClick={() => setSheet("topic")}>
              <span>{t("file.topic")}</span>
              <b>{topic ? either(topic.zh, topic.en) : t("file.topic.choose")}</b>
              <Glyph name="next" size={18} />
            </button>
            <Choices label={t("file.form")} value={fields.form} options={FORMS.map((value) => ({ value, text: word("form", value) }))} onChange={(form) => set({ form })} even={language() === "zh" ? 4 : 2} />
            <Choices label={t("file.duration")} value={String(fields.duration_min) as (typeof LENGTHS)[number]} options={LENGTHS.map((value) => ({ value, text: t("minutes", { count: value }) }))} onChange={(value) => set({ duration_min: Number(value) })} even={4} />
            {fields.topic && (
              <>
                <button type="button" className="pick" onClick={() => setSheet("talk")}>
                  <span>{t("file.talk")}</span>
                  <b>{fields.talk ? <TalkName talk={fields.talk} topic={fields.topic} group={fields.group} /> : t("file.talk.any")}</b>
                  <Glyph name="next" size={18} />
                </button>
                <button type="button" className="pick" onClick={() => setSheet("expert")}>
                  <span>{t("file.expert")}</span>
                  <b>{fields.named_expert ? <ExpertName expert={fields.named_expert} /> : t("file.expert.any")}</b>
                  <Glyph name="next" size={18} />
                </button>
                {fields.named_expert && (
                  <Check checked={fields.named_only} onChange={(named_only) => set({ named_only })} note={t("file.expert.only.note")}>
                    {t("file.expert.only")}
                  </Check>
                )}
              </>
            )}
          </Card>
          <Card title={t("file.when")} id="file-when" aside={<span className={fields.windows.length >= WINDOWS_WANTED ? "state green" : "state slate"}>{t("file.windows.count", { count: fields.windows.length })}</span>}>
            <p className="quiet">{t(fields.topic ? "file.windows.note" : "file.windows.waiting")}</p>
            <HalfDays today={today} days={calendar.data ?? []} chosen={fields.windows} ready={instant.answer?.ready_time ?? null} outlook={instant.outlook} school={fields.group === "YOUTH"} round={plannedBy(instant.answer?.next_round)} opensAtChoice onToggle={toggle} />
            {fields.windows.length > 0 && (
              <ul className="chosen">
                {fields.windows.map((one) => (
                  <li key={one.start_time}>
                    {shortHalf(one)}
                    <button type="button" aria-label={`${t("remove")} ${halfOf(one)}`} onClick={() => toggle(one)}>
                      ×
                    </button>
                  </li>
                ))}
              </ul>
            )}
          </Card>
          <Card title={t("file.where")} id="file-where" aside={<span className="quiet small">{t("optional.rest")}</span>}>
            {venues.data && !venues.data.venues.length ? (
              <p className="empty">{t("file.venue.none")}</p>
            ) : (
              <button type="button" className="pick" onClick={() => setSheet("venue")}>
                <span>{t("file.venue")}</span>
                <b>{venue?.display_name ?? t("file.venue.choose")}</b>
                <Glyph name="next" size={18} />
              </button>
            )}
            <Choices label={t("file.mode")} value={fields.mode} options={MODES.map((value) => ({ value, text: word("mode", value) }))} onChange={(mode) => set({ mode })} />
            <Field label={t("file.room")} value={place.room} example={t("file.room.example")} onChange={(room) => setPlace({ room })} max={80} />
            <fieldset className="choices">
              <legend>{t("file.equipment")}</legend>
              {EQUIPMENT.map((one) => (
                <label key={one} className={place.equipment.includes(one) ? "on" : undefined}>
                  <input type="checkbox" checked={place.equipment.includes(one)} onChange={(event) => setPlace({ equipment: event.target.checked ? [...place.equipment, one] : place.equipment.filter((other) => other !== one) })} />
                  {t(`facility.${one}`)}
                </label>
              ))}
            </fieldset>
            <Field label={t("file.access")} value={place.access} example={t("file.access.example")} onChange={(access) => setPlace({ access })} max={200} />
            <Field label={t("file.host")} value={fields.host} example={t("file.host.example")} onChange={(host) => set({ host })} max={40} />
            <Field label={t("file.phone")} value={fields.host_phone} phone note={t("file.phone.note")} wrong={isPhone(fields.host_phone) ? "" : t("file.phone.wrong")} onChange={(host_phone) => set({ host_phone: host_phone.trim() })} max={16} />
          </Card>
          <Card title={t("file.seats")} id="file-seats" aside={<span className="quiet small">{t("optional.part")}</span>}>
            <p className="pair">
              <span>{t("file.lead")}</span>
              <b>{t("file.lead.any")}</b>
            </p>
            <Counter label={t("file.helpers")} value={helpers} min={0} max={6} step={1} less={t("file.helpers.less")} more={t("file.helpers.more")} onChange={(count) => setDraft((one) => ({ ...one, fields: withHelpers(one.fields, count, fields.seats[1]?.optional ?? true) }))} />
            {helpers > 0 && (
              <Check checked={fields.seats[1]?.optional ?? true} onChange={(optional) => setDraft((one) => ({ ...one, fields: withHelpers(one.fields, helpers, optional) }))}>
                {t("file.helpers.optional")}
              </Check>
            )}
            <Field label={t("file.notes")} value={place.rest} example={t("file.notes.example")} long onChange={(rest) => setPlace({ rest })} max={500} />
            <Check checked={fields.by_proxy} onChange={(by_proxy) => set({ by_proxy })} note={t("file.proxy.note")}>
              {t("file.proxy")}
            </Check>
            {fields.by_proxy && <Field label={t("file.proxy.who")} value={place.proxy} example={t("file.proxy.example")} onChange={(proxy) => setPlace({ proxy })} max={60} />}
            {change && <Field label={t("file.reason")} value={reason} example={t("file.reason.example")} onChange={setReason} max={200} />}
          </Card>
          {!request && (
            <button type="button" className="wide bad" onClick={() => setSheet("discard")}>
              {t("file.discard")}
            </button>
          )}
        </div>
        <aside className="now" aria-label={t("answer.title")}>
          <div className="now-open">
            <h2>{t("answer.title")}</h2>
            <AnswerDetails instant={instant} onAdd={toggle} onRemote={() => set({ mode: "EITHER" })} />
          </div>
          {error && <Wrong error={error} />}
          <div className="now-bar">
            <button type="button" className="now-more" onClick={() => setSheet("answer")} aria-label={t("answer.title")}>
              <Chance instant={instant} />
              <Glyph name="next" size={16} />
            </button>
            <div className="now-said">
              <Chance instant={instant} />
            </div>
            <small className="todo">
              {missing.length ? t("file.todo", { what: missing.slice(0, 2).map((one) => t(one.what)).join(t("file.todo.and")) }) : instant.refused ? t("answer.refused") : fields.windows.length < WINDOWS_WANTED ? t("answer.more", { count: WINDOWS_WANTED - fields.windows.length }) : t(instant.failed ? "answer.filled" : "answer.valid")}
            </small>
            <button type="submit" className={next ? "big next-step" : "big"} disabled={busy}>
              {next ? t("file.next") : action}
            </button>
          </div>
        </aside>
      </div>
      {sheet === "topic" && reference.data && (
        <TopicSheet
          topics={reference.data.topics}
          fields={fields}
          onClose={() => setSheet("")}
          onPick={(picked) => {
            setDraft((one) => ({ ...one, fields: withTopic(one.fields, picked) }));
            setSheet("");
          }}
        />
      )}
      {sheet === "talk" && (
        <TalkSheet
          fields={fields}
          onClose={() => setSheet("")}
          onPick={(talk) => {
            set(talk ? { talk: talk.name, form: talk.form, duration_min: talk.duration_min, named_expert: speaker(talk) } : { talk: "" });
            setSheet("");
          }}
        />
      )}
      {sheet === "expert" && (
        <ExpertSheet
          fields={fields}
          onClose={() => setSheet("")}
          onPick={(expert) => {
            set({ named_expert: expert?.name ?? "", named_only: expert ? fields.named_only : false, talk: "" });
            setSheet("");
          }}
        />
      )}
      {sheet === "venue" && (
        <VenueSheet
          chosen={fields.venue}
          onClose={() => setSheet("")}
          onPick={(picked) => {
            setDraft((one) => preset({ ...one, place: { ...one.place, equipment: [] } }, picked));
            setSheet("");
          }}
        />
      )}
      {sheet === "answer" && (
        <Sheet title={t("answer.title")} onClose={() => setSheet("")}>
          <Chance instant={instant} />
          <AnswerDetails instant={instant} onAdd={toggle} onRemote={() => set({ mode: "EITHER" })} />
        </Sheet>
      )}
      {sheet === "discard" && (
        <Sheet
          title={t("file.discard.sure")}
          onClose={() => setSheet("")}
          foot={
            <button
              type="button"
              className="big bad"
              onClick={() => {
                dropDraft(draft.id);
                go("/app");
              }}
            >
              {t("file.discard")}
            </button>
          }
        >
          <p>{topic ? either(topic.zh, topic.en) : t("home.draft.untitled")}</p>
        </Sheet>
      )}
    </form>
  );
}

function TalkName({ talk, topic, group }: { talk: string; topic: string; group: string }) {
  const found = useKept<View<"TalksShown">>("talks", { topic, approved_for: group, page_size: 100 });
  return <>{found.data?.talks.find((one) => one.name === talk)?.title ?? "…"}</>;
}

export function ExpertName({ expert }: { expert: string }) {
  const found = useKept<View<"ExpertAnswer">>(expert);
  return <>{found.data?.expert.display_name ?? "…"}</>;
}
