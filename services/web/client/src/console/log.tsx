// What has happened to a round, step by step, and what its publication changed: the changelog.
import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { type View, all, get, idOf } from "../shared/api";
import { Glyph } from "../shared/glyph";
import { type Key, either, t, word } from "../shared/language";
import { follow, withQuery } from "../shared/router";
import { clock, dayLong, localDay, minutes, moment, range } from "../shared/time";
import { type Assignment, usePlan, usePolicies, useVenues } from "./data";
import { Bar, Card, Figure, type Plan, type Round, type Run, Shown, State, budgetText, gapText, number, percent, together, useNames } from "./parts";

type Step = { key: string; at: string; title: string; tone: string; tag?: string; body?: React.ReactNode };

/** What comes next, by state; nothing once it is over. */
const NEXT: Record<string, Key> = { OPEN: "log.next.OPEN", FROZEN: "log.next.FROZEN", SOLVING: "log.next.SOLVING", PROPOSED: "log.next.PROPOSED", OFFERED: "log.next.OFFERED", PUBLISHED: "log.next.PUBLISHED" };
const OVER = ["CANCELLED", "REPLACED", "DECLINED", "LAPSED", "NO_SHOW"];
const PROMISED = ["OFFERED", "PUBLISHED", "CLOSED"];
const SHOWN = 60;

/** A hash as far as eyes compare it; the whole of it is its title. */
const Hash = ({ value }: { value: string }) => (
  <code title={value}>
    {value.slice(0, 8)}…{value.slice(-8)}
  </code>
);

export default function Log({ round, runs, plans }: { round: Round; runs: Run[]; plans: Plan[] }) {
  const promises = useAssignments(round);
  const steps = useSteps(round, runs, plans, promises.data ?? []);
  const days = useMemo(() => {
    const found = new Map<string, Step[]>();
    for (const one of steps) found.set(localDay(one.at), [...(found.get(localDay(one.at)) ?? []), one]);
    return [...found];
  }, [steps]);
  const next = NEXT[round.state];
  const index = plans.findIndex((one) => one.name === round.plan);
  const before = index >= 0 ? plans[index + 1] : undefined;
  const beside = !!(before && round.plan) || PROMISED.includes(round.state);
  return (
    <>
      {runs.length > 0 && <Summary round={round} runs={runs} plans={plans} promises={promises.data ?? []} />}
      <div className={`columns ${beside ? "even" : ""}`}>
        <Card title={t("log.steps")} extra={<span className="quiet">{t("log.newest")}</span>}>
          <div className="log">
            {next && (
              <ol>
                <li className="next">
                  <span className="mono quiet">{t("log.next")}</span>
                  <div>
                    <strong>{t(next)}</strong>
                  </div>
                </li>
              </ol>
            )}
            {days.map(([day, ofDay]) => (
              <section key={day}>
                <h3>{dayLong(`${day}T04:00:00Z`)}</h3>
                <ol>
                  {ofDay.map((one) => (
                    <li key={one.key} className={one.tone}>
                      <span className="mono quiet">{clock(one.at)}</span>
                      <div>
                        <strong>
                          {one.title}
                          {one.tag && <span className="tag green">{one.tag}</span>}
                        </strong>
                        {one.body}
                      </div>
                    </li>
                  ))}
                </ol>
              </section>
            ))}
          </div>
        </Card>
        {beside && (
          <div className="stack">
            {PROMISED.includes(round.state) && <Promises asked={promises} />}
            {before && round.plan && <Difference round={idOf(round.name)} first={before} second={plans[index]!} />}
          </div>
        )}
      </div>
    </>
  );
}

function useAssignments(round: Round) {
  return useQuery({
    queryKey: ["assignments", round.name],
    queryFn: () => all<Assignment, "assignments">("assignments", "assignments", { round: round.name, page_size: 1000 }),
    enabled: PROMISED.includes(round.state),
  });
}

/** Seats that were promised, and those of them that nobody has left. */
function seatsOf(promises: Assignment[]) {
  const seat = (one: Assignment) => `${one.request} ${one.seat}`;
  const left = new Set(promises.filter((one) => OVER.includes(one.state)).map(seat));
  const seats = new Set(promises.map(seat));
  return { all: seats.size, kept: seats.size - left.size };
}

