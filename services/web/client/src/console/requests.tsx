// The inbox: what venues ask, to endorse or to return, one by one or many at once.
import { keepPreviousData, useInfiniteQuery, useQuery, useQueryClient } from "@tanstack/react-query";
import { App, Button, Drawer, Input, InputNumber, Modal, Segmented, Select, Table, Timeline } from "antd";
import { useState } from "react";
import { Refused, type View, get, idOf, newKey, send } from "../shared/api";
import { t, word } from "../shared/language";
import { follow, go, setQuery, usePlace } from "../shared/router";
import type { Session } from "../shared/session";
import { minutes, moment, range } from "../shared/time";
import { useVenues } from "./data";
import { GROUPS, Page, type Request, Shown, State, together, useNames } from "./parts";

const STATES = ["SUBMITTED", "ENDORSED", "IN_ROUND", "SCHEDULED", "UNSERVED"] as const;
const mayEndorse = (who: Session) => who.roles.some((role) => role.endsWith("COORDINATOR") || role === "LOCAL_HEAD" || role === "ADMIN");

export default function Requests({ who, chosen }: { who: Session; chosen: string | undefined }) {
  const { query } = usePlace();
  const { district, topic, reference } = useNames();
  const client = useQueryClient();
  const { message } = App.useApp();
  const state = query.get("state") ?? "SUBMITTED";
  const where = query.get("district") ?? "";
  const group = query.get("group") ?? "";
  const text = query.get("text") ?? "";
  const venues = useVenues();
  const [marked, setMarked] = useState<string[]>([]);
  const [returning, setReturning] = useState<Request[]>([]);
  const [busy, setBusy] = useState(false);
  const asked = { state: state === "ALL" ? undefined : state, node: where, group, text, page_size: 200 };
  const list = useInfiniteQuery({
    queryKey: ["requests", asked],
    queryFn: ({ pageParam }) => get<View<"RequestsShown">>("requests", { ...asked, page_token: pageParam }),
    initialPageParam: "",
    getNextPageParam: (page) => page.next_page_token || undefined,
    placeholderData: keepPreviousData,
  });
  const rows = list.data?.pages.flatMap((page) => page.requests) ?? [];
  const able = mayEndorse(who);
  const chosenRows = rows.filter((row) => marked.includes(row.name) && row.state === "SUBMITTED");

  async function each(todo: Request[], one: (request: Request) => Promise<unknown>) {
    setBusy(true);
    const failed: string[] = [];
    let sentence = "";
    for (const request of todo) {
      try {
        await one(request);
      } catch (error) {
        failed.push(request.name);
        sentence = error instanceof Refused ? error.message : t("failed");
      }
    }
    setBusy(false);
    setMarked(failed);
    failed.length ? message.error(`${t("bulk.failed", { failed: failed.length, count: todo.length })} ${sentence}`) : message.success(t("bulk.done", { count: todo.length }));
    await client.invalidateQueries({ queryKey: ["requests"] });
    await client.invalidateQueries({ queryKey: ["request"] });
  }
  const endorse = (todo: Request[], weight = 0) => each(todo, (one) => send(`${one.name}:endorse`, { weight, etag: one.etag }, newKey()));
  return (
    <Page
      title={t("requests")}
      lead={t("requests.lead")}
      actions={
        able &&
        chosenRows.length > 0 && (
          <>
            <Button onClick={() => setReturning(chosenRows)} disabled={busy}>
              {t("return")} ({chosenRows.length})
            </Button>
            <Button type="primary" loading={busy} onClick={() => void endorse(chosenRows)}>
              {t("endorse")} ({chosenRows.length})
            </Button>
          </>
        )
      }
    >
      <div className="filters">
        <Segmented
          value={state}
          onChange={(value) => {
            setMarked([]);
            setQuery({ state: value === "SUBMITTED" ? null : value });
          }}
          options={[...STATES.map((one) => ({ value: one as string, label: word("request", one) })), { value: "ALL", label: t("all") }]}
        />
        <Select allowClear showSearch={{ optionFilterProp: "label" }} value={where || undefined} placeholder={t("district.all")} aria-label={t("district")} style={{ width: 150 }} onChange={(value) => setQuery({ district: value ?? null })} options={reference?.districts.map((one) => ({ value: one.node, label: district(one.node) }))} />
        <Select allowClear value={group || undefined} placeholder={t("group.all")} aria-label={t("group")} style={{ width: 130 }} onChange={(value) => setQuery({ group: value ?? null })} options={GROUPS.map((one) => ({ value: one, label: word("group", one) }))} />
        <Input.Search allowClear placeholder={t("requests.search")} aria-label={t("requests.search")} style={{ width: 220 }} defaultValue={text} onSearch={(value) => setQuery({ text: value || null })} />
        <span className="quiet">{t("rows", { count: list.hasNextPage ? `${rows.length}+` : rows.length })}</span>
      </div>
      <Shown of={list} none={rows.length === 0 && t("requests.none")}>
        <Table<Request>
          size="small"
          rowKey="name"
          virtual={rows.length > 100}
          scroll={{ x: 1120, y: rows.length > 100 ? 640 : undefined }}
          pagination={false}
          dataSource={rows}
          rowSelection={able && state === "SUBMITTED" ? { selectedRowKeys: marked, onChange: (keys) => setMarked(keys.map(String)), columnWidth: 44 } : undefined}
          columns={[
            {
              title: t("request"),
              width: 330,
              render: (_, row) => (
                <a href={`/console/requests/${idOf(row.name)}${location.search}`} onClick={follow} className="two-lines">
                  <strong>{venues.data?.get(row.venue)?.display_name ?? row.title}</strong>
                  <small>
                    {row.title}
                    {row.times_unserved > 0 && <span className="tag amber">{t("waited", { count: row.times_unserved })}</span>}
                  </small>
                </a>
              ),
            },
            { title: t("district"), width: 110, render: (_, row) => district(row.district) },
            { title: t("group"), width: 90, render: (_, row) => word("group", row.group) },
            { title: t("topic"), width: 160, ellipsis: true, render: (_, row) => topic(row.topic) },
            { title: t("audience"), width: 70, align: "right", dataIndex: "audience_size" },
            { title: t("windows"), width: 200, ellipsis: true, render: (_, row) => `${range(row.windows[0] ?? null)}${row.windows.length > 1 ? ` +${row.windows.length - 1}` : ""}` },
            { title: t("weight"), width: 70, align: "right", dataIndex: "weight" },
            { title: t("state"), width: 100, render: (_, row) => <State kind="request" value={row.state} /> },
            { title: t("filed"), width: 110, render: (_, row) => <span className="quiet">{row.create_time && moment(row.create_time)}</span> },
          ]}
        />
        {list.hasNextPage && (
          <p className="center">
            <Button onClick={() => list.fetchNextPage()} loading={list.isFetchingNextPage}>
              {t("load.more")}
            </Button>
          </p>
        )}
      </Shown>
      {chosen && <OneRequest id={chosen} able={able} busy={busy} endorse={(one, weight) => endorse([one], weight)} giveBack={(one) => setReturning([one])} />}
      {returning.length > 0 && (
        <Return
          count={returning.length}
          onClose={() => setReturning([])}
          onSend={(reason) => {
            const todo = returning;
            setReturning([]);
            void each(todo, (one) => send(`${one.name}:return`, { reason, etag: one.etag }, newKey()));
          }}
        />
      )}
    </Page>
  );
}

