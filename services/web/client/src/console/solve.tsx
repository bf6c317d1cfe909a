// The solve while it runs: best plan and proven bound over time, and what each stage has reached.
import { useQueryClient } from "@tanstack/react-query";
import { Alert, Segmented } from "antd";
import { useCallback, useEffect, useMemo, useState } from "react";
import { idOf } from "../shared/api";
import { language, t } from "../shared/language";
import { follow, withQuery } from "../shared/router";
import type { Session } from "../shared/session";
import { moment } from "../shared/time";
import { Chart, tooltip } from "./charts";
import { Card, Nothing, type Plan, type Progress, type Round, type Run, State, budgetText, number, stageName, stageUnit, stageValue } from "./parts";
import { Stages } from "./stages";

type RunStep = { progress: Progress | null; run: Run | null };

/** What the run has reached so far, live; a broken connection goes on after the last number it had. */
function useProgress(run: Run | undefined): { steps: Progress[]; live: boolean; problem: string } {
  const [steps, setSteps] = useState<Progress[]>([]);
  const [live, setLive] = useState(false);
  const [problem, setProblem] = useState("");
  const client = useQueryClient();
  const name = run?.name;
  const running = run && (run.state === "WORKING" || run.state === "QUEUED");
  useEffect(() => {
    setSteps([]);
    setProblem("");
    if (!name || !running) return;
    const source = new EventSource(`/api/${name}/progress`);
    source.onopen = () => setLive(true);
    source.onerror = () => setLive(false);
    source.addEventListener("progress", (event) => {
      const step = JSON.parse((event as MessageEvent<string>).data) as RunStep;
      const progress = step.progress;
      if (progress) setSteps((before) => (before.at(-1) && before.at(-1)!.number >= progress.number ? before : [...before, progress]));
    });
    source.addEventListener("problem", (event) => {
      setProblem((JSON.parse((event as MessageEvent<string>).data) as { detail: string }).detail);
      source.close();
    });
    source.addEventListener("ended", () => {
      source.close();
      setLive(false);
      void client.invalidateQueries();
    });
    return () => source.close();
  }, [name, running, client]);
  return { steps, live, problem };
}

export default function Solve({ round, runs, plan, who: _ }: { round: Round; runs: Run[]; plan: Plan | undefined; who: Session }) {
  const latest = runs[0];
  const { steps, live, problem } = useProgress(latest);
  const running = latest?.state === "WORKING" || latest?.state === "QUEUED";
  const curve = running ? steps : (plan?.curve ?? []);
  const last = running ? (steps.at(-1) ?? latest?.progress ?? undefined) : plan?.curve.at(-1);
  if (!latest && !plan) return <Nothing title={t("solve.ready")} note={t("solve.ready.note", { requests: number(round.requests_count), experts: number(round.experts_count) })} />;
  return (
    <div className="columns wide-left">
      <Card
        title={t("solve.curve")}
        extra={
          running ? (
            <span className={`live ${live ? "on" : ""}`}>
              <i /> {last ? t("solve.improving") : t("solve.waiting")} · {last ? `${Math.round(last.elapsed_s)} ${t("seconds")}` : ""}
            </span>
          ) : (
            latest?.end_time && <span className="quiet">{moment(latest.end_time)}</span>
          )
        }
      >
        {problem && <Alert type="warning" showIcon title={problem} />}
        {latest?.state === "FAILED" && <Alert type="error" showIcon title={t("run.failed")} description={latest.error} />}
        {!running && plan && !plan.run ? (
          <div className="hint quiet">
            <p>{t("curve.mended")}</p>
            {latest?.plan && (
              <p>
                <a href={withQuery({ plan: idOf(latest.plan) })} onClick={follow}>
                  {t("curve.solved")}
                </a>
              </p>
            )}
          </div>
        ) : (
          <>
            <Curve steps={curve} running={running} />
            <p className="fine">{t("curve.source")}</p>
          </>
        )}
      </Card>
      <div className="stack">
        <Card title={t("stages")} extra={<span className="quiet">{t("stages.note")}</span>}>
          <Stages plan={running ? undefined : plan} steps={running ? steps : []} />
        </Card>
        {plan && <Certificate plan={plan} />}
        {runs.length > 1 && (
          <Card title={t("runs")}>
            <ul className="run-list">
              {runs.slice(0, 6).map((run) => (
                <li key={run.name}>
                  <State kind="run" value={run.state} />
                  <span>
                    {budgetText(run)} · {t("solve.seed")} {run.seed}
                  </span>
                  <span className="quiet">{run.create_time && moment(run.create_time)}</span>
                </li>
              ))}
            </ul>
          </Card>
        )}
      </div>
    </div>
  );
}

