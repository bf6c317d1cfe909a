// One round: where it stands, what can be done next, and everything about its plan.
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Alert, App, Button, Dropdown, InputNumber, Modal, Popover, Select, Tabs } from "antd";
import { Suspense, lazy, useMemo, useState } from "react";
import { Refused, type View, all, get, idOf, newKey, send } from "../shared/api";
import { either, t, word } from "../shared/language";
import { follow, setQuery, usePlace } from "../shared/router";
import { Glyph } from "../shared/glyph";
import type { Session } from "../shared/session";
import { addDays, instant, localDay, moment } from "../shared/time";
import { CoverageView } from "./coverage";
import { EventsTable } from "./events";
import { Findings } from "./findings";
import { Figure, Page, type Plan, type PlannedEvent, type Round, type Run, Shown, State, type Unserved, gapText, number } from "./parts";
import { Pins } from "./pins";
import { horizonText, mayRun } from "./rounds";
import { Steps } from "./steps";
import { Timeline } from "./timeline";
import { UnservedList } from "./unserved";
import { Why } from "./why";

const Solve = lazy(() => import("./solve"));
const PlanMap = lazy(() => import("./map"));

export type PlanData = { events: PlannedEvent[]; unserved: Unserved[]; coverage: View<"Coverage">[] };

export default function RoundPage({ id, who }: { id: string; who: Session }) {
  const { query } = usePlace();
  const round = useQuery({
    queryKey: ["round", id],
    queryFn: () => get<View<"RoundAnswer">>(`rounds/${id}`).then((answer) => answer.round),
    refetchInterval: (asked) => (asked.state.data?.state === "SOLVING" ? 2_000 : 10_000),
  });
  const one = round.data;
  const tab = query.get("tab") ?? "overview";
  if (!one)
    return (
      <Page title={t("round")}>
        <Shown of={round}>{null}</Shown>
      </Page>
    );
  return (
    <Page
      title={
        <>
          <a className="back" href="/console" onClick={follow} aria-label={t("rounds")}>
            <Glyph name="back" size={18} />
          </a>
          {one.title} <State kind="round" value={one.state} />
        </>
      }
      lead={
        <>
          {horizonText(one)}
          {one.inputs_hash && (
            <span title={one.inputs_hash}>
              {" · "}
              {t("inputs.hash")} <code>{one.inputs_hash.slice(0, 12)}</code>
            </span>
          )}
          {one.signed_by && ` · ${t("signed")}`}
          {one.publish_time && ` · ${t("published.at", { time: moment(one.publish_time) })}`}
        </>
      }
      actions={<Actions round={one} who={who} />}
    >
      <Steps state={one.state} />
      <Body round={one} who={who} tab={tab} />
    </Page>
  );
}

