// Two plans of one round side by side: stage by stage, who is served by one only, whose visits change, district by district.
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { App, Button, Select } from "antd";
import { useMemo, useState } from "react";
import { Refused, type View, get, idOf, send } from "../shared/api";
import { t } from "../shared/language";
import { follow, setQuery, usePlace, withQuery } from "../shared/router";
import type { Session } from "../shared/session";
import { moment, range } from "../shared/time";
import { type PlanData, useOnePlan, usePlan } from "./data";
import { CityMap, useCity } from "./map";
import { Bar, Card, type Plan, type PlannedEvent, type Round, type Run, Shown, budgetText, number, signed, stageName, stageUnit, stageValue, teamText, together, useNames } from "./parts";
import { planLabel } from "./round";
import { mayRun } from "./rounds";
import { Stages } from "./stages";

const SHOWN = 40;

export default function Compare({ round, plans, shown, data, who }: { round: Round; plans: Plan[]; shown: string; data: PlanData; who: Session }) {
  const { query } = usePlace();
  const id = idOf(round.name);
  const other = query.get("with") ?? idOf(plans.find((one) => idOf(one.name) !== shown)?.name ?? "");
  const second = usePlan(id, other);
  const one = useOnePlan(id, shown);
  const two = useOnePlan(id, other);
  const compared = useQuery({
    queryKey: ["comparison", id, shown, other],
    queryFn: () => get<View<"PlanComparison">>(`rounds/${id}/plans/${shown}/comparison`, { other }),
    enabled: !!other,
    staleTime: Infinity,
  });
  if (plans.length < 2 || !other) return one.data ? <Alone round={round} plan={one.data} who={who} /> : <Shown of={one} rows={10}>{null}</Shown>;
  const options = plans.map((plan, index) => ({ value: idOf(plan.name), label: planLabel(plan, plans.length - index, round) }));
  return (
    <>
      <div className="filters">
        <label className="inline-field">
          <b className="letter">A</b>
          <Select aria-label={t("compare.first")} value={shown} style={{ minWidth: 230 }} onChange={(value) => setQuery({ plan: value }, true)} options={options.filter((plan) => plan.value !== other)} />
        </label>
        <label className="inline-field">
          <b className="letter second">B</b>
          <Select aria-label={t("compare.second")} value={other} style={{ minWidth: 230 }} onChange={(value) => setQuery({ with: value }, true)} options={options.filter((plan) => plan.value !== shown)} />
        </label>
      </div>
      <Shown of={compared} rows={10}>
        {second.data && one.data && two.data && compared.data && (
          <div className="columns even">
            <div className="stack">
              <Values first={one.data} second={two.data} />
              <MapDifference first={data} second={second.data} />
            </div>
            <div className="stack">
              <Changes title={t("compare.only.first")} letter="A" names={compared.data.only_first} from={data} />
              <Changes title={t("compare.only.second")} letter="B" names={compared.data.only_second} from={second.data} />
              <Changed names={compared.data.changed} first={data} second={second.data} />
              <People first={data} second={second.data} />
            </div>
          </div>
        )}
      </Shown>
    </>
  );
}

/** One plan is beside what first come, first served would have given, and beside its own bounds, until there is another. */
function Alone({ round, plan, who }: { round: Round; plan: Plan; who: Session }) {
  const stage = (name: string) => plan.stages.find((one) => one.stage === name)?.value ?? 0;
  const { baseline } = plan;
  const rows = baseline
    ? [
        { key: "served", name: t("served"), unit: t("requests.unit"), ours: plan.served, theirs: baseline.served, whole: plan.served + plan.unserved, text: number },
        { key: "need", name: stageName("NEED"), unit: stageUnit("NEED"), ours: stage("NEED"), theirs: baseline.need, whole: Math.max(stage("NEED"), baseline.need), text: number },
        { key: "floor", name: stageName("FLOOR"), unit: stageUnit("FLOOR"), ours: stage("FLOOR"), theirs: baseline.floor, whole: 1000, text: (value: number) => stageValue("FLOOR", value) },
      ]
    : [];
  return (
    <div className="columns even">
      <Card title={t("compare.baseline")} extra={<span className="quiet">{t("compare.baseline.note")}</span>}>
        {rows.length === 0 && <p className="quiet">{t("compare.baseline.none")}</p>}
        <div className="versus">
          {rows.map((row) => (
            <section key={row.key}>
              <h3>
                {row.name} <small className="quiet">{row.unit}</small>
                <b className={row.ours > row.theirs ? "up" : row.ours < row.theirs ? "down" : "quiet"}>
                  {row.ours > row.theirs ? "+" : row.ours < row.theirs ? "−" : ""}
                  {row.text(Math.abs(row.ours - row.theirs))}
                </b>
              </h3>
              <div>
                <span>{t("compare.this")}</span>
                <Bar part={row.ours} whole={row.whole} />
                <span className="num">{row.text(row.ours)}</span>
              </div>
              <div className="quiet">
                <span>{t("compare.first.come")}</span>
                <Bar part={row.theirs} whole={row.whole} tone="idle" />
                <span className="num">{row.text(row.theirs)}</span>
              </div>
            </section>
          ))}
        </div>
        <Another round={round} who={who} />
      </Card>
      <Card title={t("compare.proven")} extra={<span className="quiet">{t("stages.note")}</span>}>
        <Stages plan={plan} steps={[]} />
      </Card>
    </div>
  );
}

