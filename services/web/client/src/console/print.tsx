// A plan on paper: what is served by day, what is not and why, with the numbers that make it checkable.
import { useQuery } from "@tanstack/react-query";
import { Button } from "antd";
import { useEffect, useMemo } from "react";
import { type View, get, idOf } from "../shared/api";
import { t, word } from "../shared/language";
import { follow, usePlace } from "../shared/router";
import { clock, dayLong, localDay, moment } from "../shared/time";
import { useOnePlan, usePlan } from "./data";
import { type PlannedEvent, Shown, gapText, number, said, signedText, stageBound, stageName, stageUnit, stageValue, teamText, useNames } from "./parts";
import { horizonText } from "./rounds";

export default function Print({ id }: { id: string }) {
  const { query } = usePlace();
  const { district } = useNames();
  const round = useQuery({ queryKey: ["round", id], queryFn: () => get<View<"RoundAnswer">>(`rounds/${id}`).then((answer) => answer.round) });
  const one = round.data;
  const planId = query.get("plan") ?? (one?.plan ? idOf(one.plan) : "");
  const plan = useOnePlan(id, planId);
  const data = usePlan(id, planId);
  const title = one?.title ?? "";
  useEffect(() => {
    document.title = title ? `${title} · ${t("brand")}` : t("brand");
  }, [title]);
  const days = useMemo(() => {
    const found = new Map<string, PlannedEvent[]>();
    for (const event of data.data?.events ?? []) if (event.period) found.set(localDay(event.period.start_time), [...(found.get(localDay(event.period.start_time)) ?? []), event]);
    return [...found].sort(([a], [b]) => a.localeCompare(b));
  }, [data.data]);
  return (
    <div className="sheet">
      <div className="sheet-bar">
        <a href={`/console/rounds/${id}`} onClick={follow}>
          ← {t("round")}
        </a>
        <Button type="primary" onClick={() => print()}>
          {t("print")}
        </Button>
      </div>
      <Shown of={round}>
        {one && (
          <header>
            <h1>{one.title}</h1>
            <p>
              {horizonText(one)} · {word("round", one.state)}
              {one.signed_by && ` · ${signedText(one)}`}
              {one.publish_time && ` · ${t("published.at", { time: moment(one.publish_time) })}`}
            </p>
            <p className="quiet">
              {t("inputs.hash")} <code>{one.inputs_hash}</code>
            </p>
          </header>
        )}
        <Shown of={data}>
          {plan.data && (
            <section>
              <h2>{t("stages")}</h2>
              <table className="plain-table dense">
                <thead>
                  <tr>
                    <th scope="col">{t("stage")}</th>
                    <th scope="col" className="num">{t("value")}</th>
                    <th scope="col" className="num">{t("bound")}</th>
                    <th scope="col" className="num">{t("gap")}</th>
                  </tr>
                </thead>
                <tbody>
                  {plan.data.stages.map((stage) => (
                    <tr key={stage.stage}>
                      <th scope="row">
                        {stageName(stage.stage)} <small className="unit">{stageUnit(stage.stage)}</small>
                      </th>
                      <td className="num">{stageValue(stage.stage, stage.value)}</td>
                      <td className="num">{stageBound(stage)}</td>
                      <td className="num">{gapText(stage.gap)}</td>
                    </tr>
                  ))}
                </tbody>
              </table>
              <p>
                {t("served")} {number(plan.data.served)} · {t("unserved")} {number(plan.data.unserved)} · {t("assignments")} {number(plan.data.assignments)}
              </p>
            </section>
          )}
          {days.map(([day, events]) => (
            <section key={day}>
              <h2>
                {dayLong(`${day}T04:00:00Z`)}（{events.length}）
              </h2>
              <table className="plain-table dense day-sheet">
                <tbody>
                  {events.map((event) => (
                    <tr key={event.request}>
                      <td className="mono">
                        {clock(event.period!.start_time)}–{clock(event.period!.end_time)}
                      </td>
                      <td>{district(event.district)}</td>
                      <th scope="row">{event.venue_display_name}</th>
                      <td>{event.title}</td>
                      <td>{teamText(event)}</td>
                    </tr>
                  ))}
                </tbody>
              </table>
            </section>
          ))}
          {!!data.data?.unserved.length && (
            <section>
              <h2>
                {t("unserved")}（{data.data.unserved.length}）
              </h2>
              <table className="plain-table dense why-sheet">
                <tbody>
                  {data.data.unserved.map((row) => (
                    <tr key={row.request}>
                      <td className="num">{row.place}</td>
                      <td>{district(row.district)}</td>
                      <th scope="row">{row.venue_display_name}</th>
                      <td>{row.title}</td>
                      <td>{said(row)}</td>
                    </tr>
                  ))}
                </tbody>
              </table>
            </section>
          )}
        </Shown>
      </Shown>
    </div>
  );
}
