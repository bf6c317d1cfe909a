// What a coordinator opens in the morning: where the round stands, what waits for them, who is worst off, and why.
import { useQuery } from "@tanstack/react-query";
import { Button, Select } from "antd";
import { Suspense, lazy, useMemo, useState } from "react";
import { type View, all, get, idOf } from "../shared/api";
import { type Key, either, t, word } from "../shared/language";
import { follow, go, setQuery, usePlace } from "../shared/router";
import { Glyph } from "../shared/glyph";
import type { Session } from "../shared/session";
import { addDays, clock, dayLong, dayMonth, daysBetween, localDay, now, weekday } from "../shared/time";
import { Ranked, byDistrict, coverLook } from "./coverage";
import { CHANGES, type PlanData, empty, eventsByDay, isOff, useCalendar, useOnePlan, usePlan, usePolicies, useRounds } from "./data";
import { useInbox } from "./frame";
import { CityMap, MapLegend, useCity } from "./map";
import { Bar, Card, Figure, Nothing, Page, type Plan, type Round, Shown, State, gapText, number, percent, stageValue, useNames } from "./parts";
import { horizonText, mayRun } from "./rounds";
import { Steps } from "./steps";

const Curve = lazy(() => import("./solve").then((page) => ({ default: page.Curve })));

const CURRENT = ["SOLVING", "PROPOSED", "OFFERED", "FROZEN", "PUBLISHED", "OPEN", "CLOSED"];
/** States in which the round waits for a step of somebody. */
const WAITING = ["OPEN", "FROZEN", "SOLVING", "PROPOSED", "OFFERED"];

/** Rounds worth speaking of: what needs hands most comes first, the whole city before a part of it, what was begun last before the rest. */
function inOrder(rounds: Round[]): Round[] {
  const begun = (one: Round) => one.create_time ?? "";
  return rounds
    .filter((one) => one.state !== "ABANDONED")
    .sort((a, b) => CURRENT.indexOf(a.state) - CURRENT.indexOf(b.state) || Number(a.nodes.length > 0) - Number(b.nodes.length > 0) || begun(b).localeCompare(begun(a)));
}

export default function Overview({ who }: { who: Session }) {
  const { query } = usePlace();
  const rounds = useRounds();
  const shown = useMemo(() => inOrder(rounds.data ?? []), [rounds.data]);
  const round = shown.find((one) => idOf(one.name) === query.get("round")) ?? shown[0];
  const id = round ? idOf(round.name) : "";
  const planId = round?.plan ? idOf(round.plan) : "";
  const data = usePlan(id, planId);
  const plan = useOnePlan(id, planId);
  const [seen, setSeen] = useState("");
  const known = useCalendar(localDay(now()), 1).data?.[0];
  return (
    <Page
      title={t("overview")}
      lead={
        <>
          {dayLong(now())}
          {known?.name && ` · ${known.name}`}
          {known?.term && ` · ${termText(known.term)}`}
        </>
      }
      actions={
        shown.length > 1 && (
          <Select
            aria-label={t("overview.round")}
            value={id}
            showSearch={{ optionFilterProp: "label" }}
            style={{ width: 260 }}
            onChange={(value) => setQuery({ round: value === idOf(shown[0]!.name) ? null : value }, true)}
            options={shown.map((one) => ({ value: idOf(one.name), label: `${one.title} · ${word("round", one.state)}` }))}
          />
        )
      }
    >
      <div className="overview">
        <Card
          className="now-card"
          title={
            round ? (
              <>
                {round.title} <State kind="round" value={round.state} />
              </>
            ) : (
              t("round")
            )
          }
          extra={
            round && (
              <Button type={WAITING.includes(round.state) ? "primary" : "default"} href={`/console/rounds/${id}`} onClick={follow}>
                {t(`next.${round.state}` as Key)}
              </Button>
            )
          }
        >
          <Shown of={rounds}>
            {round ? (
              <>
                <p className="quiet">{horizonText(round)}</p>
                <Steps round={round} />
                <Numbers round={round} plan={plan.data} data={data.data} />
              </>
            ) : (
              <Nothing title={t("rounds.none")} note={t("rounds.lead")}>
                {mayRun(who) && (
                  <a href="/console/rounds?new=" onClick={follow}>
                    {t("round.open")}
                  </a>
                )}
              </Nothing>
            )}
          </Shown>
        </Card>
        <Today rounds={rounds.data ?? []} who={who} />
        {round && planId && (
          <>
            <Where id={id} data={data.data} seen={seen} />
            <Worst id={id} data={data.data} onSee={setSeen} />
            <Card
              className="half"
              title={t("solve.curve")}
              extra={
                <a href={`/console/rounds/${id}`} onClick={follow}>
                  {t("curve.more")}
                </a>
              }
            >
              <div className="curve-room">
                <Suspense fallback={null}>{plan.data && <Curve steps={plan.data.curve} running={false} height={236} />}</Suspense>
              </div>
            </Card>
            <Reasons id={id} data={data.data} />
            <Days round={round} data={data.data} />
          </>
        )}
      </div>
    </Page>
  );
}