/** The second plan, one tap away where the round still takes one; elsewhere when it could come. */
function Another({ round, who }: { round: Round; who: Session }) {
  const client = useQueryClient();
  const { message } = App.useApp();
  const [busy, setBusy] = useState(false);
  const id = idOf(round.name);
  const runs = useQuery({ queryKey: ["runs", id, round.state], queryFn: () => get<View<"RunsShown">>(`rounds/${id}/runs`).then((answer) => answer.runs) });
  const last = runs.data?.[0];
  const able = mayRun(who) && round.state === "PROPOSED" && last;
  async function solve(run: Run) {
    setBusy(true);
    try {
      await send(`rounds/${id}/runs`, { seconds: run.seconds, seed: run.seed + 1, iterations: run.iterations, warm_plan: "" });
      message.success(t("solve.started"));
    } catch (error) {
      message.error(error instanceof Refused ? error.message : t("failed"));
    } finally {
      setBusy(false);
      await client.invalidateQueries();
    }
  }
  return (
    <div className="another">
      <span>
        <strong>{t("compare.one")}</strong>
        <small>{t(able ? "compare.one.note" : round.state === "SOLVING" ? "compare.one.solving" : "compare.one.later")}</small>
      </span>
      {able && (
        <Button loading={busy} onClick={() => void solve(last)}>
          {t("compare.one.solve", { seed: last.seed + 1, budget: budgetText(last) })}
        </Button>
      )}
    </div>
  );
}

function Values({ first, second }: { first: Plan; second: Plan }) {
  const others = new Map(second.stages.map((one) => [one.stage, one]));
  const lines: [string, string, number, number][] = [
    [t("served"), t("requests.unit"), first.served, second.served],
    [t("assignments"), t("assignments.note"), first.assignments, second.assignments],
  ];
  return (
    <Card title={t("compare.values")} extra={<span className="quiet">{first.create_time && second.create_time && `${moment(first.create_time)} / ${moment(second.create_time)}`}</span>}>
      <table className="plain-table">
        <thead>
          <tr>
            <th scope="col">{t("stage")}</th>
            <th scope="col" className="num">A</th>
            <th scope="col" className="num">B</th>
            <th scope="col" className="num">B − A</th>
          </tr>
        </thead>
        <tbody>
          {lines.map(([label, unit, a, b]) => (
            <tr key={label}>
              <th scope="row">
                {label}
                <small className="unit">{unit}</small>
              </th>
              <td className="num">{number(a)}</td>
              <td className="num">{number(b)}</td>
              <td className={`num ${b > a ? "up" : b < a ? "down" : "quiet"}`}>{b > a ? "+" : ""}{number(b - a)}</td>
            </tr>
          ))}
          {first.stages.map((one) => {
            const other = others.get(one.stage);
            const by = (other?.value ?? 0) - one.value;
            return (
              <tr key={one.stage}>
                <th scope="row">
                  {stageName(one.stage)}
                  <small className="unit">{stageUnit(one.stage)}</small>
                </th>
                <td className="num">{stageValue(one.stage, one.value)}</td>
                <td className="num">{other ? stageValue(one.stage, other.value) : "—"}</td>
                <td className={`num ${by > 0 ? "up" : by < 0 ? "down" : "quiet"}`}>{other ? signed(one.stage, by) : "—"}</td>
              </tr>
            );
          })}
        </tbody>
      </table>
      <p className="fine">{t("compare.order")}</p>
    </Card>
  );
}

const sums = (data: PlanData) => {
  const found = new Map<string, number>();
  for (const one of data.events) found.set(one.district, (found.get(one.district) ?? 0) + 1);
  return found;
};

