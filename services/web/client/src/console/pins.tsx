// What every solve of this round must keep, and must not do: pins, forbids, rest weeks.
import { useQueryClient } from "@tanstack/react-query";
import { App, Button, DatePicker, Form, InputNumber, Select } from "antd";
import dayjs from "dayjs";
import { useMemo, useState } from "react";
import { Refused, idOf, send } from "../shared/api";
import { t } from "../shared/language";
import { follow, withQuery } from "../shared/router";
import { Glyph } from "../shared/glyph";
import type { Session } from "../shared/session";
import { addDays, clock, dayLong, daysBetween } from "../shared/time";
import { type PlanData, useAsked, usePeople } from "./data";
import { type Forbid, type Pin, keepsForbid, keepsPin } from "./holds";
import { Card, Face, Figure, Nothing, type PlannedEvent, type Round, number, useNames } from "./parts";
import { mayRun } from "./rounds";

type Keeping = "kept" | "next" | "unknown";

export default function Pins({ round, who, data }: { round: Round; who: Session; data: PlanData | undefined }) {
  const client = useQueryClient();
  const { message, modal } = App.useApp();
  const people = usePeople();
  const { district } = useNames();
  const change = mayRun(who) && ["OPEN", "FROZEN", "PROPOSED"].includes(round.state);
  const planned = useMemo(() => new Map([...(data?.events ?? []), ...(data?.unserved ?? [])].map((one) => [one.request, `${one.venue_display_name} · ${one.title}`])), [data]);
  const places = useMemo(() => new Map([...(data?.events ?? []), ...(data?.unserved ?? [])].map((one) => [one.request, one.district])), [data]);
  const asked = useAsked(round.state === "OPEN" ? "" : round.name, planned.size === 0);
  const titles = planned.size ? planned : asked;
  const nameOf = (expert: string) => people.data?.get(expert)?.display_name ?? idOf(expert);
  const titleOf = (request: string) => titles.get(request) ?? idOf(request);
  async function write(what: string, body: object) {
    try {
      await send(`rounds/${idOf(round.name)}/${what}`, { ...body, etag: round.etag });
      return true;
    } catch (error) {
      if (error instanceof Refused && error.reason === "ETAG_MISMATCH") modal.warning({ title: t("conflict"), content: error.message });
      else message.error(error instanceof Refused ? error.message : t("failed"));
      return false;
    } finally {
      await client.invalidateQueries({ queryKey: ["round"] });
    }
  }
  const rests = round.forbids.filter((one) => one.period);
  const forbids = round.forbids.filter((one) => !one.period);
  const experts = [...(people.data?.values() ?? [])].filter((one) => one.state === "ACTIVE").map((one) => ({ value: one.name, label: one.display_name }));
  const requests = [...titles].map(([value, label]) => ({ value, label }));
  const events = data?.events;
  const keeping = (kept: (events: PlannedEvent[]) => boolean): Keeping => (events ? (kept(events) ? "kept" : "next") : "unknown");
  const ofPin = (pin: Pin) => keeping((found) => keepsPin(pin, found));
  const ofForbid = (forbid: Forbid) => keeping((found) => keepsForbid(forbid, found));
  const open = [...round.pins.map(ofPin), ...round.forbids.map(ofForbid)].filter((one) => one === "next").length;
  const held = round.pins.length + round.forbids.length;
  const person = (expert: string) => (
    <a className="expert-name" href={`/console/experts/${idOf(expert)}`} onClick={follow}>
      <Face name={nameOf(expert)} role={people.data?.get(expert)?.role ?? ""} />
      <strong>{nameOf(expert)}</strong>
    </a>
  );
  const why = t(mayRun(who) ? (round.state === "SOLVING" ? "pins.solving" : "pins.over") : "pins.not.yours");
  if (!change && held === 0) return <Nothing title={t("pins.nothing")} note={why} />;
  return (
    <>
      <div className="figures four">
        <Figure label={t("pins")} value={number(round.pins.length)} note={t("pins.note")} />
        <Figure label={t("forbids")} value={number(forbids.length)} note={t("forbids.note")} />
        <Figure label={t("rests")} value={number(rests.length)} note={t("rests.note")} />
        <Figure label={t("pins.in.plan")} value={held && events ? `${held - open} / ${held}` : "—"} note={!events ? t("pins.no.plan") : open ? t("pins.next.solve") : held ? t("pins.all.kept") : t("pins.nothing.held")} tone={held && events ? (open ? "" : "good") : ""} />
      </div>
      {!change && <p className="quiet pins-over">{why}</p>}
      <div className="columns thirds">
        <Card title={t("pins")}>
          <ul className="pin-list">
            {round.pins.map((pin) => (
              <li key={`${pin.request} ${pin.seat} ${pin.expert}`}>
                <span className="held">
                  {person(pin.expert)}
                  <a href={`/console/requests/${idOf(pin.request)}?state=ALL`} onClick={follow}>
                    {titleOf(pin.request)}
                  </a>
                  <small>{[places.has(pin.request) && district(places.get(pin.request)!), pin.start_time ? `${dayLong(pin.start_time)} ${clock(pin.start_time)}` : t("pin.any.time"), pin.seat > 0 && t("seat.number", { count: pin.seat + 1 })].filter(Boolean).join(" · ")}</small>
                  <Kept how={ofPin(pin)} />
                </span>
                {change && (
                  <Button size="small" type="text" onClick={() => void write("pins:remove", { pin })} aria-label={`${t("remove")} ${nameOf(pin.expert)}`}>
                    {t("remove")}
                  </Button>
                )}
              </li>
            ))}
          </ul>
          {round.pins.length === 0 && <None icon="pin" text={t("pins.none")} to={data && change ? withQuery({ tab: "timeline" }) : undefined} link={t("tab.timeline")} />}
          {change && <NewPin experts={experts} requests={requests} write={(body) => write("pins:add", body)} />}
        </Card>
        <Card title={t("forbids")}>
          <ul className="pin-list">
            {forbids.map((one) => (
              <li key={`${one.expert} ${one.request} ${one.other}`}>
                <span className="held">
                  {person(one.expert)}
                  <span className="not">
                    <b aria-hidden="true">✕</b> {one.request ? titleOf(one.request) : one.other ? person(one.other) : t("any")}
                  </span>
                  <Kept how={ofForbid(one)} />
                </span>
                {change && <Remove forbid={one} name={nameOf(one.expert)} write={write} />}
              </li>
            ))}
          </ul>
          {forbids.length === 0 && <None icon="warning" text={t("forbids.none")} />}
          {change && <NewForbid experts={experts} requests={requests} write={(body) => write("forbids:add", body)} />}
        </Card>
        <Card title={t("rests")}>
          <ul className="pin-list">
            {rests.map((one) => (
              <li key={`${one.expert} ${one.period!.start_date}`}>
                <span className="held">
                  {person(one.expert)}
                  <Strip round={round} start={one.period!.start_date} end={one.period!.end_date} />
                  <small>
                    {dayLong(`${one.period!.start_date}T04:00:00Z`)} – {dayLong(`${addDays(one.period!.end_date, -1)}T04:00:00Z`)} · {t("days", { count: daysBetween(one.period!.start_date, one.period!.end_date) })}
                  </small>
                  <Kept how={ofForbid(one)} />
                </span>
                {change && <Remove forbid={one} name={nameOf(one.expert)} write={write} />}
              </li>
            ))}
          </ul>
          {rests.length === 0 && <None icon="calendar" text={t("rests.none")} />}
          {change && <NewRest round={round} experts={experts} write={(body) => write("forbids:add", body)} />}
        </Card>
      </div>
    </>
  );
}

