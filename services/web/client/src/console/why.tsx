// Why a request is served so, or is not.
import { useQuery } from "@tanstack/react-query";
import { Drawer } from "antd";
import { type View, get, idOf } from "../shared/api";
import { t, word } from "../shared/language";
import { follow } from "../shared/router";
import { minutes, range } from "../shared/time";
import { Shown, useNames } from "./parts";
import { said } from "./round";

export function Why({ roundId, planId, requestId, experts, onClose }: { roundId: string; planId: string; requestId: string; experts: Map<string, string>; onClose: () => void }) {
  const { district } = useNames();
  const why = useQuery({ queryKey: ["why", roundId, planId, requestId], queryFn: () => get<View<"Explanation">>(`rounds/${roundId}/plans/${planId}/why/${requestId}`), staleTime: 600_000 });
  const planned = why.data?.planned;
  const unserved = why.data?.unserved;
  const title = planned?.title ?? unserved?.title ?? t("why");
  return (
    <Drawer open onClose={onClose} title={title} size={480}>
      <Shown of={why}>
        {planned && (
          <>
            <p className="why-when">{range(planned.period)}</p>
            <p className="quiet">
              {district(planned.district)} · {word("group", planned.group)}
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
                  {seat && seat.others.length > 0 && (
                    <p className="quiet">
                      {t("others")}: {seat.others.map((one) => experts.get(one) ?? idOf(one)).join("、")}
                    </p>
                  )}
                </section>
              );
            })}
          </>
        )}
        {unserved && (
          <>
            <p>
              <span className="tag red">{word("why", unserved.why_not)}</span>
            </p>
            <p className="why-sentence">{said(unserved)}</p>
            {unserved.repair ? (
              <div className="repair box">
                <h3>{t("repair")}</h3>
                <p>{said(unserved.repair)}</p>
                {unserved.repair.period && <p>{range(unserved.repair.period)}</p>}
                <p className="quiet">{unserved.repair.price === 0 ? t("repair.free") : t("repair.price", { price: unserved.repair.price })}</p>
              </div>
            ) : (
              <p className="quiet">{t("repair.none")}</p>
            )}
          </>
        )}
        <p>
          <a href={`/console/requests/${requestId}`} onClick={follow}>
            {t("request.show")}
          </a>
        </p>
      </Shown>
    </Drawer>
  );
}
