// What every solve of this round must keep, and must not do: pins, forbids, rest weeks.
import { useQueryClient } from "@tanstack/react-query";
import { App, Button, DatePicker, Form, InputNumber, Select } from "antd";
import dayjs from "dayjs";
import { useMemo, useState } from "react";
import { Refused, idOf, send } from "../shared/api";
import { t } from "../shared/language";
import { follow } from "../shared/router";
import { Glyph } from "../shared/glyph";
import type { Session } from "../shared/session";
import { addDays, dayLong, moment } from "../shared/time";
import { type PlanData, useAsked, usePeople } from "./data";
import { Card, type Round } from "./parts";
import { mayRun } from "./rounds";

type Forbid = Round["forbids"][number];

export default function Pins({ round, who, data }: { round: Round; who: Session; data: PlanData | undefined }) {
  const client = useQueryClient();
  const { message, modal } = App.useApp();
  const people = usePeople();
  const change = mayRun(who) && ["OPEN", "FROZEN", "PROPOSED"].includes(round.state);
  const planned = useMemo(() => new Map([...(data?.events ?? []), ...(data?.unserved ?? [])].map((one) => [one.request, `${one.venue_display_name} · ${one.title}`])), [data]);
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
  const link = (expert: string) => (
    <a href={`/console/experts/${idOf(expert)}`} onClick={follow}>
      {nameOf(expert)}
    </a>
  );
  return (
    <div className="columns thirds">
      <Card title={t("pins")} extra={<span className="quiet">{t("pins.note")}</span>}>
        {round.pins.length === 0 && <p className="quiet">{t("pins.none")}</p>}
        <ul className="pin-list">
          {round.pins.map((pin) => (
            <li key={`${pin.request} ${pin.seat} ${pin.expert}`}>
              <Glyph name="pin" size={16} />
              <span>
                {link(pin.expert)} →{" "}
                <a href={`/console/requests/${idOf(pin.request)}?state=ALL`} onClick={follow}>
                  {titleOf(pin.request)}
                </a>
                {pin.seat > 0 && <span className="quiet"> · {t("seat.number", { count: pin.seat + 1 })}</span>}
                {pin.start_time && <span className="quiet"> · {moment(pin.start_time)}</span>}
              </span>
              {change && (
                <Button size="small" type="text" onClick={() => void write("pins:remove", { pin })} aria-label={`${t("remove")} ${nameOf(pin.expert)}`}>
                  {t("remove")}
                </Button>
              )}
            </li>
          ))}
        </ul>
        {change && <NewPin experts={experts} requests={requests} write={(body) => write("pins:add", body)} />}
      </Card>
      <Card title={t("forbids")} extra={<span className="quiet">{t("forbids.note")}</span>}>
        {forbids.length === 0 && <p className="quiet">{t("forbids.none")}</p>}
        <ul className="pin-list">
          {forbids.map((one) => (
            <li key={`${one.expert} ${one.request} ${one.other}`}>
              <Glyph name="warning" size={16} />
              <span>
                {link(one.expert)} ✕ {one.request ? titleOf(one.request) : one.other ? link(one.other) : t("any")}
              </span>
              {change && <Remove forbid={one} name={nameOf(one.expert)} write={write} />}
            </li>
          ))}
        </ul>
        {change && <NewForbid experts={experts} requests={requests} write={(body) => write("forbids:add", body)} />}
      </Card>
      <Card title={t("rests")} extra={<span className="quiet">{t("rests.note")}</span>}>
        {rests.length === 0 && <p className="quiet">{t("rests.none")}</p>}
        <ul className="pin-list">
          {rests.map((one) => (
            <li key={`${one.expert} ${one.period!.start_date}`}>
              <Glyph name="calendar" size={16} />
              <span>
                {link(one.expert)} · {dayLong(`${one.period!.start_date}T04:00:00Z`)} – {dayLong(`${addDays(one.period!.end_date, -1)}T04:00:00Z`)}
              </span>
              {change && <Remove forbid={one} name={nameOf(one.expert)} write={write} />}
            </li>
          ))}
        </ul>
        {change && <NewRest round={round} experts={experts} write={(body) => write("forbids:add", body)} />}
      </Card>
    </div>
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
          <DatePicker showTime={{ format: "HH:mm", minuteStep: 15 }} format="MM-DD HH:mm" />
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
        <DatePicker.RangePicker minDate={first} maxDate={last} defaultPickerValue={[first, last]} />
      </Form.Item>
      <Button htmlType="submit" loading={busy} block>
        {t("rests.add")}
      </Button>
    </Form>
  );
}
