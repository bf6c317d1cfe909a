// Who was asked and what they said; the empty seats mended with the fewest changes, those who said yes kept.
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Alert, App, Button, Input, Modal, Segmented, Table } from "antd";
import { useMemo, useState } from "react";
import { Refused, type View, all, idOf, newKey, send } from "../shared/api";
import { t, word } from "../shared/language";
import { follow, setQuery, usePlace, withQuery } from "../shared/router";
import type { Session } from "../shared/session";
import { clock, dayLong, daysBetween, localDay, moment, now, range } from "../shared/time";
import { type Assignment, empty, lapsed, useVenues } from "./data";
import { Bar, Card, Face, Figure, Nothing, type Round, Shown, State, number, percent, said, useNames } from "./parts";
import { mayRun } from "./rounds";

const STATES = ["OFFERED", "ACCEPTED", "DECLINED", "LAPSED", "CONFIRMED", "DELIVERED", "REPLACED", "CANCELLED"] as const;

export default function Offers({ round, who }: { round: Round; who: Session }) {
  const { query } = usePlace();
  const { district, title } = useNames();
  const venues = useVenues();
  const client = useQueryClient();
  const { message } = App.useApp();
  const [text, setText] = useState("");
  const [busy, setBusy] = useState("");
  const [lost, setLost] = useState<Assignment[] | null>(null);
  const state = query.get("state") ?? "";
  const day = query.get("day") ?? "";
  const list = useQuery({
    queryKey: ["assignments", round.name],
    queryFn: () => all<Assignment, "assignments">("assignments", "assignments", { round: round.name, page_size: 1000 }),
    refetchInterval: round.state === "OFFERED" ? 10_000 : false,
  });
  const rows = list.data ?? [];
  const counts = useMemo(() => {
    const sums = new Map<string, number>();
    for (const one of rows) sums.set(one.state, (sums.get(one.state) ?? 0) + 1);
    return sums;
  }, [rows]);
  const shown = rows.filter((one) => (!state || one.state === state) && (!day || dayOf(one) === day) && (!text || one.expert_display_name.includes(text) || one.title.includes(text)));
  const holes = rows.filter(empty);
  const able = mayRun(who);
  async function answer(one: Assignment, yes: boolean) {
    setBusy(one.name);
    try {
      await send(`${one.name}:${yes ? "accept" : "decline"}`, yes ? {} : { reason: t("offer.by.phone") }, newKey());
    } catch (error) {
      message.error(error instanceof Refused ? error.message : t("failed"));
    } finally {
      setBusy("");
      await client.invalidateQueries({ queryKey: ["assignments"] });
    }
  }
  const due = rows.find((one) => one.respond_by_time)?.respond_by_time;
  return (
    <Shown of={list} rows={8}>
      {rows.length === 0 ? (
        <Nothing title={t("offers.none")} note={t(round.state === "PROPOSED" ? "offers.none.note" : "offers.none.skip")} />
      ) : (
        <>
          <Summary rows={rows} />
          {counts.size > 1 && (
            <div className="offer-bar" role="img" aria-label={[...counts].map(([one, count]) => `${word("assignment", one)} ${count}`).join(", ")}>
              {STATES.filter((one) => counts.get(one)).map((one) => (
                <span key={one} className={`part ${one}`} style={{ flexGrow: counts.get(one) }}>
                  <b>{number(counts.get(one)!)}</b> {word("assignment", one)}
                </span>
              ))}
            </div>
          )}
          {round.state === "OFFERED" && (
            <Alert
              type={holes.length ? "warning" : counts.get("OFFERED") ? "info" : "success"}
              showIcon
              title={holes.length ? t("offers.holes", { count: holes.length }) : counts.get("OFFERED") ? t("offers.waiting", { count: counts.get("OFFERED") ?? 0 }) : t("offers.all")}
              description={due ? t("offers.due", { time: moment(due) }) : undefined}
              action={
                able && holes.length > 0 ? (
                  <Button type="primary" onClick={() => setLost(holes)}>
                    {t("offers.mend")}
                  </Button>
                ) : undefined
              }
            />
          )}
          <div className="filters spaced">
            <Segmented value={state} onChange={(value) => setQuery({ state: String(value) || null })} options={[{ value: "", label: t("all") }, ...STATES.filter((one) => counts.get(one)).map((one) => ({ value: one as string, label: word("assignment", one) }))]} />
            <Input.Search allowClear placeholder={t("offers.search")} aria-label={t("offers.search")} style={{ width: 220 }} onChange={(event) => setText(event.target.value)} />
            {day && (
              <Button size="small" onClick={() => setQuery({ day: null })} aria-label={`${t("remove")} ${dayLong(`${day}T04:00:00Z`)}`}>
                {dayLong(`${day}T04:00:00Z`)} ✕
              </Button>
            )}
            <span className="quiet">{t("rows", { count: number(shown.length) })}</span>
          </div>
          <div className="columns with-aside">
            <Table<Assignment>
              size="small"
              rowKey="name"
              virtual={shown.length > 100}
              scroll={{ x: 860, y: shown.length > 100 ? 620 : undefined }}
              pagination={false}
              dataSource={shown}
              columns={[
                {
                  title: t("expert"),
                  width: 170,
                  render: (_, row) => (
                    <a className="expert-name" href={`/console/experts/${idOf(row.expert)}`} onClick={follow}>
                      <Face name={row.expert_display_name} role={row.role} />
                      <span className="two-lines">
                        {row.expert_display_name}
                        <small>{row.role && word("role", row.role)}</small>
                      </span>
                    </a>
                  ),
                },
                {
                  title: t("when"),
                  width: 150,
                  render: (_, row) =>
                    row.period && (
                      <span className="two-lines">
                        {dayLong(row.period.start_time)}
                        <small>
                          {clock(row.period.start_time)}–{clock(row.period.end_time)}
                          {row.remote && ` · ${t("remote")}`}
                        </small>
                      </span>
                    ),
                },
                {
                  title: t("request"),
                  width: 290,
                  render: (_, row) => (
                    <a className="two-lines" href={withQuery({ why: idOf(row.request) })} onClick={follow}>
                      {venues.data?.get(row.venue)?.display_name ?? title(row.title)}
                      <small>
                        {district(row.district)} · {title(row.title)}
                      </small>
                    </a>
                  ),
                },
                {
                  title: t("state"),
                  width: 130,
                  render: (_, row) => (
                    <span className="two-lines">
                      <span>{lapsed(row) ? <span className="state slate">{word("assignment", "LAPSED")}</span> : <State kind="assignment" value={row.state} />}</span>
                      {row.reason && <small title={row.reason}>{row.reason}</small>}
                    </span>
                  ),
                },
                ...(able
                  ? [
                      {
                        title: "",
                        key: "act",
                        fixed: innerWidth > 1240 ? ("right" as const) : undefined,
                        width: counts.get("OFFERED") ? 164 : 96,
                        render: (_: unknown, row: Assignment) =>
                          row.state === "OFFERED" ? (
                            <span className="row-actions">
                              <Button size="small" loading={busy === row.name} onClick={() => void answer(row, true)} aria-label={`${t("offer.yes")} ${row.expert_display_name}`}>
                                {t("offer.yes")}
                              </Button>
                              <Button size="small" onClick={() => void answer(row, false)} aria-label={`${t("offer.no")} ${row.expert_display_name}`}>
                                {t("offer.no")}
                              </Button>
                            </span>
                          ) : row.state === "CONFIRMED" ? (
                            <Button size="small" type="link" onClick={() => setLost([row])}>
                              {t("offer.cannot")}
                            </Button>
                          ) : null,
                      },
                    ]
                  : []),
              ]}
            />
            <Days rows={rows} chosen={day} />
          </div>
        </>
      )}
      {lost && <Mend round={round} lost={lost} onClose={() => setLost(null)} />}
    </Shown>
  );
}