export function Curve({ steps, running, height = 340 }: { steps: Progress[]; running: boolean; height?: number }) {
  const stages = useMemo(() => [...new Set(steps.map((step) => step.stage).filter(Boolean))], [steps]);
  const [chosen, setChosen] = useState<string>("");
  // the stage that moves most is the one to watch
  const busiest = useMemo(() => {
    const changes = new Map<string, Set<number>>();
    for (const step of steps) changes.set(step.stage, (changes.get(step.stage) ?? new Set()).add(step.incumbent));
    return [...changes].sort((a, b) => b[1].size - a[1].size)[0]?.[0] ?? "";
  }, [steps]);
  const stage = chosen || (stages.includes("NEED") ? "NEED" : busiest);
  const points = useMemo(() => steps.filter((step) => step.stage === stage), [steps, stage]);
  const spoken = language();
  const option = useCallback(
    (colours: Parameters<Parameters<typeof Chart>[0]["option"]>[0]) => {
      const at = (one: Progress) => +one.elapsed_s.toFixed(2);
      // the gap: what lies under the bound, with what lies under the incumbent painted over
      const bounded = points.filter((one) => one.bound != null);
      const values = points.flatMap((one) => (one.bound == null ? [one.incumbent] : [one.incumbent, one.bound]));
      const low = Math.min(...values);
      const high = Math.max(...values);
      // the first bounds are far off; they would press what matters into a line
      const settled = bounded.find((one) => one.elapsed_s >= (bounded.at(-1)?.elapsed_s ?? 0) * 0.08);
      const top = Math.max(settled?.bound ?? high, ...points.map((one) => one.incumbent));
      const room = Math.max(1, (top - low) * 0.12);
      const long = Math.max(1, Math.ceil(points.at(-1)?.elapsed_s ?? 1));
      const plain = (value: number) => stageValue(stage, value);
      const end = (colour: string, verticalAlign: string) => ({ endLabel: { show: points.length > 2, formatter: ({ value }: { value: [number, number] }) => plain(value[1]), color: colour, fontWeight: 600, verticalAlign, offset: [0, verticalAlign === "bottom" ? -3 : 3] } });
      const line = { type: "line", step: "end", symbol: "none" };
      return {
        grid: { left: 12, right: 64, top: 56, bottom: 30, containLabel: true },
        legend: { top: 0, left: 0, icon: "roundRect", itemWidth: 14, itemHeight: 4, textStyle: { color: colours.soft } },
        tooltip: { trigger: "axis", valueFormatter: (value: number) => plain(value), ...tooltip(colours) },
        xAxis: { type: "value", name: t("axis.elapsed"), nameLocation: "middle", nameGap: 26, nameTextStyle: { color: colours.soft }, min: 0, max: long, axisLine: { onZero: false, lineStyle: { color: colours.strong } }, axisLabel: { color: colours.soft, showMaxLabel: false }, splitLine: { show: false } },
        yAxis: { type: "value", name: stageUnit(stage), nameTextStyle: { color: colours.soft, align: "left" }, min: low >= 0 ? Math.max(0, Math.floor(low - room)) : Math.floor(low - room), max: Math.ceil(top + room), axisLabel: { color: colours.soft, showMinLabel: false, showMaxLabel: false, formatter: plain }, splitLine: { lineStyle: { color: colours.line } } },
        series: [
          { ...line, ...end(colours.brand, "top"), name: t("incumbent"), showSymbol: points.length < 3, symbol: "circle", symbolSize: 6, z: 4, lineStyle: { width: 2.5, color: colours.brand }, itemStyle: { color: colours.brand }, areaStyle: { color: colours.paper, opacity: 1, origin: "start" }, data: points.map((one) => [at(one), one.incumbent]) },
          { ...line, ...end(colours.amber, "bottom"), name: t("bound"), z: 3, lineStyle: { width: 2, type: "dashed", color: colours.amber }, itemStyle: { color: colours.amber }, areaStyle: { color: colours.amber, opacity: 0.18, origin: "start" }, data: bounded.map((one) => [at(one), one.bound]) },
        ],
      };
    },
    // the words depend on the language, too
    [points, stage, spoken],
  );
  const last = points.at(-1);
  if (!steps.length) return <div className="curve-box" style={{ minHeight: height }}><p className="hint quiet">{running ? t("solve.waiting") : t("curve.none")}</p></div>;
  return (
    <>
      {stages.length > 1 && <Segmented size="small" value={stage} onChange={(value) => setChosen(String(value))} options={stages.map((one) => ({ value: one, label: stageName(one) }))} />}
      <div className="curve-box" style={{ minHeight: height }}>
        <Chart option={option} height={height} label={`${t("solve.curve")}: ${stageName(stage)}, ${t("incumbent")} ${last ? stageValue(stage, last.incumbent) : "—"}, ${t("bound")} ${last?.bound == null ? "—" : stageValue(stage, last.bound)}`} />
      </div>
    </>
  );
}

function Certificate({ plan }: { plan: Plan }) {
  return (
    <Card
      title={t("certificate")}
      extra={
        <a href={withQuery({ tab: "proof" })} onClick={follow}>
          {t("proof.open")}
        </a>
      }
    >
      <p className="quiet">{t("certificate.note")}</p>
      <p className="hash-line">
        {t("inputs.hash")} <code title={plan.inputs_hash}>{plan.inputs_hash.slice(0, 16)}</code>
      </p>
    </Card>
  );
}