/** Districts by how many more or fewer events B sends there; two ways from the middle, told apart with any colour sight. */
function MapDifference({ first, second }: { first: PlanData; second: PlanData }) {
  const { city, asked } = useCity();
  const { district } = useNames();
  const [a, b] = useMemo(() => [sums(first), sums(second)], [first, second]);
  const by = (node: string) => (b.get(node) ?? 0) - (a.get(node) ?? 0);
  const moved = [...new Set([...a.keys(), ...b.keys()])].filter((node) => by(node)).sort((one, other) => Math.abs(by(other)) - Math.abs(by(one)));
  const fill = (node: string) => (by(node) === 0 ? "var(--map-same)" : `var(--diff-${by(node) > 0 ? "more" : "less"}-${Math.min(3, Math.abs(by(node)))})`);
  const note = (node: string) => (by(node) ? `${by(node) > 0 ? "+" : "−"}${Math.abs(by(node))}` : "");
  return (
    <Card title={t("compare.map")} extra={<span className="quiet">{t("events.unit")}, B − A</span>}>
      <div className="map-box compact">
        <Shown of={asked} rows={8}>
          {city && <CityMap city={city} look={{ fill, note, label: (area) => `${area.name} ${note(area.node) || "0"}` }} />}
        </Shown>
      </div>
      <p className="legend">
        <span>
          <i style={{ background: "var(--diff-less-2)" }} />
          {t("compare.fewer")}
        </span>
        <span>
          <i style={{ background: "var(--map-same)" }} />
          {t("compare.same")}
        </span>
        <span>
          <i style={{ background: "var(--diff-more-2)" }} />
          {t("compare.more")}
        </span>
        <strong className="sketch push">{t("map.sketch")}</strong>
      </p>
      {moved.length === 0 ? <p className="quiet">{t("compare.nothing")}</p> : <p className="quiet">{together(moved.slice(0, 8).map((node) => `${district(node)} ${note(node)}`))}</p>}
    </Card>
  );
}

function Changes({ title, letter, names, from }: { title: string; letter: string; names: string[]; from: PlanData }) {
  const { district } = useNames();
  const events = useMemo(() => new Map(from.events.map((one) => [one.request, one])), [from]);
  return (
    <Card title={title} extra={<span className="tab-count">{names.length}</span>}>
      {names.length === 0 && <p className="quiet">{t("compare.nothing")}</p>}
      <ul className="small-list">
        {names.slice(0, SHOWN).map((name) => {
          const one = events.get(name);
          return (
            <li key={name}>
              <a href={withQuery({ why: idOf(name) })} onClick={follow}>
                <b className={`letter ${letter === "B" ? "second" : ""}`}>{letter}</b> {one ? `${one.venue_display_name} · ${one.title}` : idOf(name)}
              </a>
              {one && (
                <span className="quiet">
                  {district(one.district)} · {range(one.period)} · {teamText(one)}
                </span>
              )}
            </li>
          );
        })}
      </ul>
      {names.length > SHOWN && <p className="quiet">{t("and.more", { count: names.length - SHOWN })}</p>}
    </Card>
  );
}

const teamOf = (one: PlannedEvent | undefined) => (one ? teamText(one) : "—");

function Changed({ names, first, second }: { names: string[]; first: PlanData; second: PlanData }) {
  const [a, b] = useMemo(() => [new Map(first.events.map((one) => [one.request, one])), new Map(second.events.map((one) => [one.request, one]))], [first, second]);
  return (
    <Card title={t("compare.changed")} extra={<span className="tab-count">{names.length}</span>}>
      {names.length === 0 && <p className="quiet">{t("compare.nothing")}</p>}
      <ul className="small-list">
        {names.slice(0, SHOWN).map((name) => {
          const [one, other] = [a.get(name), b.get(name)];
          const sameTime = one?.period?.start_time === other?.period?.start_time;
          return (
            <li key={name}>
              <a href={withQuery({ why: idOf(name) })} onClick={follow}>
                {one?.venue_display_name} · {one?.title}
              </a>
              <span className="quiet">
                {sameTime ? range(one?.period ?? null) : `${range(one?.period ?? null)} → ${range(other?.period ?? null)}`}
                {teamOf(one) !== teamOf(other) && ` · ${teamOf(one)} → ${teamOf(other)}`}
              </span>
            </li>
          );
        })}
      </ul>
      {names.length > SHOWN && <p className="quiet">{t("and.more", { count: names.length - SHOWN })}</p>}
    </Card>
  );
}

/** Whose number of visits changes. */
function People({ first, second }: { first: PlanData; second: PlanData }) {
  const rows = useMemo(() => {
    const found = new Map<string, { name: string; a: number; b: number }>();
    for (const [data, key] of [[first, "a"], [second, "b"]] as const)
      for (const event of data.events)
        for (const member of event.team) {
          const row = found.get(member.expert) ?? { name: member.display_name, a: 0, b: 0 };
          row[key] += 1;
          found.set(member.expert, row);
        }
    return [...found.values()].filter((row) => row.a !== row.b).sort((x, y) => Math.abs(y.b - y.a) - Math.abs(x.b - x.a));
  }, [first, second]);
  return (
    <Card title={t("compare.people")} extra={<span className="tab-count">{rows.length}</span>}>
      {rows.length === 0 && <p className="quiet">{t("compare.nothing")}</p>}
      <table className="plain-table dense">
        <tbody>
          {rows.slice(0, 15).map((row) => (
            <tr key={row.name + row.a}>
              <th scope="row">{row.name}</th>
              <td className="num">{row.a}</td>
              <td className="num">→ {row.b}</td>
              <td className={`num ${row.b > row.a ? "up" : "down"}`}>{row.b > row.a ? "+" : "−"}{Math.abs(row.b - row.a)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </Card>
  );
}
