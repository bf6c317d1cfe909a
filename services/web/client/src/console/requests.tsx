// The inbox: what venues ask, to endorse or to return, one by one or many at once.
import { keepPreviousData, useInfiniteQuery, useQuery, useQueryClient } from "@tanstack/react-query";
import { App, Button, Drawer, Input, InputNumber, Modal, Segmented, Select, Table, Timeline } from "antd";
import { useState } from "react";
import { Refused, type View, get, idOf, newKey, send } from "../shared/api";
import { t, word } from "../shared/language";
import { placeFacts } from "../shared/place";
import { follow, go, setQuery, usePlace } from "../shared/router";
import type { Session } from "../shared/session";
import { minutes, moment, range } from "../shared/time";
import { CHANGES, usePeople, useVenues } from "./data";
import { Fact, GROUPS, Page, type Request, Shown, State, together, useNames } from "./parts";

const STATES = ["SUBMITTED", "ENDORSED", "IN_ROUND", "SCHEDULED", "UNSERVED"] as const;
const mayAnswer = (who: Session) => who.roles.some((role) => role.endsWith("COORDINATOR") || role === "ADMIN");
const mayEndorse = (who: Session) => who.roles.some((role) => role.endsWith("COORDINATOR") || role === "LOCAL_HEAD" || role === "ADMIN");

