// The plan on the sketch of the city: districts by how well they are served, and where a chosen expert goes.
import { useQuery } from "@tanstack/react-query";
import { Segmented, Select } from "antd";
import { useMemo, useState } from "react";
import { type View, get, idOf } from "../shared/api";
import { t, word } from "../shared/language";
import { follow, setQuery, usePlace, withQuery } from "../shared/router";
import { clock, dayLong, localDay, minutes } from "../shared/time";
import { type Cover, Ranked, byDistrict, coverLook, debtLook } from "./coverage";
import type { PlanData } from "./data";
import { CityMap, MapLegend, useCity } from "./map";
import { Card, type PlannedEvent, Shown, percent, said, useNames } from "./parts";

export default function PlanMap({ data }: { data: PlanData }) {
  const { query } = usePlace();
  const { district: nameOf } = useNames();
  const { asked, city } = useCity();
  const [hovered, setHovered] = useState("");
  const [zoom, setZoom] = useState<"city" | "core">("city");
  const chosen = query.get("district") ?? "";
  const expert = query.get("expert") ?? "";
  const coverage = useMemo(() => new Map(byDistrict(data.coverage).map((one) => [one.district, one])), [data.coverage]);
  const experts = useMemo(() => {
    const found = new Map<string, { name: string; visits: number }>();
    for (const event of data.events) for (const member of event.team) found.set(member.expert, { name: member.display_name, visits: (found.get(member.expert)?.visits ?? 0) + 1 });
    return [...found].sort((a, b) => b[1].visits - a[1].visits);
  }, [data]);
  const home = useQuery({
    queryKey: ["expert", expert],
    queryFn: () => get<View<"ExpertAnswer">>(`experts/${idOf(expert)}`).then((answer) => answer.expert),
    enabled: !!expert,
    staleTime: Infinity,
  });
  const trips = useMemo(() => tripsOf(data.events, expert), [data.events, expert]);
  const seen = hovered || chosen;
  const debts = query.get("layer") === "debt";
  const most = useMemo(() => Math.max(0, ...[...coverage.values()].map((one) => one.debt)), [coverage]);
  const look = useMemo(() => (debts ? debtLook(coverage, most) : coverLook(coverage)), [debts, coverage, most]);
  return (
    <div className="columns wide-left">
      <Card
        title={t("map")}
        className="map-card"
        extra={
          <>
            <Segmented size="small" value={debts ? "debt" : "share"} onChange={(value) => setQuery({ layer: value === "debt" ? "debt" : null })} options={[{ value: "share", label: t("coverage") }, { value: "debt", label: t("coverage.debt") }]} />
            <Segmented size="small" value={zoom} onChange={setZoom} options={[{ value: "city", label: t("map.city") }, { value: "core", label: t("map.core") }]} />
            <Select
              size="small"
              allowClear
              showSearch={{ optionFilterProp: "label" }}
              placeholder={t("map.expert")}
              aria-label={t("map.expert")}
              value={expert || undefined}
              style={{ width: 200 }}
              onChange={(value) => setQuery({ expert: value ?? null }, true)}
              options={experts.map(([name, one]) => ({ value: name, label: `${one.name} · ${one.visits}` }))}
            />
          </>
        }
      >
        <div className="map-box">
          <Shown of={asked} rows={12}>
            {city && (
              <CityMap
                city={city}
                zoom={zoom}
                seen={seen}
                dim={!!expert}
                look={look}
                onSee={setHovered}
                onChoose={(node) => setQuery({ district: chosen === node ? null : node }, true)}
              >
                {(drawn, px) => (
                  <>
                    {!expert &&
                      data.events.map((event) => {
                        if (!event.point) return null;
                        const [x, y] = drawn.at(event.point.longitude, event.point.latitude);
                        return <circle key={event.request} className="visit" cx={x} cy={y} r={2.6 * px} />;
                      })}
                    {trips.map((trip, index) => {
                      const stops = trip.stops.filter((one) => one.point).map((one) => drawn.at(one.point!.longitude, one.point!.latitude));
                      const from = home.data?.home_area ? [drawn.at(home.data.home_area.longitude, home.data.home_area.latitude)] : [];
                      const lodged = trip.away ? trips[index - 1]!.stops.filter((one) => one.point).slice(-1).map((one) => drawn.at(one.point!.longitude, one.point!.latitude)) : from;
                      const way = [...lodged, ...stops, ...(trip.stays ? [] : from)];
                      return <path key={trip.day} className={`route r${index % 5}`} d={`M${way.map((one) => one.map((value) => value.toFixed(1)).join(",")).join("L")}`} />;
                    })}
                    {trips.flatMap((trip, index) =>
                      trip.stops.map((one) => {
                        if (!one.point) return null;
                        const [x, y] = drawn.at(one.point.longitude, one.point.latitude);
                        return <circle key={one.request} className={`stop r${index % 5}`} cx={x} cy={y} r={4.5 * px} />;
                      }),
                    )}
                    {expert && home.data?.home_area && (() => {
                      const [x, y] = drawn.at(home.data.home_area.longitude, home.data.home_area.latitude);
                      return <rect className="home" x={x - 5 * px} y={y - 5 * px} width={10 * px} height={10 * px} rx={2 * px} />;
                    })()}
                  </>
                )}
              </CityMap>
            )}
          </Shown>
        </div>
        <MapLegend attribution={city?.attribution ?? ""} most={debts ? most : undefined} dots={!expert} />
      </Card>
      <div className="stack">
        {expert ? (
          <Card
            title={experts.find(([name]) => name === expert)?.[1].name ?? idOf(expert)}
            extra={
              <a href={`/console/experts/${idOf(expert)}`} onClick={follow}>
                {t("expert.show")}
              </a>
            }
          >
            {trips.length === 0 && <p className="quiet">{t("map.stays.home")}</p>}
            {trips.map((trip, index) => (
              <section key={trip.day} className="trip">
                <h3>
                  <i className={`r${index % 5}`} /> {dayLong(trip.stops[0]!.period!.start_time)}
                  {trip.stays && <span className="tag violet">{t("night")}</span>}
                </h3>
                <ul>
                  {trip.stops.map((one) => (
                    <li key={one.request}>
                      <span className="mono">{clock(one.period!.start_time)}</span>
                      <a href={withQuery({ why: idOf(one.request) })} onClick={follow}>
                        {one.venue_display_name || one.title}
                      </a>
                      <span className="quiet">
                        {nameOf(one.district)} · {t("travel")} {minutes(one.travel)}
                      </span>
                    </li>
                  ))}
                </ul>
              </section>
            ))}
          </Card>
        ) : seen ? (
          <District node={seen} data={data} name={nameOf(seen)} cover={coverage.get(seen)} />
        ) : (
          <Card title={t(debts ? "coverage.debt" : "coverage.worst")} extra={<span className="quiet">{t(debts ? "coverage.unit" : "worst.note")}</span>}>
            <Ranked rows={[...coverage.values()]} most={18} debts={debts} onSee={setHovered} to={(node) => withQuery({ district: node })} />
            <p className="fine">{t("map.hint")}</p>
          </Card>
        )}
      </div>
    </div>
  );
}

