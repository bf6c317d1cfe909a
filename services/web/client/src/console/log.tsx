// What has happened to a round, step by step, and what its publication changed: the changelog.
import { useQuery } from "@tanstack/react-query";
import { type View, all, get, idOf } from "../shared/api";
import { either, t, word } from "../shared/language";
import { follow, withQuery } from "../shared/router";
import { moment, range } from "../shared/time";
import { usePolicies } from "./data";
import { Card, type Plan, type Round, type Run, Shown, State, budgetText, number, together, useNames } from "./parts";

type Step = { at: string; title: string; note: React.ReactNode; tone: string };

export default function Log({ round, runs, plans }: { round: Round; runs: Run[]; plans: Plan[] }) {
  const policies = usePolicies();
  const id = idOf(round.name);
  const policy = policies.data?.find((one) => one.name === round.policy);
  const steps: Step[] = [];
  if (round.create_time) steps.push({ at: round.create_time, title: t("log.opened"), note: policy && `${t("round.policy")}: ${either(policy.display_name, policy.display_name_en)}`, tone: "blue" });
  if (round.freeze_time) steps.push({ at: round.freeze_time, title: t("log.frozen", { requests: number(round.requests_count), experts: number(round.experts_count) }), note: <code title={round.inputs_hash}>{round.inputs_hash}</code>, tone: "slate" });
  for (const run of runs) {
    if (run.create_time) steps.push({ at: run.create_time, title: t("log.run", { seed: run.seed, budget: budgetText(run) }), note: run.state === "FAILED" ? run.error : word("run", run.state), tone: run.state === "FAILED" ? "red" : "amber" });
  }
  for (const plan of plans) {
    if (plan.create_time)
      steps.push({
        at: plan.create_time,
        title: t(plan.run ? "log.plan" : "log.plan.by.hand", { served: number(plan.served), unserved: number(plan.unserved) }),
        note: (
          <a href={withQuery({ tab: "compare", plan: idOf(plan.name) })} onClick={follow}>
            {plan.name === round.plan ? `${t("plan.chosen")} · ` : ""}
            {t("tab.compare")}
          </a>
        ),
        tone: "violet",
      });
  }
  if (round.publish_time) steps.push({ at: round.publish_time, title: t("log.published", { count: number(round.assignments_count) }), note: <code title={round.published_hash}>{round.published_hash}</code>, tone: "green" });
  steps.sort((a, b) => b.at.localeCompare(a.at));
  const index = plans.findIndex((one) => one.name === round.plan);
  const before = index >= 0 ? plans[index + 1] : undefined;
  return (
    <div className="columns even">
      <Card title={t("log.steps")}>
        <ol className="log">
          {steps.map((one) => (
            <li key={one.at + one.title} className={one.tone}>
              <span className="mono quiet">{moment(one.at)}</span>
              <span>
                <strong>{one.title}</strong>
                {one.note && <small>{one.note}</small>}
              </span>
            </li>
          ))}
        </ol>
        {round.signed_by && <p className="fine">{t("log.signed", { who: round.signed_by })}</p>}
      </Card>
      <div className="stack">
        {before && round.plan && <Difference round={id} first={idOf(before.name)} second={idOf(round.plan)} />}
        {["OFFERED", "PUBLISHED", "CLOSED"].includes(round.state) && <Promises round={round} />}
      </div>
    </div>
  );
}

function Difference({ round, first, second }: { round: string; first: string; second: string }) {
  const compared = useQuery({ queryKey: ["comparison", round, first, second], queryFn: () => get<View<"PlanComparison">>(`rounds/${round}/plans/${first}/comparison`, { other: second }), staleTime: Infinity, retry: false });
  return (
    <Card
      title={t("log.difference")}
      extra={
        <a href={withQuery({ tab: "compare", plan: first, with: second })} onClick={follow}>
          {t("tab.compare")}
        </a>
      }
    >
      <Shown of={compared} rows={3}>
        <dl className="facts">
          <div>
            <dt>{t("log.gained")}</dt>
            <dd className="up">+{compared.data?.only_second.length ?? 0}</dd>
          </div>
          <div>
            <dt>{t("log.lost")}</dt>
            <dd className="down">−{compared.data?.only_first.length ?? 0}</dd>
          </div>
          <div>
            <dt>{t("log.changed")}</dt>
            <dd>{compared.data?.changed.length ?? 0}</dd>
          </div>
        </dl>
      </Shown>
    </Card>
  );
}

/** Promises that did not stay as they were made, and how many did. */
function Promises({ round }: { round: Round }) {
  const list = useQuery({
    queryKey: ["assignments", round.name],
    queryFn: () => all<View<"AssignmentShown">, "assignments">("assignments", "assignments", { round: round.name, page_size: 1000 }),
  });
  const { title } = useNames();
  const rows = list.data ?? [];
  const over = rows.filter((one) => ["CANCELLED", "REPLACED", "DECLINED", "LAPSED", "NO_SHOW"].includes(one.state));
  const standing = rows.length - over.length;
  const successors = new Map<string, string[]>();
  for (const one of rows) if (["OFFERED", "ACCEPTED", "CONFIRMED", "DELIVERED"].includes(one.state)) successors.set(`${one.request} ${one.seat}`, [...(successors.get(`${one.request} ${one.seat}`) ?? []), one.expert_display_name]);
  return (
    <Card title={t("log.changelog")} extra={<span className="quiet">{t("log.standing", { count: number(standing) })}</span>}>
      <Shown of={list} rows={4}>
        {over.length === 0 ? (
          <p className="quiet">{t("log.nothing.changed")}</p>
        ) : (
          <ul className="small-list">
            {over.slice(0, 80).map((one) => (
              <li key={one.name}>
                <span>
                  <State kind="assignment" value={one.state} /> {one.expert_display_name}
                  {successors.has(`${one.request} ${one.seat}`) && ` → ${together(successors.get(`${one.request} ${one.seat}`)!)}`} · {title(one.title)}
                </span>
                <span className="quiet">
                  {range(one.period)}
                  {one.reason && ` · ${one.reason}`}
                </span>
              </li>
            ))}
          </ul>
        )}
      </Shown>
    </Card>
  );
}
