// Why a plan can be believed: what the referee has checked just now, what the bounds prove, and how to check it all again at a desk.
import { useQuery } from "@tanstack/react-query";
import { App, Button } from "antd";
import { useMemo } from "react";
import { type View, address, get, idOf } from "../shared/api";
import { type Key, t } from "../shared/language";
import { Glyph } from "../shared/glyph";
import { moment } from "../shared/time";
import { Card, Fact, type Plan, type Round, Shown, gapText, isSpent, number, stageName, stageUnit, stageValue, together } from "./parts";
import { claimed, proves } from "./certificate";

export default function Proof({ round, plan }: { round: Round; plan: Plan }) {
  const roundId = idOf(round.name);
  const planId = idOf(plan.name);
  const claims = useMemo(() => claimed(plan.certificate), [plan.certificate]);
  const verdict = useQuery({
    queryKey: ["verification", roundId, planId],
    queryFn: () => get<View<"Verification">>(`rounds/${roundId}/plans/${planId}/verification`),
    staleTime: Infinity,
    retry: false,
  });
  return (
    <div className="columns wide-left">
      <div className="stack">
        <Card
          title={t("proof.checked")}
          extra={
            <>
              {verdict.dataUpdatedAt > 0 && <span className="quiet">{t("proof.at", { time: moment(new Date(verdict.dataUpdatedAt)) })}</span>}
              <Button size="small" loading={verdict.isFetching} onClick={() => void verdict.refetch()}>
                {t("proof.again")}
              </Button>
            </>
          }
        >
          <p className="quiet">{t("proof.checked.note")}</p>
          <Shown of={verdict} rows={6}>
            {verdict.data && <Checks plan={plan} verdict={verdict.data} certified={!!claims} />}
          </Shown>
        </Card>
        <Bounds plan={plan} />
      </div>
      <div className="stack">
        <Origin round={round} plan={plan} claims={claims} />
        <Desk roundId={roundId} planId={planId} certified={!!claims} />
      </div>
    </div>
  );
}

type Mark = "yes" | "no" | "desk" | "none";

function Checks({ plan, verdict, certified }: { plan: Plan; verdict: View<"Verification">; certified: boolean }) {
  const again = new Map(verdict.stages.map((one) => [one.stage, one.value]));
  const off = plan.stages.filter((one) => again.has(one.stage) && again.get(one.stage) !== one.value);
  const sameInputs = verdict.inputs_hash === plan.inputs_hash;
  const rows: { key: Key; mark: Mark; note: string }[] = [
    { key: "proof.inputs", mark: sameInputs ? "yes" : "no", note: t(sameInputs ? "proof.inputs.same" : "proof.inputs.other", { hash: verdict.inputs_hash.slice(0, 12) }) },
    { key: "proof.rules", mark: verdict.sound ? "yes" : "no", note: verdict.sound ? t("proof.rules.kept", { served: number(plan.served), assignments: number(plan.assignments) }) : t("proof.rules.broken", { count: verdict.violations.length }) },
    { key: "proof.values", mark: verdict.sound && !off.length ? "yes" : "no", note: off.length ? together(off.map((one) => stageName(one.stage))) : t("proof.values.same", { count: plan.stages.length }) },
    { key: "proof.certificate", mark: certified ? (verdict.sound ? "yes" : "no") : "none", note: t(certified ? "proof.certificate.same" : "proof.certificate.none") },
    { key: "proof.bounds", mark: certified ? "desk" : "none", note: t(certified ? "proof.bounds.desk" : "proof.bounds.none") },
    { key: "proof.replay", mark: certified ? "desk" : "none", note: t(certified ? "proof.replay.desk" : "proof.replay.none") },
  ];
  return (
    <>
      <ul className="checks">
        {rows.map((row) => (
          <li key={row.key} className={row.mark}>
            <span className="check-mark" role="img" aria-label={t(`proof.mark.${row.mark}`)}>
              {row.mark === "yes" ? <Glyph name="check" size={14} /> : row.mark === "no" ? "✕" : row.mark === "desk" ? "›_" : "–"}
            </span>
            <span>
              <strong>{t(row.key)}</strong>
              <small>{row.note}</small>
            </span>
          </li>
        ))}
      </ul>
      {verdict.violations.length > 0 && (
        <ul className="dots red-text">
          {verdict.violations.slice(0, 20).map((one) => (
            <li key={one}>{one}</li>
          ))}
        </ul>
      )}
    </>
  );
}

