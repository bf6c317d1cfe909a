// Two plans of one round side by side: stage by stage, who is served by one only, whose visits change, district by district.
import { useQuery } from "@tanstack/react-query";
import { Select } from "antd";
import { useMemo } from "react";
import { type View, get, idOf } from "../shared/api";
import { t } from "../shared/language";
import { follow, setQuery, usePlace, withQuery } from "../shared/router";
import { moment, range } from "../shared/time";
import { type PlanData, useOnePlan, usePlan } from "./data";
import { CityMap, useCity } from "./map";
import { Card, Nothing, type Plan, type PlannedEvent, type Round, Shown, number, signed, stageName, stageUnit, stageValue, teamText, together, useNames } from "./parts";
import { planLabel } from "./round";

const SHOWN = 40;

export default function Compare({ round, plans, shown, data }: { round: Round; plans: Plan[]; shown: string; data: PlanData }) {
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
  if (plans.length < 2 || !other) return <Nothing title={t("compare.one")} note={t("compare.one.note")} />;
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
      {moved.length > 0 && <p className="quiet">{together(moved.slice(0, 8).map((node) => `${district(node)} ${note(node)}`))}</p>}
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