/** Whether the plan at hand is as was wished; one that came before the wish need not be. */
const Kept = ({ how }: { how: Keeping }) => (how === "unknown" ? null : <span className={`state ${how === "kept" ? "green" : "amber"}`}>{t(`pins.is.${how}`)}</span>);

const None = ({ icon, text, to, link }: { icon: "pin" | "warning" | "calendar"; text: string; to?: string; link?: string }) => (
  <div className="none-held">
    <Glyph name={icon} size={22} />
    <p>{text}</p>
    {to && (
      <a href={to} onClick={follow}>
        {link}
      </a>
    )}
  </div>
);

/** The round's days, those of rest filled in. */
function Strip({ round, start, end }: { round: Round; start: string; end: string }) {
  const first = round.horizon?.start_date ?? start;
  const days = round.horizon ? daysBetween(first, round.horizon.end_date) : 0;
  return (
    <span className="rest-strip" aria-hidden="true">
      {Array.from({ length: days }, (_, index) => {
        const day = addDays(first, index);
        return <i key={day} className={start <= day && day < end ? "rest" : ""} />;
      })}
    </span>
  );
}

const Remove = ({ forbid, name, write }: { forbid: Forbid; name: string; write: (what: string, body: object) => Promise<boolean> }) => (
  <Button size="small" type="text" onClick={() => void write("forbids:remove", { forbid })} aria-label={`${t("remove")} ${name}`}>
    {t("remove")}
  </Button>
);

