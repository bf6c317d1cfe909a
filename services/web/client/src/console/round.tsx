// One round: where it stands, what can be done next, and everything about its plan.
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Alert, App, Button, Checkbox, Dropdown, InputNumber, Modal, Popover, Select, Skeleton } from "antd";
import { type ReactNode, Suspense, useLayoutEffect, useRef, useState } from "react";
import { Refused, type View, get, idOf, newKey, send } from "../shared/api";
import { Whole, part } from "../shared/fresh";
import { t } from "../shared/language";
import { follow, go, setQuery, usePlace, withQuery } from "../shared/router";
import { Glyph } from "../shared/glyph";
import type { Session } from "../shared/session";
import { addDays, instant, localDay, moment, now } from "../shared/time";
import { CoverageView } from "./coverage";
import { namesIn, useLive, useOnePlan, usePlan, usePolicies } from "./data";
import { Findings } from "./findings";
import { Figure, Nothing, Page, type Plan, type Round, type Run, Shown, State, gapText, number, percent, signedText, stageValue } from "./parts";
import { horizonText, mayRun } from "./rounds";
import { Steps } from "./steps";
import { UnservedList } from "./unserved";
import { Why } from "./why";

const Solve = part(() => import("./solve"));
const PlanMap = part(() => import("./planmap"));
const Timeline = part(() => import("./timeline"));
const Lists = part(() => import("./events"));
const Load = part(() => import("./load"));
const Compare = part(() => import("./compare"));
const Offers = part(() => import("./offers"));
const Pins = part(() => import("./pins"));
const Proof = part(() => import("./proof"));
const Supply = part(() => import("./supply"));
const Log = part(() => import("./log"));