/** Newest first. A solve and the plan it gave are one step. */
function useSteps(round: Round, runs: Run[], plans: Plan[], promises: Assignment[]): Step[] {
  const policies = usePolicies();
  const policy = policies.data?.find((one) => one.name === round.policy);
  const steps: Step[] = [];
  if (round.create_time)
    steps.push({
      key: "opened",
      at: round.create_time,
      title: t("log.opened"),
      tone: "blue",
      body: (
        <p>
          {policy && `${t("round.policy")} ${either(policy.display_name, policy.display_name_en)} · `}
          {round.nodes.length ? t("log.scope", { count: round.nodes.length }) : t("round.scope.all.short")}
        </p>
      ),
    });
  if (round.freeze_time)
    steps.push({
      key: "frozen",
      at: round.freeze_time,
      title: t("log.frozen", { requests: number(round.requests_count), experts: number(round.experts_count) }),
      tone: "slate",
      body: (
        <p>
          {t("inputs.hash")} <Hash value={round.inputs_hash} />
        </p>
      ),
    });
  const byRun = new Map(plans.filter((one) => one.run).map((one) => [one.run, one]));
  // plans come newest first: what stands after one is what it was made better than
  const earlier = (plan: Plan) => plans[plans.indexOf(plan) + 1];
  for (const run of runs) {
    const plan = byRun.get(run.name);
    const failed = run.state === "FAILED";
    if (run.create_time)
      steps.push({
        key: run.name,
        at: run.create_time,
        title: t("log.run", { seed: run.seed, budget: budgetText(run) }),
        tone: failed ? "red" : "violet",
        tag: plan && plan.name === round.plan ? t("plan.chosen") : undefined,
        body: plan ? <Result plan={plan} before={earlier(plan)} several={plans.length > 1} /> : <p className={failed ? "red-text" : ""}>{failed ? run.error || t("run.failed") : word("run", run.state)}</p>,
      });
  }
  const solved = new Set(runs.map((run) => run.name));
  for (const plan of plans)
    if (plan.create_time && !(plan.run && solved.has(plan.run)))
      steps.push({ key: plan.name, at: plan.create_time, title: t("log.mended"), tone: "amber", tag: plan.name === round.plan ? t("plan.chosen") : undefined, body: <Result plan={plan} before={earlier(plan)} several={plans.length > 1} /> });
  if (round.sign_time)
    steps.push({ key: "signed", at: round.sign_time, title: t("log.signed", { who: round.signed_by_name || t("log.leader") }), tone: "green" });
  if (round.publish_time) {
    const standing = promises.filter((one) => !OVER.includes(one.state));
    const events = new Set(standing.map((one) => one.request)).size;
    const people = new Set(standing.map((one) => one.expert)).size;
    steps.push({
      key: "published",
      at: round.publish_time,
      title: t("log.published", { count: number(round.assignments_count) }),
      tone: "green",
      body: (
        <p>
          {promises.length > 0 && `${t("log.published.note", { events: number(events), people: number(people) })} · `}
          {t("published.hash")} <Hash value={round.published_hash} />
        </p>
      ),
    });
  }
  return steps.sort((a, b) => b.at.localeCompare(a.at));
}

/** What a solve or a repair gave, beside the plan before it. */
function Result({ plan, before, several }: { plan: Plan; before: Plan | undefined; several: boolean }) {
  const total = plan.served + plan.unserved;
  const by = before ? plan.served - before.served : 0;
  const gap = plan.stages.find((one) => one.stage === "NEED")?.gap;
  return (
    <div className="log-result">
      <Bar part={plan.served} whole={total} />
      <p>
        {t("log.served", { served: number(plan.served), total: number(total), share: percent(plan.served, total) })}
        {before && by !== 0 && <b className={by > 0 ? "up" : "down"}> {by > 0 ? "+" : "−"}{number(Math.abs(by))}</b>}
        {gap != null && gap <= 1 && ` · ${t("gap.need")} ${gapText(gap)}`}
      </p>
      <p>
        <a href={withQuery({ tab: "map", plan: idOf(plan.name) })} onClick={follow}>
          {t("log.see")}
        </a>
        {several && (
          <a href={withQuery({ tab: "compare", plan: idOf(plan.name), with: before ? idOf(before.name) : null })} onClick={follow}>
            {t("tab.compare")}
          </a>
        )}
      </p>
    </div>
  );
}

/** The round in four numbers: how long it took, what was tried, what was promised and what of that stands. */
function Summary({ round, runs, plans, promises }: { round: Round; runs: Run[]; plans: Plan[]; promises: Assignment[] }) {
  const worked = runs.reduce((sum, one) => sum + (one.create_time && one.end_time ? Date.parse(one.end_time) - Date.parse(one.create_time) : 0), 0);
  const until = round.publish_time ? Date.parse(round.publish_time) - Date.parse(round.freeze_time ?? round.publish_time) : 0;
  const chosen = plans.findIndex((one) => one.name === round.plan);
  const { kept, all: seats } = seatsOf(promises);
  const none = "—";
  return (
    <div className="figures four">
      <Figure label={t("log.runs")} value={number(runs.length)} note={worked ? t("log.runs.note", { time: spell(worked) }) : undefined} />
      <Figure label={t("log.plans")} value={number(plans.length)} note={chosen >= 0 ? t("log.plans.note", { count: plans.length - chosen }) : undefined} />
      <Figure label={t("log.took")} value={round.publish_time ? spell(until) : none} note={round.publish_time ? t("published.at", { time: moment(round.publish_time) }) : t("log.took.note")} />
      <Figure label={t("log.kept")} value={seats ? `${percent(kept, seats)}%` : none} note={seats ? t("log.kept.note", { count: number(kept), of: number(seats) }) : t("log.kept.none")} tone={seats && kept === seats ? "good" : undefined} />
    </div>
  );
}