type Options = { value: string; label: string }[];
type Write = (body: object) => Promise<boolean>;
const search = { optionFilterProp: "label" } as const;

function useSending(write: Write, reset: () => void) {
  const [busy, setBusy] = useState(false);
  return {
    busy,
    send: async (body: object) => {
      setBusy(true);
      if (await write(body)) reset();
      setBusy(false);
    },
  };
}

function NewPin({ experts, requests, write }: { experts: Options; requests: Options; write: Write }) {
  const [form] = Form.useForm<{ expert: string; request: string; seat?: number; start?: dayjs.Dayjs }>();
  const { busy, send: keep } = useSending(write, () => form.resetFields());
  return (
    <Form
      form={form}
      layout="vertical"
      className="small-form"
      requiredMark={false}
      onFinish={(filled) => void keep({ pin: { expert: filled.expert, request: filled.request, seat: (filled.seat ?? 1) - 1, start_time: filled.start ? new Date(`${filled.start.format("YYYY-MM-DDTHH:mm")}:00+08:00`).toISOString() : null } })}
    >
      <Form.Item name="expert" label={t("expert")} rules={[{ required: true, message: t("needed") }]}>
        <Select showSearch={search} options={experts} />
      </Form.Item>
      <Form.Item name="request" label={t("request")} rules={[{ required: true, message: t("needed") }]}>
        <Select showSearch={search} options={requests} />
      </Form.Item>
      <div className="field-row">
        <Form.Item name="seat" label={t("seat")}>
          <InputNumber min={1} max={12} placeholder="1" />
        </Form.Item>
        <Form.Item name="start" label={t("pin.start")}>
          <DatePicker showTime={{ format: "HH:mm", minuteStep: 15 }} format="MM-DD HH:mm" previewValue={false} />
        </Form.Item>
      </div>
      <Button htmlType="submit" loading={busy} block>
        {t("pins.add")}
      </Button>
    </Form>
  );
}

function NewForbid({ experts, requests, write }: { experts: Options; requests: Options; write: Write }) {
  const [form] = Form.useForm<{ expert: string; what?: string }>();
  const { busy, send: keep } = useSending(write, () => form.resetFields());
  return (
    <Form
      form={form}
      layout="vertical"
      className="small-form"
      requiredMark={false}
      onFinish={(filled) => void keep({ forbid: { expert: filled.expert, request: filled.what?.startsWith("requests/") ? filled.what : "", other: filled.what?.startsWith("experts/") ? filled.what : "" } })}
    >
      <Form.Item name="expert" label={t("expert")} rules={[{ required: true, message: t("needed") }]}>
        <Select showSearch={search} options={experts} />
      </Form.Item>
      <Form.Item name="what" label={t("forbid.what")} extra={t("forbid.what.note")}>
        <Select allowClear showSearch={search} options={[{ label: t("experts"), options: experts }, { label: t("requests"), options: requests }]} />
      </Form.Item>
      <Button htmlType="submit" loading={busy} block>
        {t("forbids.add")}
      </Button>
    </Form>
  );
}

function NewRest({ round, experts, write }: { round: Round; experts: Options; write: Write }) {
  const [form] = Form.useForm<{ expert: string; days: [dayjs.Dayjs, dayjs.Dayjs] }>();
  const { busy, send: keep } = useSending(write, () => form.resetFields());
  const first = dayjs(round.horizon?.start_date);
  const last = dayjs(round.horizon?.end_date).subtract(1, "day");
  return (
    <Form
      form={form}
      layout="vertical"
      className="small-form"
      requiredMark={false}
      onFinish={(filled) => void keep({ forbid: { expert: filled.expert, request: "", other: "", period: { start_date: filled.days[0].format("YYYY-MM-DD"), end_date: filled.days[1].add(1, "day").format("YYYY-MM-DD") } } })}
    >
      <Form.Item name="expert" label={t("expert")} rules={[{ required: true, message: t("needed") }]}>
        <Select showSearch={search} options={experts} />
      </Form.Item>
      <Form.Item name="days" label={t("rest.days")} rules={[{ required: true, message: t("needed") }]}>
        <DatePicker.RangePicker minDate={first} maxDate={last} defaultPickerValue={[first, last]} previewValue={false} />
      </Form.Item>
      <Button htmlType="submit" loading={busy} block>
        {t("rests.add")}
      </Button>
    </Form>
  );
}
