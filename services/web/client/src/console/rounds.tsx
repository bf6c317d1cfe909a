// The list of rounds, and opening one.
import { useQueryClient } from "@tanstack/react-query";
import { App, Button, DatePicker, Drawer, Form, Input, Select } from "antd";
import dayjs from "dayjs";
import { useState } from "react";
import { Refused, type View, idOf, newKey, send } from "../shared/api";
import { either, t } from "../shared/language";
import { follow, go, setQuery, usePlace } from "../shared/router";
import type { Session } from "../shared/session";
import { addDays, daysBetween, moment } from "../shared/time";
import { usePolicies, useRounds } from "./data";
import { Nothing, Page, type Round, Shown, State, number, together, useNames } from "./parts";
import { Steps } from "./steps";

export const mayRun = (who: Session) => who.roles.some((role) => role.endsWith("COORDINATOR") || role === "ADMIN");

export function horizonText(round: Round): string {
  if (!round.horizon) return "";
  const last = addDays(round.horizon.end_date, -1);
  return `${round.horizon.start_date} – ${last} · ${t("days", { count: daysBetween(round.horizon.start_date, round.horizon.end_date) })}`;
}

export default function Rounds({ who }: { who: Session }) {
  const { query } = usePlace();
  const rounds = useRounds();
  const opening = query.get("new") !== null;
  const over = (one: Round) => ["CLOSED", "ABANDONED"].includes(one.state);
  const rows = rounds.data ?? [];
  return (
    <Page
      title={t("rounds")}
      lead={t("rounds.lead")}
      actions={
        mayRun(who) && (
          <Button type="primary" onClick={() => setQuery({ new: "" }, true)}>
            {t("round.open")}
          </Button>
        )
      }
    >
      <Shown of={rounds}>
        {rows.length === 0 && <Nothing title={t("rounds.none")} note={t("rounds.lead")} />}
        {[rows.filter((one) => !over(one)), rows.filter(over)].map(
          (part, index) =>
            part.length > 0 && (
              <section key={index} className="round-part">
                <h2 className="sub">
                  {t(index ? "rounds.over" : "rounds.going")} <span className="tab-count">{part.length}</span>
                </h2>
                <ul className="round-list">
                  {part.map((round) => (
                    <RoundRow key={round.name} round={round} />
                  ))}
                </ul>
              </section>
            ),
        )}
      </Shown>
      <NewRound open={opening} onClose={() => setQuery({ new: null })} />
    </Page>
  );
}

function RoundRow({ round }: { round: Round }) {
  const { district } = useNames();
  const policies = usePolicies();
  const policy = policies.data?.find((one) => one.name === round.policy);
  return (
    <li>
      <a className="round-row" href={`/console/rounds/${idOf(round.name)}`} onClick={follow}>
        <div className="round-main">
          <div className="round-title">
            <strong>{round.title}</strong>
            <State kind="round" value={round.state} />
          </div>
          <div className="quiet">
            {horizonText(round)}
            {policy && ` · ${either(policy.display_name, policy.display_name_en)}`}
            {round.nodes.length > 0 && ` · ${together(round.nodes.slice(0, 3).map(district))}${round.nodes.length > 3 ? "…" : ""}`}
          </div>
        </div>
        <Steps round={round} small />
        <dl className="round-counts">
          <div>
            <dt>{t("requests")}</dt>
            <dd>{round.requests_count ? number(round.requests_count) : "—"}</dd>
          </div>
          <div>
            <dt>{t("experts")}</dt>
            <dd>{round.experts_count ? number(round.experts_count) : "—"}</dd>
          </div>
          <div>
            <dt>{t("assignments")}</dt>
            <dd>{round.assignments_count ? number(round.assignments_count) : "—"}</dd>
          </div>
        </dl>
        <div className="quiet round-when">
          {t(round.publish_time ? "round.when.published" : round.freeze_time ? "round.when.frozen" : "round.when.opened")}
          <br />
          {moment(round.publish_time ?? round.freeze_time ?? round.create_time ?? "")}
        </div>
      </a>
    </li>
  );
}

type Filled = { title: string; horizon: [dayjs.Dayjs, dayjs.Dayjs]; policy?: string; nodes?: string[]; programmes?: string[] };

function NewRound({ open, onClose }: { open: boolean; onClose: () => void }) {
  const { message } = App.useApp();
  const client = useQueryClient();
  const { reference } = useNames();
  const [form] = Form.useForm<Filled>();
  const [key, setKey] = useState(newKey);
  const [busy, setBusy] = useState(false);
  const policies = usePolicies();
  async function file(values: Filled) {
    setBusy(true);
    try {
      const horizon = { start_date: values.horizon[0].format("YYYY-MM-DD"), end_date: values.horizon[1].add(1, "day").format("YYYY-MM-DD") };
      const made = await send<View<"RoundAnswer">>("rounds", { title: values.title, horizon, policy: values.policy ?? "", nodes: values.nodes ?? [], programmes: values.programmes ?? [] }, key);
      setKey(newKey());
      form.resetFields();
      await client.invalidateQueries({ queryKey: ["rounds"] });
      go(`/console/rounds/${idOf(made.round.name)}`);
    } catch (error) {
      message.error(error instanceof Refused ? error.message : t("failed"));
    } finally {
      setBusy(false);
    }
  }
  return (
    <Drawer title={t("round.open")} open={open} onClose={onClose} size={420} destroyOnHidden>
      <Form form={form} layout="vertical" onFinish={file} requiredMark={false}>
        <Form.Item name="title" label={t("round.title")} rules={[{ required: true, message: t("needed") }]}>
          <Input maxLength={80} placeholder={t("round.title.example")} autoFocus />
        </Form.Item>
        <Form.Item name="horizon" label={t("round.horizon")} extra={t("round.horizon.note")} rules={[{ required: true, message: t("needed") }]}>
          <DatePicker.RangePicker style={{ width: "100%" }} previewValue={false} />
        </Form.Item>
        <Form.Item name="policy" label={t("round.policy")} extra={t("round.policy.note")}>
          <Select
            allowClear
            placeholder={t("round.policy.default")}
            loading={policies.isPending && open}
            options={policies.data?.map((one) => ({
              value: one.name,
              label: `${either(one.display_name, one.display_name_en)} v${one.version}${one.offers ? ` · ${t("policy.offers")}` : ""}${one.signature ? ` · ${t("policy.signature")}` : ""}`,
            }))}
          />
        </Form.Item>
        <Form.Item name="nodes" label={t("round.scope")} extra={t("round.scope.note")}>
          <Select
            mode="multiple"
            allowClear
            showSearch={{ optionFilterProp: "label" }}
            placeholder={t("round.scope.all")}
            options={reference?.districts.map((one) => ({ value: one.node, label: either(one.zh, one.en) }))}
          />
        </Form.Item>
        <Form.Item name="programmes" label={t("round.programmes")} extra={t("round.programmes.note")}>
          <Select mode="tags" allowClear placeholder={t("round.programmes.all")} tokenSeparators={[",", "，", "、"]} />
        </Form.Item>
        <Button type="primary" htmlType="submit" loading={busy} block size="large">
          {t("round.open")}
        </Button>
      </Form>
    </Drawer>
  );
}