type Stop = PlannedEvent & { travel: number; night: boolean };

function tripsOf(events: PlannedEvent[], expert: string) {
  const days = new Map<string, Stop[]>();
  for (const event of events) {
    const member = event.team.find((one) => one.expert === expert && !one.remote);
    if (!expert || !member || !event.period) continue;
    const day = localDay(event.period.start_time);
    days.set(day, [...(days.get(day) ?? []), { ...event, travel: member.travel_min, night: member.night_after }]);
  }
  const sorted = [...days].sort(([a], [b]) => a.localeCompare(b));
  let away = false;
  return sorted.map(([day, stops]) => {
    stops.sort((a, b) => a.period!.start_time.localeCompare(b.period!.start_time));
    const trip = { day, stops, away, stays: stops.at(-1)!.night };
    away = trip.stays;
    return trip;
  });
}

function District({ node, data, name, cover }: { node: string; data: PlanData; name: string; cover: Cover | undefined }) {
  const events = data.events.filter((one) => one.district === node);
  const missing = data.unserved.filter((one) => one.district === node);
  return (
    <Card
      title={name}
      extra={
        <a href={withQuery({ tab: "districts" })} onClick={follow}>
          {t("tab.districts")}
        </a>
      }
    >
      <dl className="facts tight">
        <div>
          <dt>{t("coverage")}</dt>
          <dd>{percent(cover?.served ?? 0, cover?.target ?? 0)}%</dd>
        </div>
        <div>
          <dt>{t("served")}</dt>
          <dd>{events.length}</dd>
        </div>
        <div>
          <dt>{t("unserved")}</dt>
          <dd>{missing.length}</dd>
        </div>
        <div>
          <dt>{t("coverage.debt")}</dt>
          <dd>{cover?.debt ?? 0}</dd>
        </div>
      </dl>
      <ul className="small-list">
        {missing.slice(0, 8).map((one) => (
          <li key={one.request}>
            <a href={withQuery({ why: idOf(one.request) })} onClick={follow}>
              {one.venue_display_name} {one.title}
            </a>
            <span className="quiet">
              <span className="tag red">{word("why", one.why_not)}</span>
              {said(one)}
            </span>
          </li>
        ))}
        {events.slice(0, 12).map((one) => (
          <li key={one.request}>
            <a href={withQuery({ why: idOf(one.request) })} onClick={follow}>
              {one.venue_display_name} {one.title}
            </a>
            <span className="quiet">
              {one.period && `${dayLong(one.period.start_time)} ${clock(one.period.start_time)}`} · {one.team[0]?.display_name}
            </span>
          </li>
        ))}
      </ul>
    </Card>
  );
}