export default function RoundPage({ id, who }: { id: string; who: Session }) {
  const { query } = usePlace();
  useLive(`round=${id}`);
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
        {round.error instanceof Refused && round.error.status === 404 ? (
          <Nothing title={round.error.message}>
            <a href="/console/rounds" onClick={follow}>
              {t("rounds.all")}
            </a>
          </Nothing>
        ) : (
          <Shown of={round}>{null}</Shown>
        )}
      </Page>
    );
  return (
    <Page
      tab={one.title}
      title={
        <>
          <a className="back" href="/console/rounds" onClick={follow} aria-label={t("rounds")}>
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
          {one.signed_by && ` · ${signedText(one)}`}
          {one.publish_time && ` · ${t("published.at", { time: moment(one.publish_time) })}`}
        </>
      }
      actions={<Actions round={one} who={who} />}
    >
      <Steps round={one} />
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
  const plan = useOnePlan(id, planId);
  const data = usePlan(id, planId);
  const why = query.get("why");
  const waiting = !planId;
  const held = round.pins.length + round.forbids.length;
  const items: [string, string, number | undefined, boolean][] = [
    ["overview", round.state === "OPEN" ? t("tab.check") : t("tab.overview"), undefined, false],
    ["map", t("tab.map"), undefined, waiting],
    ["timeline", t("tab.timeline"), undefined, waiting],
    ["list", t("tab.list"), data.data?.events.length, waiting],
    ["districts", t("tab.districts"), undefined, waiting],
    ["load", t("tab.load"), undefined, waiting],
    ["unserved", t("tab.unserved"), data.data?.unserved.length, waiting],
    ["supply", t("tab.supply"), undefined, waiting],
    ["compare", t("tab.compare"), plans.data && plans.data.length > 1 ? plans.data.length : undefined, waiting],
    ["proof", t("tab.proof"), undefined, waiting],
    ["pins", t("tab.pins"), held || undefined, false],
    ["offers", t("tab.offers"), undefined, waiting],
    ["log", t("tab.log"), undefined, false],
  ];
  const tabs = useReveal(tab, items.map(([, , count]) => count ?? "").join());
  const needsPlan = !["overview", "pins", "log"].includes(tab);
  return (
    <>
      {round.state !== "OPEN" && <Figures round={round} plan={plan.data} reached={round.state === "SOLVING" ? runs.data?.[0]?.progress : null} slim={tab !== "overview"} />}
      <div className="tab-row">
        <nav className="tabs" aria-label={t("tabs")} ref={tabs}>
          {items.map(([key, label, count, off]) =>
            off ? (
              <span key={key} aria-disabled="true">
                {label}
              </span>
            ) : (
              <a key={key} href={withQuery({ tab: key === "overview" ? null : key, why: null })} onClick={follow} aria-current={tab === key ? "page" : undefined}>
                {label}
                {count !== undefined && <span className="tab-count">{number(count)}</span>}
              </a>
            ),
          )}
        </nav>
        <ChoosePlan round={round} who={who} plans={plans.data ?? []} shown={planId} />
      </div>
      <Whole key={tab}>
        <Suspense fallback={<Skeleton active title={false} paragraph={{ rows: 10 }} />}>
          {tab === "overview" && (round.state === "OPEN" ? <Findings id={id} /> : <Solve round={round} runs={runs.data ?? []} plan={plan.data} who={who} />)}
          {needsPlan && waiting && (plans.isPending && round.state !== "OPEN" ? <Skeleton active title={false} paragraph={{ rows: 10 }} /> : <Nothing title={t("plan.none")} note={t(round.state === "OPEN" ? "plan.none.open" : "plan.none.note")} />)}
          {needsPlan && !waiting && (
            <Shown of={data} rows={10}>
              {data.data && tab === "map" && <PlanMap data={data.data} />}
              {data.data && tab === "timeline" && <Timeline round={round} data={data.data} planId={planId} who={who} />}
              {data.data && tab === "list" && <Lists data={data.data} />}
              {data.data && tab === "districts" && <CoverageView data={data.data} />}
              {data.data && tab === "load" && <Load round={round} data={data.data} />}
              {data.data && tab === "unserved" && <UnservedList rows={data.data.unserved} />}
              {data.data && tab === "supply" && <Supply round={id} planId={planId} data={data.data} />}
              {data.data && tab === "compare" && <Compare round={round} plans={plans.data ?? []} shown={planId} data={data.data} who={who} />}
              {plan.data && tab === "proof" && <Proof key={plan.data.name} round={round} plan={plan.data} />}
              {data.data && tab === "offers" && <Offers round={round} who={who} />}
            </Shown>
          )}
          {tab === "pins" && <Pins round={round} who={who} data={data.data} />}
          {tab === "log" && <Log round={round} runs={runs.data ?? []} plans={plans.data ?? []} />}
        </Suspense>
      </Whole>
      {why && planId && <Why round={round} planId={planId} requestId={why} names={data.data ? namesIn(data.data.events) : new Map()} who={who} onClose={() => setQuery({ why: null })} />}
    </>
  );
}

/** Where the tabs do not fit, the one that is open is brought into the middle; once more when counts make them wider. */
function useReveal(tab: string, counts: string) {
  const tabs = useRef<HTMLElement>(null);
  useLayoutEffect(() => {
    const now = tabs.current?.querySelector<HTMLElement>("[aria-current]");
    if (tabs.current && now) tabs.current.scrollLeft = now.offsetLeft - tabs.current.offsetLeft - (tabs.current.clientWidth - now.offsetWidth) / 2;
  }, [tab, counts]);
  return tabs;
}

