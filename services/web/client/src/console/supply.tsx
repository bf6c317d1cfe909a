// Whom to recruit next: role × topic × district × weekday, by what one more such person would serve.
import { useQuery } from "@tanstack/react-query";
import { Button, Segmented } from "antd";
import { useMemo, useState } from "react";
import { type View, all, idOf } from "../shared/api";
import { t, word } from "../shared/language";
import { follow, withQuery } from "../shared/router";
import { now, weekday } from "../shared/time";
import { type PlanData, useOnePlan } from "./data";
import { Bar, Card, Nothing, Shown, number, together, useNames } from "./parts";

type Signal = View<"SupplySignal">;
type By = "signal" | "topic" | "district";
const MONDAY = Date.UTC(2024, 0, 1, 4);
/** After so long nobody is verifying any more. */
const PATIENCE_MS = 120_000;
/** How many signals are shown at first, and how many more at a time. */
const SHOWN = 20;
const dayName = (day: number) => weekday(new Date(MONDAY + (day - 1) * 86_400_000));

export default function Supply({ round, planId, data }: { round: string; planId: string; data: PlanData }) {
  const { topic, district } = useNames();
  const [by, setBy] = useState<By>("signal");
  const [shown, setShown] = useState(SHOWN);
  const plan = useOnePlan(round, planId);
  const late = !!plan.data?.create_time && now().getTime() - Date.parse(plan.data.create_time) > PATIENCE_MS;
  const list = useQuery({
    queryKey: ["supply", round, planId],
    queryFn: () => all<Signal, "signals">(`rounds/${round}/plans/${planId}/supply`, "signals", {}, 2),
    refetchInterval: (asked) => (asked.state.data?.some((one) => one.gain != null) || late ? false : 10_000),
  });
  const rows = list.data ?? [];
  const titles = useMemo(() => new Map([...data.unserved, ...data.events].map((one) => [one.request, one.venue_display_name || one.title])), [data]);
  const verified = rows.some((one) => one.gain != null);
  const most = Math.max(1, ...rows.map((one) => one.gain ?? one.worth));
  const grouped = useMemo(() => {
    const sums = new Map<string, number>();
    for (const one of rows) {
      const key = by === "topic" ? one.topic : one.district;
      sums.set(key, Math.max(sums.get(key) ?? 0, one.gain ?? one.worth));
    }
    return [...sums].sort((a, b) => b[1] - a[1]).slice(0, 30);
  }, [rows, by]);
  return (
    <>
      <div className="filters">
        <Segmented value={by} onChange={(value) => setBy(value)} options={(["signal", "topic", "district"] as const).map((one) => ({ value: one, label: t(`supply.by.${one}`) }))} />
        <span className="quiet">{rows.length > 0 && t(verified ? "supply.verified" : late ? "supply.unverified" : "supply.estimates")}</span>
      </div>
      <Shown of={list} rows={8}>
        {rows.length === 0 ? (
          <Nothing title={t("supply.none")} note={t("supply.none.note")} />
        ) : by === "signal" ? (
          <Card title={t("supply")} extra={<span className="quiet">{t("supply.unit")}</span>}>
            <div className="table-scroll" tabIndex={0} role="region" aria-label={t("supply")}>
              <table className="plain-table dense supply-table">
                <thead>
                  <tr>
                    <th scope="col">{t("role")}</th>
                    <th scope="col">{t("topic")}</th>
                    <th scope="col">{t("district")}</th>
                    <th scope="col">{t("supply.day")}</th>
                    <th scope="col" className="num">{t("supply.gain")}</th>
                    <th scope="col">{t("supply.worth")}</th>
                    <th scope="col">{t("supply.serves")}</th>
                  </tr>
                </thead>
                <tbody>
                  {rows.slice(0, shown).map((one) => (
                    <tr key={`${one.role} ${one.topic} ${one.district} ${one.weekday}`}>
                      <td>{word("role", one.role)}</td>
                      <th scope="row">{topic(one.topic)}</th>
                      <td>{district(one.district)}</td>
                      <td>{dayName(one.weekday)}</td>
                      <td className="num">{one.gain == null ? <span className="quiet">—</span> : one.gain > 0 ? <b className="up">+{number(one.gain)}</b> : <span className="quiet">0</span>}</td>
                      <td>
                        <span className="with-bar">
                          <Bar part={one.worth} whole={most} tone="travel" />
                          <span className="mono worth">{number(one.worth)}</span>
                        </span>
                      </td>
                      <td>
                        {one.requests.slice(0, 3).map((request, index) => (
                          <span key={request}>
                            {index > 0 && together(["", ""])}
                            <a href={withQuery({ why: idOf(request) })} onClick={follow}>
                              {titles.get(request) ?? idOf(request)}
                            </a>
                          </span>
                        ))}
                        {one.requests.length > 3 && <span className="quiet"> {t("and.more", { count: one.requests.length - 3 })}</span>}
                      </td>
                    </tr>
                  ))}
                </tbody>
              </table>
            </div>
            {rows.length > shown && (
              <p className="center">
                <Button onClick={() => setShown(shown + SHOWN)}>{t("load.more")}</Button>
              </p>
            )}
            <p className="fine">{t("supply.note")}</p>
          </Card>
        ) : (
          <Card title={t(by === "topic" ? "supply.topics" : "supply.districts")} extra={<span className="quiet">{t("supply.unit")}</span>}>
            <ol className="ranked supply">
              {grouped.map(([key, worth]) => (
                <li key={key}>
                  <span>{by === "topic" ? topic(key) : district(key)}</span>
                  <Bar part={worth} whole={most} />
                  <span className="num">{number(worth)}</span>
                </li>
              ))}
            </ol>
          </Card>
        )}
      </Shown>
    </>
  );
}