export default function Requests({ who, chosen }: { who: Session; chosen: string | undefined }) {
  const { query } = usePlace();
  const { district, topic, title, reference } = useNames();
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
  const changes = state === CHANGES;
  const asked = { state: state === "ALL" || changes ? undefined : state, change_asked: changes || undefined, node: where, group, text, page_size: 200 };
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
          options={[...STATES.map((one) => ({ value: one as string, label: word("request", one) })), { value: CHANGES, label: t("changes.asked") }, { value: "ALL", label: t("all") }]}
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
          rowClassName="clickable"
          onRow={(row) => ({
            // the link in it is for the keyboard; what is a control of its own stays one
            onClick: (event) => void ((event.target as Element).closest("a, label, .ant-table-selection-column") ?? go(`/console/requests/${idOf(row.name)}${location.search}`, false, true)),
          })}
          rowSelection={able && state === "SUBMITTED" ? { selectedRowKeys: marked, onChange: (keys) => setMarked(keys.map(String)), columnWidth: 44 } : undefined}
          columns={[
            {
              title: t("request"),
              width: 240,
              render: (_, row) => (
                <a href={`/console/requests/${idOf(row.name)}${location.search}`} onClick={follow} className="two-lines">
                  <strong>{venues.data?.get(row.venue)?.display_name ?? title(row.title)}</strong>
                  <small>
                    {title(row.title)}
                    {row.times_unserved > 0 && <span className="tag amber">{t("waited", { count: row.times_unserved })}</span>}
                  </small>
                </a>
              ),
            },
            { title: t("district"), width: 90, ellipsis: true, render: (_, row) => district(row.district) },
            { title: t("group"), width: 92, render: (_, row) => word("group", row.group) },
            { title: t("topic"), width: 142, ellipsis: true, render: (_, row) => topic(row.topic) },
            { title: t("audience"), width: 82, align: "right", dataIndex: "audience_size" },
            { title: t("windows"), width: 206, ellipsis: true, render: (_, row) => `${range(row.windows[0] ?? null)}${row.windows.length > 1 ? ` +${row.windows.length - 1}` : ""}` },
            { title: t("weight"), width: 80, align: "right", dataIndex: "weight" },
            { title: t("state"), width: 96, render: (_, row) => <State kind="request" value={row.state} /> },
            { title: t("filed"), width: 100, render: (_, row) => <span className="quiet">{row.create_time && moment(row.create_time)}</span> },
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
      {chosen && <OneRequest id={chosen} able={able} answers={mayAnswer(who)} busy={busy} endorse={(one, weight) => endorse([one], weight)} giveBack={(one) => setReturning([one])} />}
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

/** What is asked, as people read it: what differs between two of these is a change. */
function useTold() {
  const { topic, title } = useNames();
  const venues = useVenues();
  const people = usePeople();
  return (one: Request): [name: string, value: string][] => [
    [t("round.title"), title(one.title)],
    [t("venue"), venues.data?.get(one.venue)?.display_name ?? idOf(one.venue)],
    [t("group"), `${word("group", one.group)} · ${word("level", one.level)} · ${t("people", { count: one.audience_size })}`],
    [t("topic"), `${topic(one.topic)} · ${word("form", one.form)} · ${minutes(one.duration_min)}`],
    [t("mode"), word("mode", one.mode || "ON_SITE")],
    [t("seats"), together(one.seats.map((seat) => `${seat.roles.map((role) => word("role", role)).join("/") || t("role.any")} × ${seat.count || 1}${seat.optional ? ` (${t("optional")})` : ""}`))],
    [t("named"), one.named_expert && `${people.data?.get(one.named_expert)?.display_name ?? idOf(one.named_expert)} · ${one.named_only ? t("named.only") : t("named.preferred")}`],
    [t("windows"), one.windows.map((window) => range(window)).join("\n")],
    ...placeFacts(one.notes),
  ];
}

/** A change of a request that cannot be edited any more: what would differ, and a coordinator's yes or no. */
function Change({ request, answers }: { request: Request; answers: boolean }) {
  const client = useQueryClient();
  const { message } = App.useApp();
  const told = useTold();
  const [reason, setReason] = useState("");
  const [busy, setBusy] = useState(false);
  const [key] = useState(newKey);
  const change = request.change!;
  const now = told(request);
  const wanted = change.wanted ? told({ ...change.wanted, notes: request.notes }) : now; // what is said of the place is not part of a change
  const inRound = request.state === "IN_ROUND";
  async function answer(accept: boolean) {
    setBusy(true);
    try {
      await send(`${request.name}:answerChange`, { accept, reason: reason.trim() }, `${accept ? "y" : "n"}-${key.slice(0, 30)}`);
      message.success(t(accept ? "change.made" : "change.refused"));
    } catch (error) {
      message.error(error instanceof Refused ? error.message : t("failed"));
    } finally {
      setBusy(false);
      await client.invalidateQueries();
    }
  }
  return (
    <section className="change" aria-labelledby="change">
      <header>
        <h3 id="change">{t("change.title")}</h3>
        {change.time && <span className="quiet">{moment(change.time)}</span>}
      </header>
      <blockquote>{change.reason}</blockquote>
      <table>
        <thead>
          <tr>
            <td />
            <th scope="col">{t("change.before")}</th>
            <th scope="col">{t("change.after")}</th>
          </tr>
        </thead>
        <tbody>
          {now.map(([name, value], index) =>
            value === wanted[index]![1] ? null : (
              <tr key={name}>
                <th scope="row">{name}</th>
                <td className="quiet">{value || "—"}</td>
                <td>{wanted[index]![1] || "—"}</td>
              </tr>
            ),
          )}
        </tbody>
      </table>
      <p className="fine">{t(inRound ? "change.in.round" : "change.event")}</p>
      {answers && (
        <>
          <label className="field">
            {t("change.why")}
            <Input maxLength={200} value={reason} placeholder={t("change.example")} onChange={(event) => setReason(event.target.value)} />
          </label>
          <div className="change-buttons">
            <Button disabled={busy || !reason.trim()} onClick={() => void answer(false)}>
              {t("change.keep")}
            </Button>
            <Button type="primary" disabled={busy || inRound} onClick={() => void answer(true)}>
              {t("change.make")}
            </Button>
          </div>
        </>
      )}
    </section>
  );
}

function OneRequest({ id, able, answers, busy, endorse, giveBack }: { id: string; able: boolean; answers: boolean; busy: boolean; endorse: (one: Request, weight: number) => void; giveBack: (one: Request) => void }) {
  const { district, title } = useNames();
  const told = useTold();
  const [weight, setWeight] = useState(0);
  const found = useQuery({ queryKey: ["request", id], queryFn: () => get<View<"RequestAnswer">>(`requests/${id}`).then((answer) => answer.request) });
  const history = useQuery({ queryKey: ["request", id, "history"], queryFn: () => get<View<"History">>(`requests/${id}/history`).then((answer) => answer.entries), enabled: !!found.data });
  const one = found.data;
  return (
    <Drawer open onClose={() => go(`/console/requests${location.search}`)} title={one ? title(one.title) : t("request")} size={520} extra={one && <State kind="request" value={one.state} />}>
      <Shown of={found}>
        {one && (
          <>
            {one.change && <Change key={one.change.time} request={one} answers={answers} />}
            <dl className="facts wide">
              {told(one)
                .filter(([, value]) => value)
                .map(([name, value]) => (
                  <Fact key={name} name={name} value={value} />
                ))}
              <Fact name={t("district")} value={district(one.district)} />
              <Fact name={t("weight")} value={String(one.weight)} />
              {one.by_proxy && <Fact name={t("proxy")} value={t("proxy.yes")} />}
              {one.times_unserved > 0 && <Fact name={t("times.unserved")} value={String(one.times_unserved)} />}
            </dl>
            {one.reason && <p className="box">{one.reason}</p>}
            {one.round && (
              <p>
                <a href={`/console/rounds/${idOf(one.round)}?why=${id}`} onClick={follow}>
                  {t("request.in.round")}
                </a>
              </p>
            )}
            {able && one.state === "SUBMITTED" && (
              <div className="endorse">
                <label>
                  {t("weight")} <InputNumber min={0} max={1000} value={weight || null} placeholder={String(one.weight)} onChange={(value) => setWeight(value ?? 0)} aria-label={t("weight")} /> <span className="quiet">{t("weight.note")}</span>
                </label>
                <div>
                  <Button onClick={() => giveBack(one)} disabled={busy}>{t("return")}</Button>
                  <Button type="primary" loading={busy} onClick={() => endorse(one, weight)}>{t("endorse")}</Button>
                </div>
              </div>
            )}
            <h3 className="sub">{t("history")}</h3>
            <Timeline items={(history.data ?? []).map((entry) => ({ content: <><b>{word("what", entry.what)}</b> <span className="quiet">{entry.time && moment(entry.time)}</span>{entry.remark && <div>{entry.remark === "by proxy" ? t("log.proxy") : entry.remark}</div>}</> }))} />
          </>
        )}
      </Shown>
    </Drawer>
  );
}
