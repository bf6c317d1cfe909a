// A visit by hand: another expert or time, what that would break and cost, and keeping it.
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Alert, App, Button, DatePicker, Drawer, Select } from "antd";
import dayjs from "dayjs";
import { useState } from "react";
import { Refused, type View, ask, idOf, send } from "../shared/api";
import { t } from "../shared/language";
import { setQuery } from "../shared/router";
import type { Session } from "../shared/session";
import { clock, instant, localDay, range } from "../shared/time";
import { type PlannedEvent, type Round, Shown } from "./parts";
import { stageName } from "./round";
import { mayRun } from "./rounds";

export type Moved = { event: PlannedEvent; seat: number; expert: string; start: string };

const TIMES = Array.from({ length: 25 }, (_, index) => `${String(8 + Math.floor(index / 2)).padStart(2, "0")}:${index % 2 ? "30" : "00"}`);

export function Move({ moved, round, planId, experts, who, change, onClose }: { moved: Moved; round: Round; planId: string; experts: { expert: string; name: string }[]; who: Session; change: (moved: Moved) => void; onClose: () => void }) {
  const { message } = App.useApp();
  const client = useQueryClient();
  const [busy, setBusy] = useState(false);
  const { event, seat, expert, start } = moved;
  const member = event.team.find((one) => one.seat === seat);
  const same = member?.expert === expert && event.period?.start_time === start;
  const pin = { request: event.request, seat, expert, start_time: start };
  const price = useQuery({ queryKey: ["price", planId, pin], queryFn: ({ signal }) => ask<View<"MovePrice">>(`rounds/${idOf(round.name)}/plans/${planId}:price`, pin, signal), enabled: !same, retry: false });
  const allowed = price.data && price.data.violations.length === 0;
  async function keep() {
    setBusy(true);
    try {
      await send(`rounds/${idOf(round.name)}/pins:add`, { pin, etag: round.etag });
      message.success(t("pin.kept"));
      onClose();
    } catch (error) {
      message.error(error instanceof Refused ? error.message : t("failed"));
    } finally {
      setBusy(false);
      await client.invalidateQueries({ queryKey: ["round"] });
    }
  }
  return (
    <Drawer open onClose={onClose} title={event.title} size={440} extra={<Button type="link" onClick={() => setQuery({ why: idOf(event.request) })}>{t("why")}</Button>}>
      <p className="quiet">
        {t("move.now")}: {member?.display_name} · {range(event.period)}
      </p>
      <label className="field">
        {t("move.expert")}
        <Select
          showSearch={{ optionFilterProp: "label" }}
          value={expert}
          onChange={(value) => change({ ...moved, expert: value })}
          options={experts.map((one) => ({ value: one.expert, label: one.name }))}
        />
      </label>
      <div className="field-row">
        <label className="field">
          {t("move.day")}
          <DatePicker value={dayjs(localDay(start))} allowClear={false} onChange={(value) => value && change({ ...moved, start: instant(value.format("YYYY-MM-DD"), clock(start)) })} />
        </label>
        <label className="field">
          {t("move.time")}
          <Select value={clock(start)} onChange={(value) => change({ ...moved, start: instant(localDay(start), value) })} options={TIMES.map((one) => ({ value: one, label: one }))} />
        </label>
      </div>
      {same ? (
        <p className="hint quiet">{t("move.hint")}</p>
      ) : (
        <Shown of={price} rows={3}>
          {price.data && (
            <>
              {allowed ? (
                <Alert type="success" showIcon title={t("move.allowed")} />
              ) : (
                <Alert type="error" showIcon title={t("move.breaks", { count: price.data.violations.length })} description={<ul className="dots">{price.data.violations.slice(0, 8).map((one) => <li key={one}>{one}</li>)}</ul>} />
              )}
              {price.data.differences.length > 0 && (
                <table className="plain-table spaced">
                  <thead>
                    <tr>
                      <th scope="col">{t("stage")}</th>
                      <th scope="col" className="num">{t("move.difference")}</th>
                    </tr>
                  </thead>
                  <tbody>
                    {price.data.differences.map((one) => (
                      <tr key={one.stage}>
                        <th scope="row">{stageName(one.stage)}</th>
                        <td className={`num ${one.value > 0 ? "up" : one.value < 0 ? "down" : "quiet"}`}>{one.value > 0 ? `+${one.value}` : one.value}</td>
                      </tr>
                    ))}
                  </tbody>
                </table>
              )}
            </>
          )}
        </Shown>
      )}
      {mayRun(who) && ["OPEN", "FROZEN", "PROPOSED"].includes(round.state) && (
        <>
          <Button type="primary" block loading={busy} disabled={!same && !allowed} onClick={() => void keep()}>
            {t("pin.keep")}
          </Button>
          <p className="fine">{t("pin.note")}</p>
        </>
      )}
    </Drawer>
  );
}
