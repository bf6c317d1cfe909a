// Why a request is served so, or is not; what it displaced, who else could, and the change that would serve it, to adopt.
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { App, Button, Checkbox, Drawer } from "antd";
import { useState } from "react";
import { Refused, type View, get, idOf, send } from "../shared/api";
import { t, word } from "../shared/language";
import { follow, setQuery, withQuery } from "../shared/router";
import type { Session } from "../shared/session";
import { minutes, range } from "../shared/time";
import { usePeople } from "./data";
import { type Round, Shown, said, useNames } from "./parts";
import { mayRun } from "./rounds";

export function Why({ round, planId, requestId, names, who, onClose }: { round: Round; planId: string; requestId: string; names: Map<string, string>; who: Session; onClose: () => void }) {
  const { district } = useNames();
  const people = usePeople();
  const roundId = idOf(round.name);
  const nameOf = (expert: string) => people.data?.get(expert)?.display_name ?? names.get(expert) ?? idOf(expert);
  const why = useQuery({ queryKey: ["why", roundId, planId, requestId], queryFn: () => get<View<"Explanation">>(`rounds/${roundId}/plans/${planId}/why/${requestId}`), staleTime: 600_000 });
  const planned = why.data?.planned;
  const unserved = why.data?.unserved;
  const venue = planned?.venue_display_name || unserved?.venue_display_name;
  return (
    <Drawer open onClose={onClose} title={venue || t("why")} size={500}>
      <Shown of={why}>
        {planned && (
          <>
            <p>{planned.title}</p>
            <p className="why-when">{range(planned.period)}</p>
            <p className="quiet">
              {district(planned.district)} · {word("group", planned.group)} · {t("weight")} {planned.weight}
            </p>
            {planned.team.map((member) => {
              const seat = why.data?.seats.find((one) => one.seat === member.seat);
              return (
                <section className="seat" key={member.seat}>
                  <div className="seat-head">
                    <a href={`/console/experts/${idOf(member.expert)}`} onClick={follow}>
                      {member.display_name}
                    </a>
                    <span className="quiet">
                      {word("role", member.role)}
                      {member.seat === 0 && ` · ${t("lead")}`}
                      {member.remote && ` · ${t("remote")}`}
                    </span>
                    <a className="push" href={withQuery({ tab: "map", expert: member.expert, why: null })} onClick={follow}>
                      {t("tab.map")}
                    </a>
                  </div>
                  {seat && <p>{said(seat)}</p>}
                  <dl className="facts">
                    <div>
                      <dt>{t("travel")}</dt>
                      <dd>{minutes(member.travel_min)}</dd>
                    </div>
                    {seat && (
                      <>
                        <div>
                          <dt>{t("travel.added")}</dt>
                          <dd>{minutes(seat.travel_min_added)}</dd>
                        </div>
                        <div>
                          <dt>{t("fit")}</dt>
                          <dd>{seat.fit}</dd>
                        </div>
                      </>
                    )}
                    {member.night_after && (
                      <div>
                        <dt>{t("night")}</dt>
                        <dd>{t("night.there")}</dd>
                      </div>
                    )}
                  </dl>
                  <h3 className="sub">{t("others")}</h3>
                  {seat && seat.others.length > 0 ? (
                    <ul className="chips">
                      {seat.others.map((one) => (
                        <li key={one}>
                          <a className="chip" href={`/console/experts/${idOf(one)}`} onClick={follow}>
                            {nameOf(one)}
                          </a>
                        </li>
                      ))}
                    </ul>
                  ) : (
                    <p className="quiet">{t("others.none")}</p>
                  )}
                </section>
              );
            })}
            <section className="seat">
              <h3 className="sub">{t("displaced")}</h3>
              {why.data?.displaced.length ? (
                <ul className="small-list">
                  {why.data.displaced.map((one) => (
                    <li key={one.request}>
                      <a href={withQuery({ why: idOf(one.request) })} onClick={follow}>
                        {one.venue_display_name} · {one.title}
                      </a>
                      <span className="quiet">
                        {district(one.district)} · {t("weight")} {one.weight}
                      </span>
                    </li>
                  ))}
                </ul>
              ) : (
                <p className="quiet">{t("displaced.none")}</p>
              )}
            </section>
          </>
        )}
        {unserved && (
          <>
            <p>{unserved.title}</p>
            <p>
              <span className="tag red">{word("why", unserved.why_not)}</span>
              <span className="quiet">
                {unserved.place > 0 && `${t("unserved.place")} ${unserved.place} · `}
                {district(unserved.district)} · {word("group", unserved.group)} · {t("weight")} {unserved.weight}
              </span>
            </p>
            <p className="why-sentence">{said(unserved)}</p>
            {unserved.repair ? <Repair round={round} planId={planId} unserved={unserved} repair={unserved.repair} may={mayRun(who) && round.state === "PROPOSED"} /> : <p className="quiet">{t("repair.none")}</p>}
          </>
        )}
        <p>
          <a href={`/console/requests/${requestId}?state=ALL`} onClick={follow}>
            {t("request.show")}
          </a>
        </p>
      </Shown>
    </Drawer>
  );
}

function Repair({ round, planId, unserved, repair, may }: { round: Round; planId: string; unserved: View<"Unserved">; repair: View<"Repair">; may: boolean }) {
  const { message } = App.useApp();
  const client = useQueryClient();
  const [agreed, setAgreed] = useState(false);
  const [busy, setBusy] = useState(false);
  const adoptable = repair.code !== "ONE_MORE_EXPERT";
  async function adopt() {
    setBusy(true);
    try {
      await send<View<"AdoptedShown">>(`rounds/${idOf(round.name)}/plans/${planId}:adopt`, { request: unserved.request, code: repair.code, etag: round.etag });
      message.success(t("repair.adopted"));
      setQuery({ plan: null });
    } catch (error) {
      message.error(error instanceof Refused ? error.message : t("failed"));
    } finally {
      setBusy(false);
      for (const key of ["round", "plans"]) await client.invalidateQueries({ queryKey: [key] });
    }
  }
  return (
    <div className="repair box">
      <h3>{t("repair")}</h3>
      <p>{said(repair)}</p>
      {repair.period && <p>{range(repair.period)}</p>}
      <p className="quiet">
        {repair.price === 0 ? t("repair.free") : t("repair.price", { price: repair.price })} · {t("repair.verified")}
      </p>
      {may && adoptable && planId === idOf(round.plan) && (
        <>
          <Checkbox checked={agreed} onChange={(event) => setAgreed(event.target.checked)}>
            {t("repair.agreed")}
          </Checkbox>
          <Button type="primary" disabled={!agreed} loading={busy} onClick={() => void adopt()}>
            {t("repair.adopt")}
          </Button>
          <p className="fine">{t("repair.adopt.note")}</p>
        </>
      )}
      {may && !adoptable && <p className="fine">{t("repair.recruit")}</p>}
    </div>
  );
}