const STANDING = ["OFFERED", "ACCEPTED", "CONFIRMED", "DELIVERED"];
const SURE = ["ACCEPTED", "CONFIRMED", "DELIVERED"];
const dayOf = (one: Assignment) => (one.period ? localDay(one.period.start_time) : "");
const kinds = (rows: Assignment[], key: (one: Assignment) => string) => new Set(rows.map(key)).size;
const soonest = (rows: Assignment[]) => rows.filter((one) => one.period).sort((a, b) => a.period!.start_time.localeCompare(b.period!.start_time));

/** Who goes where, in four numbers. */
function Summary({ rows }: { rows: Assignment[] }) {
  const standing = rows.filter((one) => STANDING.includes(one.state));
  const seats = rows.filter((one) => STANDING.includes(one.state) || empty(one)).length;
  const sure = standing.filter((one) => SURE.includes(one.state)).length;
  const first = soonest(standing).find((one) => Date.parse(one.period!.end_time) > now().getTime());
  const away = first ? daysBetween(localDay(now()), dayOf(first)) : 0;
  return (
    <div className="figures four">
      <Figure label={t("assignments")} value={number(standing.length)} note={t("experts.count", { count: number(kinds(standing, (one) => one.expert)) })} />
      <Figure label={t("offers.events")} value={number(kinds(standing, (one) => one.request))} note={t("offers.districts", { count: kinds(standing, (one) => one.district) })} />
      <Figure label={t("offers.sure")} value={`${percent(sure, seats)}%`} note={t("offers.sure.note", { count: number(sure), of: number(seats) })} tone={sure === seats ? "good" : undefined} />
      <Figure label={t("offers.first")} value={first ? dayLong(first.period!.start_time) : "—"} note={first ? `${clock(first.period!.start_time)} · ${away ? t("offers.away", { count: away }) : t("offers.today")}` : t("offers.over")} />
    </div>
  );
}