/** Stage by stage in words: proven best, at most so far away, or unknown. */
function Bounds({ plan }: { plan: Plan }) {
  return (
    <Card title={t("proof.means")}>
      <dl className="means">
        {plan.stages.map((one) => (
          <div key={one.stage}>
            <dt>
              {stageName(one.stage)} <small className="unit">{stageUnit(one.stage)}</small>
            </dt>
            <dd>
              <b className="mono">{stageValue(one.stage, one.value)}</b>
              <span className={{ best: "proven", near: "", unknown: "quiet" }[proves(one)]}>
                {t(proves(one) === "near" && isSpent(one.stage) ? "proof.means.near.spent" : `proof.means.${proves(one)}`, { bound: one.bound == null ? "" : stageValue(one.stage, one.bound), gap: gapText(one.gap) })}
              </span>
            </dd>
          </div>
        ))}
      </dl>
      <p className="fine">{t("proof.means.note")}</p>
    </Card>
  );
}

function Origin({ round, plan, claims }: { round: Round; plan: Plan; claims: ReturnType<typeof claimed> }) {
  const lines: [string, React.ReactNode][] = [
    [t("inputs.hash"), <Hash key="inputs" text={plan.inputs_hash} />],
    ...(claims
      ? ([
          [t("proof.plan.hash"), <Hash key="plan" text={claims.plan} />],
          [t("solve.seed"), number(claims.seed)],
          [t("proof.iterations"), number(claims.iterations)],
          [t("proof.versions"), claims.versions.map((one) => `${one.part} ${one.version}`).join("\n")],
        ] satisfies [string, React.ReactNode][])
      : []),
    [t("proof.made"), plan.create_time ? moment(plan.create_time) : "—"],
    [t("proof.by"), plan.run ? t("proof.by.run") : t("proof.by.hand")],
    ...(round.plan === plan.name ? ([[t("state"), t("plan.chosen")]] satisfies [string, React.ReactNode][]) : []),
  ];
  return (
    <Card title={t("proof.origin")}>
      <dl className="facts wide">
        {lines.map(([name, value]) => (
          <Fact key={name} name={name} value={value} />
        ))}
      </dl>
    </Card>
  );
}

const Hash = ({ text }: { text: string }) => (
  <code className="hash" title={text}>
    {text}
  </code>
);

function Desk({ roundId, planId, certified }: { roundId: string; planId: string; certified: boolean }) {
  const parts = certified ? (["problem", "plan", "certificate"] as const) : (["problem", "plan"] as const);
  const file = (part: string) => `${roundId}-${planId}-${part}.json`;
  const optimizer = ".venv/bin/python -m services.scheduling.optimizer";
  const commands = [
    `${optimizer} check ${file("problem")} ${file("plan")}${certified ? ` --certificate ${file("certificate")}` : ""}`,
    ...(certified ? [`${optimizer} check-bound ${file("problem")} ${file("certificate")}`, `${optimizer} replay ${file("problem")} ${file("certificate")}`] : []),
  ];
  return (
    <Card title={t("proof.desk")}>
      <p className="quiet">{t("proof.desk.note")}</p>
      <Command text={`./zhihui round verify ${roundId} --plan ${planId}`} />
      <h3 className="sub">{t("proof.files")}</h3>
      <ul className="file-list">
        {parts.map((part) => (
          <li key={part}>
            <a href={address(`rounds/${roundId}/plans/${planId}/files/${part}.json`)} download={file(part)}>
              {part}.json
            </a>
            <small>{t(`proof.file.${part}`)}</small>
          </li>
        ))}
      </ul>
      <h3 className="sub">{t("proof.files.check")}</h3>
      <Command text={commands.join("\n")} />
    </Card>
  );
}

/** A command as it is typed, and a button that copies it. */
function Command({ text }: { text: string }) {
  const { message } = App.useApp();
  return (
    <div className="command">
      <pre tabIndex={0}>{text}</pre>
      <Button
        size="small"
        onClick={async () => {
          try {
            await navigator.clipboard.writeText(text);
            message.success(t("copied"));
          } catch {
            message.info(t("copy.by.hand"));
          }
        }}
      >
        {t("copy")}
      </Button>
    </div>
  );
}