/** The plan in six numbers; where something else is being read, in one line. */
function Figures({ round, plan, reached, slim }: { round: Round; plan: Plan | undefined; reached: Run["progress"] | undefined; slim: boolean }) {
  const need = plan?.stages.find((stage) => stage.stage === "NEED");
  const floor = plan?.stages.find((stage) => stage.stage === "FLOOR");
  const total = plan ? plan.served + plan.unserved : round.requests_count;
  if (reached)
    return (
      <div className={`figures three live-figures ${slim ? "slim" : ""}`}>
        <Figure label={t("requests")} value={number(round.requests_count)} note={t("experts.count", { count: number(round.experts_count) })} />
        <Figure label={t("served")} value={number(reached.served)} note={t("figures.so.far", { seconds: Math.round(reached.elapsed_s) })} tone="good" />
        <Figure label={t("unserved")} value={number(Math.max(0, round.requests_count - reached.served))} note={t("figures.so.far", { seconds: Math.round(reached.elapsed_s) })} />
      </div>
    );
  return (
    <div className={`figures ${slim ? "slim" : ""}`}>
      <Figure label={t("requests")} value={number(total)} note={t("experts.count", { count: number(round.experts_count) })} />
      <Figure label={t("served")} value={plan ? number(plan.served) : "—"} note={plan?.baseline ? t("baseline.served", { count: number(plan.baseline.served) }) : plan && total ? `${percent(plan.served, total)}%` : undefined} tone="good" />
      <Figure label={t("unserved")} value={plan ? number(plan.unserved) : "—"} note={plan ? t("unserved.note") : undefined} tone={plan?.unserved ? "bad" : undefined} />
      <Figure label={t("assignments")} value={plan ? number(plan.assignments) : "—"} note={plan?.served ? t("assignments.each", { count: (plan.assignments / plan.served).toFixed(1) }) : undefined} />
      <Figure label={t("worst.district")} value={floor ? stageValue("FLOOR", floor.value) : "—"} note={t("floor.note")} />
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
        onChange={(plan) => setQuery({ plan: round.plan && idOf(round.plan) === plan ? null : plan }, true)}
        options={plans.map((plan, index) => ({ value: idOf(plan.name), label: planLabel(plan, plans.length - index, round) }))}
        popupMatchSelectWidth={false}
      />
      {!chosen && mayRun(who) && round.state === "PROPOSED" && (
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

export const planLabel = (plan: Plan, count: number, round: Round): ReactNode =>
  `${t("plan")} ${count} · ${t("served")} ${plan.served}${plan.run ? "" : ` · ${t("plan.by.hand")}`}${plan.name === round.plan ? ` · ${t("plan.chosen")}` : ""}`;

/** The next step as one button; the others in a menu. */
function Actions({ round, who }: { round: Round; who: Session }) {
  const id = idOf(round.name);
  const client = useQueryClient();
  const { message, modal } = App.useApp();
  const [busy, setBusy] = useState("");
  const [keys] = useState(() => new Map<string, string>());
  const policies = usePolicies();
  const policy = policies.data?.find((one) => one.name === round.policy) ?? (round.policy ? undefined : policies.data?.[0]);
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
    ...(round.plan ? [{ key: "print", label: t("print.view"), onClick: () => go(`/console/rounds/${id}/print`) }] : []),
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
        <StartRun primary={state === "FROZEN"} plan={round.plan} busy={busy === "solve"} start={(body) => step("solve", `rounds/${id}/runs`, body, t("solve.started"))} />
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

type Solving = { seconds: number; seed: number; iterations: number; warm_plan: string };

function StartRun({ primary, plan, busy, start }: { primary: boolean; plan: string; busy: boolean; start: (body: Solving) => Promise<void> }) {
  const [seconds, setSeconds] = useState(60);
  const [seed, setSeed] = useState(1);
  const [iterations, setIterations] = useState(0);
  const [warm, setWarm] = useState(true);
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
            void start({ seconds: iterations ? 0 : seconds, seed, iterations, warm_plan: plan && warm ? plan : "" });
          }}
        >
          <label>
            {t("solve.seconds")}
            <InputNumber min={1} max={3600} value={seconds} disabled={iterations > 0} suffix={t("seconds")} onChange={(value) => setSeconds(value ?? 60)} />
          </label>
          <label>
            {t("solve.seed")}
            <InputNumber min={0} max={2147483647} value={seed} onChange={(value) => setSeed(value ?? 1)} />
          </label>
          <label>
            {t("solve.iterations")}
            <InputNumber min={0} max={1_000_000_000} value={iterations} onChange={(value) => setIterations(value ?? 0)} />
          </label>
          {plan && (
            <Checkbox checked={warm} onChange={(event) => setWarm(event.target.checked)}>
              {t("solve.warm")}
            </Checkbox>
          )}
          <p className="quiet">{t("solve.same")}</p>
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
  const until = instant(addDays(localDay(now()), days), "18:00");
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