function Body({ round, who, tab }: { round: Round; who: Session; tab: string }) {
  const id = idOf(round.name);
  const { query } = usePlace();
  const runs = useQuery({
    queryKey: ["runs", id, round.state],
    queryFn: () => get<View<"RunsShown">>(`rounds/${id}/runs`).then((answer) => answer.runs),
    enabled: round.state !== "OPEN",
    refetchInterval: round.state === "SOLVING" ? 3_000 : false,
  });
  const plans = useQuery({
    queryKey: ["plans", id, round.state, round.plan],
    queryFn: () => get<View<"PlansShown">>(`rounds/${id}/plans`).then((answer) => answer.plans),
    enabled: round.state !== "OPEN",
  });
  const planId = query.get("plan") ?? (round.plan ? idOf(round.plan) : plans.data?.[0] ? idOf(plans.data[0].name) : "");
  const plan = useQuery({
    queryKey: ["plan", id, planId],
    queryFn: () => get<View<"PlanAnswer">>(`rounds/${id}/plans/${planId}`).then((answer) => answer.plan),
    enabled: !!planId,
    staleTime: Infinity,
  });
  const data = useQuery({
    queryKey: ["plan-data", id, planId],
    queryFn: async (): Promise<PlanData> => {
      const [events, unserved, coverage] = await Promise.all([
        all<PlannedEvent, "events">(`rounds/${id}/plans/${planId}/events`, "events"),
        all<Unserved, "unserved">(`rounds/${id}/plans/${planId}/unserved`, "unserved"),
        all<View<"Coverage">, "coverage">(`rounds/${id}/coverage`, "coverage"),
      ]);
      return { events, unserved, coverage };
    },
    enabled: !!planId,
    staleTime: 60_000,
  });
  const why = query.get("why");
  const waiting = !planId;
  const items = [
    { key: "overview", label: t("tab.overview") },
    { key: "map", label: t("tab.map"), disabled: waiting },
    { key: "timeline", label: t("tab.timeline"), disabled: waiting },
    { key: "events", label: counted(t("tab.events"), data.data?.events.length), disabled: waiting },
    { key: "districts", label: t("tab.districts"), disabled: waiting },
    { key: "unserved", label: counted(t("tab.unserved"), data.data?.unserved.length), disabled: waiting },
    { key: "pins", label: counted(t("tab.pins"), round.pins.length + round.forbids.length || undefined) },
  ];
  return (
    <>
      {round.state !== "OPEN" && <Figures round={round} plan={plan.data} data={data.data} />}
      <Tabs activeKey={tab} onChange={(key) => setQuery({ tab: key === "overview" ? null : key })} items={items} tabBarExtraContent={<ChoosePlan round={round} who={who} plans={plans.data ?? []} shown={planId} />} />
      <Suspense fallback={null}>
        {tab === "overview" && (round.state === "OPEN" ? <Findings id={id} /> : <Solve round={round} runs={runs.data ?? []} plan={plan.data} who={who} />)}
        {tab !== "overview" && tab !== "pins" && (
          <Shown of={data}>
            {data.data && tab === "map" && <PlanMap data={data.data} />}
            {data.data && tab === "timeline" && <Timeline round={round} data={data.data} planId={planId} who={who} />}
            {data.data && tab === "events" && <EventsTable events={data.data.events} />}
            {data.data && tab === "districts" && <CoverageView coverage={data.data.coverage} />}
            {data.data && tab === "unserved" && <UnservedList rows={data.data.unserved} />}
          </Shown>
        )}
        {tab === "pins" && <Pins round={round} who={who} />}
      </Suspense>
      {why && planId && <Why roundId={id} planId={planId} requestId={why} experts={data.data ? namesIn(data.data.events) : new Map()} onClose={() => setQuery({ why: null })} />}
    </>
  );
}

export function namesIn(events: PlannedEvent[]): Map<string, string> {
  return new Map(events.flatMap((event) => event.team.map((member) => [member.expert, member.display_name] as const)));
}

const counted = (label: string, count: number | undefined) => (
  <>
    {label}
    {count !== undefined && <span className="tab-count">{number(count)}</span>}
  </>
);

function Figures({ round, plan, data }: { round: Round; plan: Plan | undefined; data: PlanData | undefined }) {
  const worst = useMemo(() => {
    const byDistrict = new Map<string, { served: number; target: number }>();
    for (const one of data?.coverage ?? []) {
      const sum = byDistrict.get(one.district) ?? { served: 0, target: 0 };
      sum.served += one.served;
      sum.target += one.target;
      byDistrict.set(one.district, sum);
    }
    const shares = [...byDistrict.values()].filter((one) => one.target > 0).map((one) => one.served / one.target);
    return shares.length ? Math.min(...shares) : null;
  }, [data]);
  const need = plan?.stages.find((stage) => stage.stage === "NEED");
  const total = plan ? plan.served + plan.unserved : round.requests_count;
  return (
    <div className="figures">
      <Figure label={t("requests")} value={number(total)} note={t("experts.count", { count: number(round.experts_count) })} />
      <Figure
        label={t("served")}
        value={plan ? number(plan.served) : "—"}
        note={plan?.baseline ? t("baseline.served", { count: number(plan.baseline.served) }) : plan && total ? `${Math.round((100 * plan.served) / total)}%` : undefined}
        tone="good"
      />
      <Figure label={t("unserved")} value={plan ? number(plan.unserved) : "—"} note={plan ? t("unserved.note") : undefined} tone={plan?.unserved ? "bad" : undefined} />
      <Figure label={t("assignments")} value={plan ? number(plan.assignments) : "—"} />
      <Figure label={t("worst.district")} value={worst === null ? "—" : `${Math.round(100 * worst)}%`} note={t("worst.note")} />
      <Figure label={t("gap.need")} value={gapText(need?.gap)} note={need?.bound != null ? t("bound.proven", { bound: number(need.bound) }) : t("bound.none")} />
    </div>
  );
}

