// A visit by hand: another expert or time, what that would break and cost, and keeping it.
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Alert, App, Button, DatePicker, Drawer, Select } from "antd";
import dayjs from "dayjs";
import { useRef, useState } from "react";
import { Refused, type View, ask, idOf, send } from "../shared/api";
import { t } from "../shared/language";
import { follow, withQuery } from "../shared/router";
import type { Session } from "../shared/session";
import { clock, instant, localDay, range } from "../shared/time";
import { type PlannedEvent, type Round, Shown, said, signed, stageName, stageUnit } from "./parts";
import { mayRun } from "./rounds";

export type Moved = { event: PlannedEvent; seat: number; expert: string; start: string };

const TIMES = Array.from({ length: 25 }, (_, index) => `${String(8 + Math.floor(index / 2)).padStart(2, "0")}:${index % 2 ? "30" : "00"}`);

/** What a move would break and cost, with how long the answer took. */
export function usePrice(round: string, planId: string, pin: { request: string; seat: number; expert: string; start_time: string }, enabled: boolean) {
  const took = useRef(0);
  const price = useQuery({
    queryKey: ["price", planId, pin],
    queryFn: async ({ signal }) => {
      const from = performance.now();
      const answer = await ask<View<"MovePrice">>(`rounds/${idOf(round)}/plans/${planId}:price`, pin, signal);
      took.current = Math.round(performance.now() - from);
      return answer;
    },
    enabled,
    retry: false,
  });
  return { price, took: took.current };
}

export function Move({ moved, round, planId, experts, titles, who, change, onClose }: { moved: Moved; round: Round; planId: string; experts: { expert: string; name: string }[]; titles: Map<string, string>; who: Session; change: (moved: Moved) => void; onClose: () => void }) {
  const { message, modal } = App.useApp();
  const client = useQueryClient();
  const [busy, setBusy] = useState(false);
  const { event, seat, expert, start } = moved;
  const member = event.team.find((one) => one.seat === seat);
  const same = member?.expert === expert && Date.parse(event.period?.start_time ?? "") === Date.parse(start);
  const pin = { request: event.request, seat, expert, start_time: start };
  const { price, took } = usePrice(round.name, planId, pin, !same);
  const answer = price.data;
  const allowed = !!answer && answer.broken.length === 0;
  const costs = answer?.differences.filter((one) => one.value !== 0) ?? [];
  const kept = same || allowed || !!answer?.feasible;
  async function keep() {
    setBusy(true);
    try {
      await send(`rounds/${idOf(round.name)}/pins:add`, { pin, etag: round.etag });
      message.success(t("pin.kept"));
      onClose();
    } catch (error) {
      if (error instanceof Refused && error.status === 409) modal.warning({ title: t("conflict"), content: error.message });
      else message.error(error instanceof Refused ? error.message : t("failed"));
    } finally {
      setBusy(false);
      await client.invalidateQueries({ queryKey: ["round"] });
    }
  }
  const others = answer ? [...answer.changed.map((one) => [one, "changed"] as const), ...answer.dropped.map((one) => [one, "dropped"] as const)] : [];
  return (
    <Drawer
      open
      onClose={onClose}
      title={event.venue_display_name || event.title}
      size={460}
      extra={
        <a href={withQuery({ why: idOf(event.request) })} onClick={follow}>
          {t("why")}
        </a>
      }
    >
      <p>{event.title}</p>
      <p className="quiet">
        {t("move.now")}: {member?.display_name} · {range(event.period)}
      </p>
      <label className="field">
        {t("move.expert")}
        <Select
          showSearch={{ optionFilterProp: "label" }}
          aria-label={t("move.expert")}
          value={expert}
          onChange={(value) => change({ ...moved, expert: value })}
          options={experts.map((one) => ({ value: one.expert, label: one.name }))}
        />
      </label>
      <div className="field-row">
        <label className="field">
          {t("move.day")}
          <DatePicker value={dayjs(localDay(start))} allowClear={false} previewValue={false} onChange={(value) => value && change({ ...moved, start: instant(value.format("YYYY-MM-DD"), clock(start)) })} />
        </label>
        <label className="field">
          {t("move.time")}
          <Select aria-label={t("move.time")} value={clock(start)} onChange={(value) => change({ ...moved, start: instant(localDay(start), value) })} options={TIMES.map((one) => ({ value: one, label: one }))} />
        </label>
      </div>
      <div className="price-box" aria-live="polite">
        {same ? (
          <p className="hint quiet">{t("move.hint")}</p>
        ) : (
          <Shown of={price} rows={5}>
            {answer && (
              <>
                {allowed ? (
                  <Alert type="success" showIcon title={t("move.allowed")} />
                ) : (
                  <Alert
                    type={answer.feasible ? "warning" : "error"}
                    showIcon
                    title={t("move.breaks", { count: answer.broken.length })}
                    description={
                      <ul className="dots">
                        {answer.broken.slice(0, 8).map((one) => (
                          <li key={one.message}>{said(one)}</li>
                        ))}
                      </ul>
                    }
                  />
                )}
                {!allowed && <p className="sub">{t(answer.feasible ? "move.feasible" : "move.infeasible")}</p>}
                {others.length > 0 && (
                  <ul className="small-list">
                    {others.slice(0, 10).map(([request, kind]) => (
                      <li key={request}>
                        <span>
                          <span className={`tag ${kind === "dropped" ? "red" : "amber"}`}>{t(kind === "dropped" ? "move.dropped" : "move.changed")}</span>
                          {titles.get(request) ?? idOf(request)}
                        </span>
                      </li>
                    ))}
                  </ul>
                )}
                {costs.length > 0 && (
                  <table className="plain-table spaced">
                    <thead>
                      <tr>
                        <th scope="col">{t("stage")}</th>
                        <th scope="col" className="num">{t("move.difference")}</th>
                      </tr>
                    </thead>
                    <tbody>
                      {costs.map((one) => (
                        <tr key={one.stage}>
                          <th scope="row">
                            {stageName(one.stage)}
                            <small className="unit">{stageUnit(one.stage)}</small>
                          </th>
                          <td className={`num ${one.value > 0 ? "up" : one.value < 0 ? "down" : "quiet"}`}>{signed(one.stage, one.value)}</td>
                        </tr>
                      ))}
                    </tbody>
                  </table>
                )}
                {(allowed || answer.feasible) && <p className={costs.length ? "fine" : "sub"}>{t(costs.length ? "move.rest.same" : "move.costs.nothing")}</p>}
                <p className="fine">{t("move.took", { count: took })}</p>
              </>
            )}
          </Shown>
        )}
      </div>
      {mayRun(who) && ["OPEN", "FROZEN", "PROPOSED"].includes(round.state) && (
        <>
          <Button type="primary" block loading={busy} disabled={!kept} onClick={() => void keep()}>
            {t("pin.keep")}
          </Button>
          <p className="fine">{t("pin.note")}</p>
        </>
      )}
    </Drawer>
  );
}
