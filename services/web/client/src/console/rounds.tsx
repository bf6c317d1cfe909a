// The list of rounds, and opening one.
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { App, Button, DatePicker, Drawer, Form, Input, Select } from "antd";
import dayjs from "dayjs";
import { useState } from "react";
import { Refused, type View, all, get, idOf, newKey, send } from "../shared/api";
import { either, t } from "../shared/language";
import { follow, go, setQuery, usePlace } from "../shared/router";
import type { Session } from "../shared/session";
import { addDays, daysBetween, moment } from "../shared/time";
import { Card, Page, type Round, Shown, State, number, useNames } from "./parts";
import { Steps } from "./steps";

export const mayRun = (who: Session) => who.roles.some((role) => role.endsWith("COORDINATOR") || role === "ADMIN");

export function horizonText(round: Round): string {
  if (!round.horizon) return "";
  const last = addDays(round.horizon.end_date, -1);
  return `${round.horizon.start_date} – ${last} · ${t("days", { count: daysBetween(round.horizon.start_date, round.horizon.end_date) })}`;
}

export function Rounds({ who }: { who: Session }) {
  const { query } = usePlace();
  const rounds = useQuery({ queryKey: ["rounds"], queryFn: () => all<Round, "rounds">("rounds", "rounds"), refetchInterval: 15_000 });
  const opening = query.get("new") !== null;
  return (
    <Page
      title={t("rounds")}
      lead={t("rounds.lead")}
      actions={
        mayRun(who) && (
          <Button type="primary" onClick={() => setQuery({ new: "" })}>
            {t("round.open")}
          </Button>
        )
      }
    >
      <Shown of={rounds} none={rounds.data?.length === 0 && t("rounds.none")}>
        <ul className="round-list">
          {rounds.data?.map((round) => <RoundRow key={round.name} round={round} />)}
        </ul>
      </Shown>
      <NewRound open={opening} onClose={() => setQuery({ new: null })} />
    </Page>
  );
}

function RoundRow({ round }: { round: Round }) {
  const { district } = useNames();
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
            {round.nodes.length > 0 && ` · ${round.nodes.slice(0, 3).map(district).join("、")}${round.nodes.length > 3 ? "…" : ""}`}
          </div>
        </div>
        <Steps state={round.state} small />
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
        <div className="quiet round-when">{round.create_time && moment(round.create_time)}</div>
      </a>
    </li>
  );
}

type Filled = { title: string; horizon: [dayjs.Dayjs, dayjs.Dayjs]; policy?: string; nodes?: string[] };

function NewRound({ open, onClose }: { open: boolean; onClose: () => void }) {
  const { message } = App.useApp();
  const client = useQueryClient();
  const { reference } = useNames();
  const [form] = Form.useForm<Filled>();
  const [key, setKey] = useState(newKey);
  const [busy, setBusy] = useState(false);
  const policies = useQuery({ queryKey: ["policies"], queryFn: () => get<View<"PoliciesShown">>("policies"), enabled: open, staleTime: 600_000 });
  async function file(values: Filled) {
    setBusy(true);
    try {
      const horizon = { start_date: values.horizon[0].format("YYYY-MM-DD"), end_date: values.horizon[1].add(1, "day").format("YYYY-MM-DD") };
      const made = await send<View<"RoundAnswer">>("rounds", { title: values.title, horizon, policy: values.policy ?? "", nodes: values.nodes ?? [] }, key);
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
          <DatePicker.RangePicker style={{ width: "100%" }} />
        </Form.Item>
        <Form.Item name="policy" label={t("round.policy")}>
          <Select
            allowClear
            placeholder={t("round.policy.default")}
            loading={policies.isPending && open}
            options={policies.data?.policies.map((one) => ({ value: one.name, label: either(one.display_name, one.display_name_en) }))}
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
        <Button type="primary" htmlType="submit" loading={busy} block size="large">
          {t("round.open")}
        </Button>
      </Form>
    </Drawer>
  );
}

export { Card };