function ChoosePlan({ round, who, plans, shown }: { round: Round; who: Session; plans: Plan[]; shown: string }) {
  const client = useQueryClient();
  const { message } = App.useApp();
  if (plans.length < 2) return null;
  const chosen = round.plan && idOf(round.plan) === shown;
  return (
    <span className="plan-choice">
      <Select
        size="small"
        aria-label={t("plan")}
        value={shown}
        onChange={(plan) => setQuery({ plan: round.plan && idOf(round.plan) === plan ? null : plan })}
        options={plans.map((plan, index) => ({
          value: idOf(plan.name),
          label: `${t("plan")} ${plans.length - index} · ${t("served")} ${plan.served}${plan.name === round.plan ? ` · ${t("plan.chosen")}` : ""}`,
        }))}
        popupMatchSelectWidth={false}
      />
      {!chosen && mayRun(who) && ["PROPOSED"].includes(round.state) && (
        <Button
          size="small"
          onClick={async () => {
            try {
              await send(`rounds/${idOf(round.name)}/plans/${shown}:choose`, { etag: round.etag });
              message.success(t("plan.now.chosen"));
            } catch (error) {
              message.error(error instanceof Refused ? error.message : t("failed"));
            }
            await client.invalidateQueries({ queryKey: ["round"] });
          }}
        >
          {t("plan.choose")}
        </Button>
      )}
    </span>
  );
}

/** The next step as one button; the others in a menu. */
function Actions({ round, who }: { round: Round; who: Session }) {
  const id = idOf(round.name);
  const client = useQueryClient();
  const { message, modal } = App.useApp();
  const [busy, setBusy] = useState("");
  const [keys] = useState(() => new Map<string, string>());
  const policies = useQuery({ queryKey: ["policies"], queryFn: () => get<View<"PoliciesShown">>("policies"), staleTime: 600_000 });
  const policy = policies.data?.policies.find((one) => one.name === round.policy) ?? (round.policy ? undefined : policies.data?.policies[0]);
  const runs = mayRun(who);
  const signs = who.roles.some((role) => role === "LEADER" || role === "ADMIN");
  const signed = !!round.signed_by;

  async function step(name: string, path: string, body: unknown, done: string) {
    setBusy(name);
    // the same step from the same version of the round is the same call, however often it is tried
    const mark = `${name} ${round.etag}`;
    if (!keys.has(mark)) keys.set(mark, newKey());
    try {
      await send(path, body, keys.get(mark));
      message.success(done);
    } catch (error) {
      if (error instanceof Refused && error.status === 409) modal.warning({ title: t("conflict"), content: error.message });
      else message.error(error instanceof Refused ? error.message : t("failed"));
      if (!(error instanceof Refused) || error.status !== 0) keys.delete(mark);
    } finally {
      setBusy("");
      await client.invalidateQueries();
    }
  }
  const sure = (title: string, content: string, ok: () => void, danger = false) => modal.confirm({ title, content, onOk: ok, okButtonProps: { danger } });
  const publish = () =>
    sure(t("publish.sure"), t("publish.note"), () => void step("publish", `rounds/${id}:publish`, { etag: round.etag }, t("published")));
  const needsSignature = policy?.signature && !signed;
  const state = round.state;
  const more = [
    ...(runs && state === "PROPOSED" && policy?.offers ? [{ key: "publish-anyway", label: t("publish"), disabled: needsSignature, onClick: publish }] : []),
    ...(runs && ["OPEN", "FROZEN", "PROPOSED", "OFFERED"].includes(state)
      ? [{ key: "abandon", danger: true, label: t("abandon"), onClick: () => sure(t("abandon.sure"), t("abandon.note"), () => void step("abandon", `rounds/${id}:abandon`, {}, t("abandoned")), true) }]
      : []),
    { key: "print", label: t("print"), onClick: () => window.print() },
  ];
  return (
    <>
      {runs && state === "OPEN" && (
        <Button
          type="primary"
          loading={busy === "freeze"}
          onClick={() => sure(t("freeze.sure"), t("freeze.note"), () => void step("freeze", `rounds/${id}:freeze`, { etag: round.etag }, t("frozen")))}
        >
          {t("freeze")}
        </Button>
      )}
      {runs && ["FROZEN", "PROPOSED"].includes(state) && (
        <StartRun primary={state === "FROZEN"} busy={busy === "solve"} start={(body) => step("solve", `rounds/${id}/runs`, { ...body, warm_plan: "" }, t("solve.started"))} />
      )}
      {runs && state === "SOLVING" && <StopRun id={id} />}
      {signs && ["PROPOSED", "OFFERED"].includes(state) && !signed && (
        <Button
          type="primary"
          loading={busy === "sign"}
          disabled={!round.plan}
          onClick={() => sure(t("sign.sure"), t("sign.note"), () => void step("sign", `rounds/${id}:sign`, { plan: round.plan }, t("signed")))}
        >
          {t("sign")}
        </Button>
      )}
      {runs && state === "PROPOSED" && policy?.offers && <Offer round={round} busy={busy === "offer"} send={(until) => step("offer", `rounds/${id}:offer`, { etag: round.etag, respond_by_time: until }, t("offered"))} />}
      {runs && ((state === "PROPOSED" && !policy?.offers) || state === "OFFERED") && (
        <Button type="primary" loading={busy === "publish"} disabled={needsSignature} title={needsSignature ? t("signature.needed") : undefined} onClick={publish}>
          {needsSignature ? t("signature.needed") : t("publish")}
        </Button>
      )}
      {runs && state === "PUBLISHED" && (
        <Button loading={busy === "close"} onClick={() => sure(t("close.sure"), t("close.note"), () => void step("close", `rounds/${id}:close`, {}, t("closed")))}>
          {t("close.round")}
        </Button>
      )}
      <Dropdown menu={{ items: more }} trigger={["click"]}>
        <Button aria-label={t("more")}>⋯</Button>
      </Dropdown>
    </>
  );
}