function Numbers({ round, plan, data }: { round: Round; plan: Plan | undefined; data: PlanData | undefined }) {
  const id = idOf(round.name);
  const need = plan?.stages.find((one) => one.stage === "NEED");
  const floor = plan?.stages.find((one) => one.stage === "FLOOR");
  const at = (tab: string) => `/console/rounds/${id}?tab=${tab}`;
  const experts = new Set(data?.events.flatMap((one) => one.team.map((member) => member.expert)));
  return (
    <div className="figures flat">
      <Figure label={t("requests")} value={number(round.requests_count)} note={t("experts.count", { count: number(round.experts_count) })} />
      <Figure label={t("served")} value={plan ? number(plan.served) : "—"} note={plan ? `${percent(plan.served, plan.served + plan.unserved)}%` : undefined} to={plan ? at("list") : undefined} tone="good" />
      <Figure label={t("unserved")} value={plan ? number(plan.unserved) : "—"} note={plan ? t("unserved.note") : undefined} to={plan ? at("unserved") : undefined} tone={plan?.unserved ? "bad" : undefined} />
      <Figure label={t("experts.out")} value={data ? number(experts.size) : "—"} note={plan ? t("assignments.count", { count: number(plan.assignments) }) : undefined} to={plan ? at("load") : undefined} />
      <Figure label={t("worst.district")} value={floor ? stageValue("FLOOR", floor.value) : "—"} note={t("floor.note")} to={plan ? at("districts") : undefined} />
      <Figure label={t("gap.need")} value={gapText(need?.gap)} note={need?.bound != null ? t("bound.proven", { bound: number(need.bound) }) : t("bound.none")} to={plan ? `/console/rounds/${id}` : undefined} />
    </div>
  );
}

/** `2026-2027 autumn` as people say it. */
function termText(term: string): string {
  const [years, season] = term.split(" ");
  return season === "autumn" || season === "spring" ? t(`term.${season}`, { years: years ?? "" }) : term;
}

type Task = { key: string; count: number | string; title: string; note: string; to: string; tone: string };