/** A length of time: seconds below two minutes, days above two. */
function spell(ms: number): string {
  if (ms < 120_000) return `${Math.round(ms / 1000)} ${t("seconds")}`;
  const min = Math.round(ms / 60_000);
  return min < 2880 ? minutes(min) : t("days", { count: Math.round(min / 1440) });
}

/** How many requests came and went between two plans, and the first of them. */
function Difference({ round, first, second }: { round: string; first: Plan; second: Plan }) {
  const [a, b] = [idOf(first.name), idOf(second.name)];
  const compared = useQuery({ queryKey: ["comparison", round, a, b], queryFn: () => get<View<"PlanComparison">>(`rounds/${round}/plans/${a}/comparison`, { other: b }), staleTime: Infinity, retry: false });
  const { district } = useNames();
  const plan = usePlan(round, b);
  const gained = compared.data?.only_second ?? [];
  const lost = compared.data?.only_first ?? [];
  const changed = compared.data?.changed ?? [];
  const events = useMemo(() => new Map(plan.data?.events.map((one) => [one.request, one])), [plan.data]);
  const same = Math.max(0, second.served - gained.length - changed.length);
  return (
    <Card
      title={t("log.difference")}
      extra={
        <a href={withQuery({ tab: "compare", plan: a, with: b })} onClick={follow}>
          {t("tab.compare")}
        </a>
      }
    >
      <Shown of={compared} rows={5}>
        <div className="figures four flat">
          <Figure label={t("log.same")} value={number(same)} />
          <Figure label={t("log.gained")} value={`+${number(gained.length)}`} tone={gained.length ? "good" : undefined} />
          <Figure label={t("log.lost")} value={`−${number(lost.length)}`} tone={lost.length ? "bad" : undefined} />
          <Figure label={t("log.changed")} value={number(changed.length)} />
        </div>
        <ul className="small-list spaced">
          {[...gained, ...changed]
            .map((name) => events.get(name))
            .filter((one) => one !== undefined)
            .slice(0, 4)
            .map((one) => (
              <li key={one.request}>
                <a href={withQuery({ why: idOf(one.request) })} onClick={follow}>
                  {one.venue_display_name} · {one.title}
                </a>
                <span className="quiet">
                  {t(gained.includes(one.request) ? "log.gained" : "log.changed")} · {district(one.district)} · {range(one.period)}
                </span>
              </li>
            ))}
        </ul>
      </Shown>
    </Card>
  );
}

/** Promises that did not stay as they were made, and how many did. */
function Promises({ asked }: { asked: ReturnType<typeof useAssignments> }) {
  const { title, district } = useNames();
  const venues = useVenues();
  const rows = asked.data ?? [];
  const over = rows.filter((one) => OVER.includes(one.state));
  const { kept, all: seats } = seatsOf(rows);
  const successors = new Map<string, string[]>();
  for (const one of rows) if (["OFFERED", "ACCEPTED", "CONFIRMED", "DELIVERED"].includes(one.state)) successors.set(`${one.request} ${one.seat}`, [...(successors.get(`${one.request} ${one.seat}`) ?? []), one.expert_display_name]);
  return (
    <Card title={t("log.changelog")} extra={<span className="quiet">{t("log.standing", { count: number(kept) })}</span>}>
      <Shown of={asked} rows={4}>
        {over.length === 0 ? (
          <div className="all-done">
            <Glyph name="check" size={28} />
            <p>{t("log.nothing.changed")}</p>
          </div>
        ) : (
          <>
            <Bar part={kept} whole={seats} />
            <ul className="change-list">
              {over.slice(0, SHOWN).map((one) => {
                const heirs = successors.get(`${one.request} ${one.seat}`);
                return (
                  <li key={one.name}>
                    <State kind="assignment" value={one.state} />
                    <span>
                      <strong>
                        <s>{one.expert_display_name}</s>
                        {heirs ? ` → ${together(heirs)}` : <span className="red-text"> → {t("log.nobody")}</span>}
                      </strong>
                      <a href={withQuery({ why: idOf(one.request) })} onClick={follow}>
                        {[venues.data?.get(one.venue)?.display_name, title(one.title)].filter(Boolean).join(" · ")}
                      </a>
                      <small>
                        {district(one.district)} · {range(one.period)}
                        {one.reason && ` · ${one.reason}`}
                      </small>
                    </span>
                  </li>
                );
              })}
            </ul>
            {over.length > SHOWN && <p className="quiet">{t("and.more", { count: over.length - SHOWN })}</p>}
          </>
        )}
      </Shown>
    </Card>
  );
}