function Return({ count, onClose, onSend }: { count: number; onClose: () => void; onSend: (reason: string) => void }) {
  const [reason, setReason] = useState("");
  return (
    <Modal open title={t("return.title", { count })} onCancel={onClose} okText={t("return")} okButtonProps={{ disabled: !reason.trim() }} onOk={() => onSend(reason.trim())}>
      <label className="field">
        {t("return.reason")}
        <Input.TextArea maxLength={200} showCount rows={3} value={reason} onChange={(event) => setReason(event.target.value)} placeholder={t("return.example")} autoFocus />
      </label>
    </Modal>
  );
}

function OneRequest({ id, able, busy, endorse, giveBack }: { id: string; able: boolean; busy: boolean; endorse: (one: Request, weight: number) => void; giveBack: (one: Request) => void }) {
  const { district, topic } = useNames();
  const [weight, setWeight] = useState(0);
  const found = useQuery({ queryKey: ["request", id], queryFn: () => get<View<"RequestAnswer">>(`requests/${id}`).then((answer) => answer.request) });
  const history = useQuery({ queryKey: ["request", id, "history"], queryFn: () => get<View<"History">>(`requests/${id}/history`).then((answer) => answer.entries), enabled: !!found.data });
  const venue = useQuery({ queryKey: ["venue", found.data?.venue], queryFn: () => get<View<"VenueAnswer">>(found.data!.venue).then((answer) => answer.venue), enabled: !!found.data?.venue });
  const one = found.data;
  return (
    <Drawer open onClose={() => go(`/console/requests${location.search}`)} title={one?.title ?? t("request")} size={520} extra={one && <State kind="request" value={one.state} />}>
      <Shown of={found}>
        {one && (
          <>
            <dl className="facts wide">
              <Fact name={t("venue")} value={venue.data ? `${venue.data.display_name} · ${district(one.district)}` : district(one.district)} />
              <Fact name={t("group")} value={`${word("group", one.group)} · ${word("level", one.level)} · ${t("people", { count: one.audience_size })}`} />
              <Fact name={t("topic")} value={`${topic(one.topic)} · ${word("form", one.form)} · ${minutes(one.duration_min)}`} />
              <Fact name={t("mode")} value={word("mode", one.mode || "ON_SITE")} />
              <Fact name={t("seats")} value={together(one.seats.map((seat) => `${seat.roles.map((role) => word("role", role)).join("/") || t("role.any")} × ${seat.count || 1}${seat.optional ? ` (${t("optional")})` : ""}`))} />
              {one.named_expert && <Fact name={t("named")} value={`${idOf(one.named_expert)} · ${one.named_only ? t("named.only") : t("named.preferred")}`} />}
              <Fact name={t("weight")} value={String(one.weight)} />
              {one.by_proxy && <Fact name={t("proxy")} value={t("proxy.yes")} />}
              {one.times_unserved > 0 && <Fact name={t("times.unserved")} value={String(one.times_unserved)} />}
              {one.notes && <Fact name={t("notes")} value={one.notes} />}
            </dl>
            {one.reason && <p className="box">{one.reason}</p>}
            {one.round && (
              <p>
                <a href={`/console/rounds/${idOf(one.round)}?why=${id}`} onClick={follow}>
                  {t("request.in.round")}
                </a>
              </p>
            )}
            <h3 className="sub">{t("windows")}</h3>
            <ul className="window-list">
              {one.windows.map((window) => (
                <li key={window.start_time}>{range(window)}</li>
              ))}
            </ul>
            {able && one.state === "SUBMITTED" && (
              <div className="endorse">
                <label>
                  {t("weight")} <InputNumber min={0} max={1000} value={weight} onChange={(value) => setWeight(value ?? 0)} aria-label={t("weight")} /> <span className="quiet">{t("weight.note")}</span>
                </label>
                <div>
                  <Button onClick={() => giveBack(one)} disabled={busy}>{t("return")}</Button>
                  <Button type="primary" loading={busy} onClick={() => endorse(one, weight)}>{t("endorse")}</Button>
                </div>
              </div>
            )}
            <h3 className="sub">{t("history")}</h3>
            <Timeline items={(history.data ?? []).map((entry) => ({ content: <><b>{word("what", entry.what)}</b> <span className="quiet">{entry.time && moment(entry.time)}</span>{entry.remark && <div>{entry.remark}</div>}</> }))} />
          </>
        )}
      </Shown>
    </Drawer>
  );
}

const Fact = ({ name, value }: { name: string; value: string }) => (
  <div>
    <dt>{name}</dt>
    <dd>{value}</dd>
  </div>
);