/** What waits for this person, most urgent first. */
function Today({ rounds, who }: { rounds: Round[]; who: Session }) {
  const inbox = useInbox();
  const changes = useQuery({ queryKey: ["requests", "changes"], queryFn: () => get<View<"RequestsShown">>("requests", { change_asked: true, page_size: 100 }), refetchInterval: 30_000 });
  const policies = usePolicies();
  const signs = who.roles.some((role) => role === "LEADER" || role === "ADMIN");
  const runs = mayRun(who);
  const offered = rounds.filter((one) => one.state === "OFFERED");
  const answers = useQuery({
    queryKey: ["assignments", "offered", offered.map((one) => one.name)],
    queryFn: async () => {
      const rows = await Promise.all(offered.map((one) => all<View<"AssignmentShown">, "assignments">("assignments", "assignments", { round: one.name, page_size: 1000 })));
      return rows.flat();
    },
    enabled: offered.length > 0,
  });
  const open = rounds.find((one) => one.state === "OPEN");
  const findings = useQuery({ queryKey: ["findings", open ? idOf(open.name) : ""], queryFn: () => get<View<"RoundFindings">>(`${open!.name}/findings`), enabled: !!open, staleTime: 60_000 });
  const tasks: Task[] = [];
  const waiting = inbox.data?.requests.length ?? 0;
  const overdue = answers.data?.filter(empty) ?? [];
  for (const one of rounds) {
    const id = idOf(one.name);
    const policy = policies.data?.find((other) => other.name === one.policy);
    const to = `/console/rounds/${id}`;
    if (signs && ["PROPOSED", "OFFERED"].includes(one.state) && one.plan && !one.signed_by && policy?.signature) tasks.push({ key: `sign ${id}`, count: "✎", title: t("today.sign"), note: one.title, to, tone: "violet" });
    if (runs && one.state === "PROPOSED") tasks.push({ key: `review ${id}`, count: "◎", title: policy?.offers ? t("today.offer") : policy?.signature && !one.signed_by ? t("today.unsigned") : t("today.publish"), note: one.title, to: `${to}?tab=map`, tone: "blue" });
    if (runs && one.state === "FROZEN") tasks.push({ key: `solve ${id}`, count: "▷", title: t("today.solve"), note: one.title, to, tone: "blue" });
    if (one.state === "SOLVING") tasks.push({ key: `watch ${id}`, count: "◐", title: t("today.watch"), note: one.title, to, tone: "amber" });
    if (runs && one.state === "PUBLISHED" && one.horizon && one.horizon.end_date <= localDay(now())) tasks.push({ key: `close ${id}`, count: "✓", title: t("today.close"), note: one.title, to, tone: "slate" });
  }
  if (overdue.length && offered[0]) tasks.unshift({ key: "declined", count: overdue.length, title: t("today.declined"), note: offered[0].title, to: `/console/rounds/${idOf(offered[0].name)}?tab=offers`, tone: "red" });
  const pending = answers.data?.filter((one) => one.state === "OFFERED").length ?? 0;
  if (pending && offered[0]) tasks.push({ key: "answers", count: pending, title: t("today.answers"), note: offered[0].title, to: `/console/rounds/${idOf(offered[0].name)}?tab=offers`, tone: "amber" });
  const asked = changes.data?.requests.length ?? 0;
  if (asked) tasks.unshift({ key: "changes", count: asked > 99 ? "99+" : asked, title: t("today.changes"), note: t("today.changes.note"), to: `/console/requests?state=${CHANGES}`, tone: "amber" });
  if (waiting) tasks.unshift({ key: "inbox", count: waiting > 99 ? "99+" : waiting, title: t("today.inbox"), note: t("today.inbox.note"), to: "/console/requests", tone: "amber" });
  if (runs && open && findings.data?.findings.length) tasks.push({ key: "findings", count: findings.data.findings.length > 99 ? "99+" : findings.data.findings.length, title: t("today.findings"), note: open.title, to: `/console/rounds/${idOf(open.name)}`, tone: "amber" });
  return (
    <Card title={t("today")} className="today">
      {tasks.length === 0 ? (
        <div className="all-done">
          <Glyph name="check" size={28} />
          <p>{t("today.nothing")}</p>
        </div>
      ) : (
        <ul className="task-list">
          {tasks.map((one) => (
            <li key={one.key}>
              <a href={one.to} onClick={follow} className={`task ${one.tone}`}>
                <b>{one.count}</b>
                <span>
                  <strong>{one.title}</strong>
                  <small>{one.note}</small>
                </span>
                <Glyph name="next" size={16} />
              </a>
            </li>
          ))}
        </ul>
      )}
    </Card>
  );
}

function Where({ id, data, seen }: { id: string; data: PlanData | undefined; seen: string }) {
  const { asked, city } = useCity();
  const look = useMemo(() => coverLook(new Map(byDistrict(data?.coverage ?? []).map((one) => [one.district, one]))), [data]);
  return (
    <Card
      title={t("map")}
      extra={
        <a href={`/console/rounds/${id}?tab=map`} onClick={follow}>
          {t("map.more")}
        </a>
      }
      className="where-card"
    >
      <div className="map-box">
        <Shown of={asked} rows={8}>
          {city && <CityMap city={city} look={look} seen={seen} onChoose={(node) => go(`/console/rounds/${id}?tab=map&district=${encodeURIComponent(node)}`)} />}
        </Shown>
      </div>
      <MapLegend />
    </Card>
  );
}

