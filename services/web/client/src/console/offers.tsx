// Who was asked and what they said; the empty seats mended with the fewest changes, those who said yes kept.
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Alert, App, Button, Input, Modal, Segmented, Table } from "antd";
import { useMemo, useState } from "react";
import { Refused, type View, all, idOf, newKey, send } from "../shared/api";
import { t, word } from "../shared/language";
import { follow, setQuery, usePlace, withQuery } from "../shared/router";
import type { Session } from "../shared/session";
import { moment, range } from "../shared/time";
import { type Assignment, empty, lapsed, useVenues } from "./data";
import { Bar, Nothing, type Round, Shown, State, said, useNames } from "./parts";
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
  const shown = rows.filter((one) => (!state || one.state === state) && (!text || one.expert_display_name.includes(text) || one.title.includes(text)));
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
          <div className="offer-bar" role="img" aria-label={[...counts].map(([one, count]) => `${word("assignment", one)} ${count}`).join(", ")}>
            {STATES.filter((one) => counts.get(one)).map((one) => (
              <span key={one} className={`part ${one}`} style={{ flexGrow: counts.get(one) }}>
                <b>{counts.get(one)}</b> {word("assignment", one)}
              </span>
            ))}
          </div>
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
            <span className="quiet">{t("rows", { count: shown.length })}</span>
          </div>
          <Table<Assignment>
            size="small"
            rowKey="name"
            virtual={shown.length > 100}
            scroll={{ x: 980, y: shown.length > 100 ? 560 : undefined }}
            pagination={false}
            dataSource={shown}
            columns={[
              {
                title: t("expert"),
                width: 140,
                render: (_, row) => (
                  <a href={`/console/experts/${idOf(row.expert)}`} onClick={follow}>
                    {row.expert_display_name}
                  </a>
                ),
              },
              { title: t("when"), width: 210, render: (_, row) => range(row.period) },
              {
                title: t("request"),
                width: 340,
                ellipsis: true,
                render: (_, row) => (
                  <a href={withQuery({ why: idOf(row.request) })} onClick={follow}>
                    {venues.data?.get(row.venue)?.display_name ?? ""} {title(row.title)}
                  </a>
                ),
              },
              { title: t("district"), width: 100, render: (_, row) => district(row.district) },
              { title: t("state"), width: 110, render: (_, row) => (lapsed(row) ? <span className="state slate">{word("assignment", "LAPSED")}</span> : <State kind="assignment" value={row.state} />) },
              ...(rows.some((row) => row.reason) ? [{ title: t("offer.reason"), width: 140, ellipsis: true, dataIndex: "reason" }] : []),
              ...(able
                ? [
                    {
                      title: "",
                      key: "act",
                      width: 164,
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
        </>
      )}
      {lost && <Mend round={round} lost={lost} onClose={() => setLost(null)} />}
    </Shown>
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