/** Each day by what was answered; a day chosen is all that the table shows. */
function Days({ rows, chosen }: { rows: Assignment[]; chosen: string }) {
  const days = useMemo(() => {
    const found = new Map<string, Map<string, number>>();
    for (const one of rows) {
      const states = found.get(dayOf(one)) ?? new Map<string, number>();
      found.set(dayOf(one), states.set(one.state, (states.get(one.state) ?? 0) + 1));
    }
    return [...found].filter(([day]) => day).sort(([a], [b]) => a.localeCompare(b));
  }, [rows]);
  const total = (states: Map<string, number>) => [...states.values()].reduce((sum, one) => sum + one, 0);
  const most = Math.max(1, ...days.map(([, states]) => total(states)));
  return (
    <Card title={t("offers.days")} extra={<span className="quiet">{t("assignments.note")}</span>}>
      <ol className="day-list">
        {days.map(([day, states]) => (
          <li key={day}>
            <a href={withQuery({ day: day === chosen ? null : day })} onClick={follow} aria-current={day === chosen || undefined}>
              <span>{dayLong(`${day}T04:00:00Z`)}</span>
              <span className="split" style={{ width: `${(100 * total(states)) / most}%` }} aria-hidden="true">
                {STATES.filter((one) => states.get(one)).map((one) => (
                  <i key={one} className={one} style={{ flexGrow: states.get(one) }} />
                ))}
              </span>
              <span className="num">{total(states)}</span>
            </a>
          </li>
        ))}
      </ol>
    </Card>
  );
}

/** What mending would change, before it is done. */
function Mend({ round, lost, onClose }: { round: Round; lost: Assignment[]; onClose: () => void }) {
  const client = useQueryClient();
  const { title } = useNames();
  const { message } = App.useApp();
  const [reason, setReason] = useState(lost.every(empty) ? t("offers.mend.reason") : "");
  const [busy, setBusy] = useState(false);
  const [key] = useState(newKey);
  const body = { lost: lost.slice(0, 100).map((one) => one.name), reason: reason.trim() || "—", etag: round.etag };
  const preview = useQuery({
    queryKey: ["mend", round.name, round.etag, lost.map((one) => one.name)],
    queryFn: () => send<View<"RoundRepair">>(`rounds/${idOf(round.name)}:repair`, { ...body, reason: "—", validate_only: true }, newKey()),
    retry: false,
    staleTime: Infinity,
  });
  const before = new Map(lost.map((one) => [`${one.request} ${one.seat}`, one]));
  async function mend() {
    setBusy(true);
    try {
      const done = await send<View<"RoundRepair">>(`rounds/${idOf(round.name)}:repair`, { ...body, validate_only: false }, key);
      message.success(`${t("offers.mended")} · ${t(done.least ? "offers.mend.least" : "offers.mend.not.least")}`, 6);
      onClose();
    } catch (error) {
      message.error(error instanceof Refused ? error.message : t("failed"));
    } finally {
      setBusy(false);
      await client.invalidateQueries();
    }
  }
  const begun = preview.data?.changed.filter((one) => ["OFFERED", "CONFIRMED"].includes(one.state)) ?? [];
  return (
    <Modal open title={t("offers.mend")} onCancel={onClose} okText={t("offers.mend.do")} okButtonProps={{ disabled: !preview.data || !reason.trim(), loading: busy }} onOk={() => void mend()} width={640}>
      <p className="quiet">{t("offers.mend.note")}</p>
      <Shown of={preview} rows={5}>
        <p>
          <b>{t("offers.mend.found", { count: begun.length, of: lost.length })}</b>
        </p>
        <Bar part={begun.length} whole={Math.max(1, lost.length)} />
        {preview.data && <p className={`least ${preview.data.least ? "proven" : "quiet"}`}>{t(preview.data.least ? "offers.mend.least" : "offers.mend.not.least")}</p>}
        <ul className="small-list">
          {preview.data?.changed.slice(0, 30).map((one) => (
            <li key={one.name || `${one.request} ${one.seat} ${one.expert}`}>
              <span>
                <State kind="assignment" value={one.state} /> {before.get(`${one.request} ${one.seat}`)?.expert === one.expert ? "" : "→ "}
                {one.expert_display_name} · {title(one.title)}
              </span>
              <span className="quiet">{range(one.period)}</span>
            </li>
          ))}
          {preview.data?.unserved.map((one) => (
            <li key={one.request}>
              <span>
                <span className="tag red">{t("move.dropped")}</span>
                {one.venue_display_name} · {title(one.title)}
              </span>
              <span className="red-text">{said(one)}</span>
            </li>
          ))}
        </ul>
      </Shown>
      <label className="field spaced">
        {t("offers.mend.why")}
        <Input maxLength={200} value={reason} onChange={(event) => setReason(event.target.value)} />
      </label>
    </Modal>
  );
}
