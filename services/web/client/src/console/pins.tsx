// What every solve of this round must keep, and must not do.
import { useQueryClient } from "@tanstack/react-query";
import { App, Button } from "antd";
import { Refused, idOf, send } from "../shared/api";
import { t } from "../shared/language";
import { follow } from "../shared/router";
import { Glyph } from "../shared/glyph";
import type { Session } from "../shared/session";
import { moment } from "../shared/time";
import { Card, type Round } from "./parts";
import { mayRun } from "./rounds";

export function Pins({ round, who }: { round: Round; who: Session }) {
  const client = useQueryClient();
  const { message } = App.useApp();
  const change = mayRun(who) && ["OPEN", "FROZEN", "PROPOSED"].includes(round.state);
  async function take(kind: "pins" | "forbids", body: object) {
    try {
      await send(`rounds/${idOf(round.name)}/${kind}:remove`, { ...body, etag: round.etag });
    } catch (error) {
      message.error(error instanceof Refused ? error.message : t("failed"));
    }
    await client.invalidateQueries({ queryKey: ["round"] });
  }
  return (
    <div className="columns even">
      <Card title={t("pins")} extra={<span className="quiet">{t("pins.note")}</span>}>
        {round.pins.length === 0 && <p className="quiet">{t("pins.none")}</p>}
        <ul className="pin-list">
          {round.pins.map((pin) => (
            <li key={`${pin.request} ${pin.seat} ${pin.expert}`}>
              <Glyph name="pin" size={16} />
              <span>
                <a href={`/console/experts/${idOf(pin.expert)}`} onClick={follow}>{idOf(pin.expert)}</a> → <a href={`/console/requests/${idOf(pin.request)}`} onClick={follow}>{idOf(pin.request)}</a>
                {pin.start_time && <span className="quiet"> · {moment(pin.start_time)}</span>}
              </span>
              {change && <Button size="small" type="text" onClick={() => void take("pins", { pin })}>{t("remove")}</Button>}
            </li>
          ))}
        </ul>
      </Card>
      <Card title={t("forbids")} extra={<span className="quiet">{t("forbids.note")}</span>}>
        {round.forbids.length === 0 && <p className="quiet">{t("forbids.none")}</p>}
        <ul className="pin-list">
          {round.forbids.map((one) => (
            <li key={`${one.expert} ${one.request} ${one.other}`}>
              <Glyph name="warning" size={16} />
              <span>
                {idOf(one.expert)} ✕ {one.request ? idOf(one.request) : one.other ? idOf(one.other) : t("any")}
              </span>
              {change && <Button size="small" type="text" onClick={() => void take("forbids", { forbid: one })}>{t("remove")}</Button>}
            </li>
          ))}
        </ul>
      </Card>
    </div>
  );
}