function Worst({ id, data, onSee }: { id: string; data: PlanData | undefined; onSee: (node: string) => void }) {
  return (
    <Card title={t("coverage.worst")} className="worst" extra={<span className="quiet">{t("worst.note")}</span>}>
      <Ranked rows={byDistrict(data?.coverage ?? [])} most={15} onSee={onSee} to={(node) => `/console/rounds/${id}?tab=map&district=${encodeURIComponent(node)}`} />
      <p className="fine">{t("coverage.source")}</p>
    </Card>
  );
}

function Reasons({ id, data }: { id: string; data: PlanData | undefined }) {
  const counts = useMemo(() => {
    const sums = new Map<string, number>();
    for (const one of data?.unserved ?? []) sums.set(one.why_not, (sums.get(one.why_not) ?? 0) + 1);
    return [...sums].sort((a, b) => b[1] - a[1]);
  }, [data]);
  const most = counts[0]?.[1] ?? 1;
  return (
    <Card title={t("unserved.by.reason")} className="half" extra={<span className="quiet">{t("requests.unit")}</span>}>
      {data && counts.length === 0 && <p className="quiet">{t("unserved.none")}</p>}
      <ol className="ranked">
        {counts.map(([why, count]) => (
          <li key={why}>
            <a href={`/console/rounds/${id}?tab=unserved&reason=${why}`} onClick={follow}>
              {word("why", why)}
            </a>
            <Bar part={count} whole={most} tone="red" />
            <span className="num">{count}</span>
          </li>
        ))}
      </ol>
    </Card>
  );
}

function Days({ round, data }: { round: Round; data: PlanData | undefined }) {
  const first = round.horizon?.start_date ?? "";
  const days = round.horizon ? daysBetween(first, round.horizon.end_date) : 0;
  const calendar = useCalendar(first, days);
  const counts = useMemo(() => eventsByDay(data?.events ?? []), [data]);
  const today = localDay(now());
  const most = Math.max(1, ...counts.values());
  const next = (data?.events ?? []).filter((one) => one.period && localDay(one.period.start_time) >= today).slice(0, 4);
  const { district } = useNames();
  return (
    <Card title={t("overview.days")} extra={<span className="quiet">{t("events.per.day")}</span>}>
      <ul className="day-bars">
        {Array.from({ length: days }, (_, index) => {
          const day = addDays(first, index);
          const count = counts.get(day) ?? 0;
          const at = `${day}T04:00:00Z`;
          return (
            <li key={day} className={`${isOff(calendar.data?.[index]) ? "off" : ""} ${day === today ? "today" : ""}`}>
              <a href={`/console/rounds/${idOf(round.name)}?tab=list&day=${day}`} onClick={follow} aria-label={`${dayLong(at)} ${count}`} title={`${dayLong(at)} · ${count}`}>
                <span className="day-count">{count || ""}</span>
                <i style={{ height: `${(100 * count) / most}%` }} />
                <small>{index === 0 || day.endsWith("-01") ? dayMonth(at) : Number(day.slice(8))}</small>
                {days <= 31 && <small className="quiet">{either(weekday(at).slice(-1), weekday(at).slice(0, 2))}</small>}
              </a>
            </li>
          );
        })}
      </ul>
      <ul className="small-list next-list">
        {next.map((one) => (
          <li key={one.request}>
            <span className="quiet">
              {dayLong(one.period!.start_time)} {clock(one.period!.start_time)} · {district(one.district)}
            </span>
            <a href={`/console/rounds/${idOf(round.name)}?tab=list&why=${idOf(one.request)}`} onClick={follow}>
              {one.venue_display_name} · {one.title}
            </a>
          </li>
        ))}
      </ul>
    </Card>
  );
}