function StartRun({ primary, busy, start }: { primary: boolean; busy: boolean; start: (body: { seconds: number; seed: number }) => Promise<void> }) {
  const [seconds, setSeconds] = useState(60);
  const [seed, setSeed] = useState(1);
  const [open, setOpen] = useState(false);
  return (
    <Popover
      trigger="click"
      open={open}
      onOpenChange={setOpen}
      placement="bottomRight"
      content={
        <form
          className="run-form"
          onSubmit={(event) => {
            event.preventDefault();
            setOpen(false);
            void start({ seconds, seed });
          }}
        >
          <label>
            {t("solve.seconds")}
            <InputNumber min={1} max={3600} value={seconds} onChange={(value) => setSeconds(value ?? 60)} suffix={t("seconds")} />
          </label>
          <label>
            {t("solve.seed")}
            <InputNumber min={0} max={2147483647} value={seed} onChange={(value) => setSeed(value ?? 1)} />
          </label>
          <p className="quiet">{t("solve.note")}</p>
          <Button type="primary" htmlType="submit" block>
            {t("solve.start")}
          </Button>
        </form>
      }
    >
      <Button type={primary ? "primary" : "default"} loading={busy}>
        {primary ? t("solve") : t("solve.again")}
      </Button>
    </Popover>
  );
}

function StopRun({ id }: { id: string }) {
  const { message } = App.useApp();
  const [busy, setBusy] = useState(false);
  return (
    <Button
      loading={busy}
      onClick={async () => {
        setBusy(true);
        try {
          const runs = (await get<View<"RunsShown">>(`rounds/${id}/runs`)).runs;
          const working = runs.find((run: Run) => run.state === "WORKING" || run.state === "QUEUED");
          if (working) await send(`rounds/${id}/runs/${idOf(working.name)}:stop`);
          message.info(t("solve.stopping"));
        } catch (error) {
          message.error(error instanceof Refused ? error.message : t("failed"));
        } finally {
          setBusy(false);
        }
      }}
    >
      {t("solve.stop")}
    </Button>
  );
}

function Offer({ round, busy, send: offer }: { round: Round; busy: boolean; send: (until: string) => Promise<void> }) {
  const [open, setOpen] = useState(false);
  const [days, setDays] = useState(3);
  const until = instant(addDays(localDay(new Date()), days), "18:00");
  return (
    <>
      <Button type="primary" loading={busy} onClick={() => setOpen(true)}>
        {t("offer")}
      </Button>
      <Modal open={open} title={t("offer")} onCancel={() => setOpen(false)} okText={t("offer.send")} onOk={() => { setOpen(false); void offer(until); }}>
        <p className="quiet">{t("offer.note")}</p>
        <label className="inline">
          {t("offer.days")} <InputNumber min={1} max={14} value={days} onChange={(value) => setDays(value ?? 3)} /> {moment(until)}
        </label>
        {!round.plan && <Alert type="warning" title={t("plan.none")} />}
      </Modal>
    </>
  );
}

export const stageName = (stage: string) => word("stage", stage);
export const said = (one: { message: string; message_en: string }) => either(one.message, one.message_en);
