// The plan on a sketch of the city: districts by how well they are served, and where a chosen expert goes.
import { useQuery } from "@tanstack/react-query";
import { Segmented, Select } from "antd";
import { useMemo, useState } from "react";
import { type View, get, idOf } from "../shared/api";
import { either, t, word } from "../shared/language";
import { setQuery, usePlace } from "../shared/router";
import { clock, dayLong, localDay, minutes } from "../shared/time";
import { byDistrict } from "./coverage";
import { Card, type PlannedEvent, Shown, percent, useNames } from "./parts";
import type { PlanData } from "./round";
import { said } from "./round";

type Ring = [number, number][];
type Feature = { id: string; properties: { name_zh: string; name_en: string }; geometry: { type: "Polygon"; coordinates: Ring[] } | { type: "MultiPolygon"; coordinates: Ring[][] } };

const WIDTH = 760;
const LATITUDE = Math.cos((30 * Math.PI) / 180);
const SHADES = ["--map-0", "--map-1", "--map-2", "--map-3", "--map-4"];

/** Draws degrees on the page: equal scales in both directions at 30° north. */
function projection(features: Feature[]) {
  const points = features.flatMap((one) => (one.geometry.type === "Polygon" ? one.geometry.coordinates : one.geometry.coordinates.flat()).flat());
  const west = Math.min(...points.map(([lon]) => lon));
  const east = Math.max(...points.map(([lon]) => lon));
  const south = Math.min(...points.map(([, lat]) => lat));
  const north = Math.max(...points.map(([, lat]) => lat));
  const scale = WIDTH / ((east - west) * LATITUDE);
  return { height: (north - south) * scale, at: (lon: number, lat: number): [number, number] => [(lon - west) * LATITUDE * scale, (north - lat) * scale] };
}

function shade(served: number, target: number): string {
  if (!target) return "var(--map-none)";
  const share = served / target;
  return `var(${SHADES[share >= 1 ? 4 : share >= 0.75 ? 3 : share >= 0.5 ? 2 : share >= 0.25 ? 1 : 0]})`;
}

export default function PlanMap({ data }: { data: PlanData }) {
  const { query } = usePlace();
  const { reference, district: nameOf } = useNames();
  const map = useQuery({ queryKey: ["map"], queryFn: () => fetch("/api/map").then((answer) => answer.json() as Promise<{ features: Feature[] }>), staleTime: Infinity });
  const [hovered, setHovered] = useState("");
  const [zoom, setZoom] = useState<"city" | "core">("city");
  const chosen = query.get("district") ?? "";
  const expert = query.get("expert") ?? "";
  const features = map.data?.features ?? [];
  const nodes = useMemo(() => new Map(reference?.districts.map((one) => [one.adcode, one.node])), [reference]);
  const drawn = useMemo(() => (features.length ? projection(features) : null), [features]);
  const paths = useMemo(
    () =>
      drawn
        ? features.map((one) => ({
            node: nodes.get(one.id) ?? "",
            name: either(one.properties.name_zh, one.properties.name_en),
            path: (one.geometry.type === "Polygon" ? [one.geometry.coordinates] : one.geometry.coordinates)
              .flatMap((polygon) => polygon.map((ring) => `M${ring.map(([lon, lat]) => drawn.at(lon, lat).map((value) => value.toFixed(1)).join(",")).join("L")}Z`))
              .join(""),
          }))
        : [],
    [drawn, features, nodes],
  );
  const coverage = useMemo(() => new Map(byDistrict(data.coverage).map((one) => [one.district, one])), [data.coverage]);
  const counts = useMemo(() => {
    const sums = new Map<string, { events: number; unserved: number }>();
    for (const one of data.events) sums.set(one.district, { events: (sums.get(one.district)?.events ?? 0) + 1, unserved: sums.get(one.district)?.unserved ?? 0 });
    for (const one of data.unserved) sums.set(one.district, { events: sums.get(one.district)?.events ?? 0, unserved: (sums.get(one.district)?.unserved ?? 0) + 1 });
    return sums;
  }, [data]);
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
  // the nine inner districts are too small to see beside 巫溪
  const box = drawn && (zoom === "city" ? `-8 -8 ${WIDTH + 16} ${drawn.height + 16}` : core(drawn));
  return (
    <div className="columns wide-left">
      <Card
        title={t("map")}
        extra={
          <>
            <Segmented size="small" value={zoom} onChange={setZoom} options={[{ value: "city", label: t("map.city") }, { value: "core", label: t("map.core") }]} />
            <Select
              size="small"
              allowClear
              showSearch={{ optionFilterProp: "label" }}
              placeholder={t("map.expert")}
              aria-label={t("map.expert")}
              value={expert || undefined}
              style={{ width: 200 }}
              onChange={(value) => setQuery({ expert: value ?? null })}
              options={experts.map(([name, one]) => ({ value: name, label: `${one.name} · ${one.visits}` }))}
            />
          </>
        }
      >
        <Shown of={map}>
          {drawn && box && (
            <svg className={`map ${zoom}`} viewBox={box} role="img" aria-label={t("map.label")}>
              {paths.map((one) => {
                const cover = coverage.get(one.node);
                return (
                  <path
                    key={one.node}
                    d={one.path}
                    fill={shade(cover?.served ?? 0, cover?.target ?? 0)}
                    className={`district ${seen === one.node ? "seen" : ""} ${expert ? "dim" : ""}`}
                    tabIndex={0}
                    role="button"
                    aria-label={`${one.name} ${percent(cover?.served ?? 0, cover?.target ?? 0)}%`}
                    onMouseEnter={() => setHovered(one.node)}
                    onMouseLeave={() => setHovered("")}
                    onFocus={() => setHovered(one.node)}
                    onBlur={() => setHovered("")}
                    onClick={() => setQuery({ district: chosen === one.node ? null : one.node })}
                    onKeyDown={(event) => event.key === "Enter" && setQuery({ district: one.node })}
                  />
                );
              })}
              {!expert &&
                data.events.map((event) => {
                  if (!event.point) return null;
                  const [x, y] = drawn.at(event.point.longitude, event.point.latitude);
                  return <circle key={event.request} className="visit" cx={x} cy={y} r={zoom === "city" ? 2.6 : 1.1} />;
                })}
              {reference?.districts.map((one) => {
                if (!one.seat) return null;
                const [x, y] = drawn.at(one.seat.longitude, one.seat.latitude);
                const near = one.region === "central";
                if (zoom === "city" && near) return null;
                return (
                  <text key={one.node} x={x} y={y - (zoom === "city" ? 7 : 2.5)} className="map-name">
                    {either(one.zh.replace(/(土家族|苗族)+自治县|[区县]$/g, "") || one.zh, one.en.replace(/ (District|County|.*Autonomous County|New Area)$/, ""))}
                  </text>
                );
              })}
              {trips.map((trip, index) => {
                const stops = trip.stops.filter((one) => one.point).map((one) => drawn.at(one.point!.longitude, one.point!.latitude));
                const from = home.data?.home_area ? [drawn.at(home.data.home_area.longitude, home.data.home_area.latitude)] : [];
                const way = [...(trip.away ? [] : from), ...stops, ...(trip.stays ? [] : from)];
                return <path key={trip.day} className={`route r${index % 5}`} d={`M${way.map((one) => one.map((value) => value.toFixed(1)).join(",")).join("L")}`} />;
              })}
              {trips.flatMap((trip, index) =>
                trip.stops.map((one) => {
                  if (!one.point) return null;
                  const [x, y] = drawn.at(one.point.longitude, one.point.latitude);
                  return <circle key={one.request} className={`stop r${index % 5}`} cx={x} cy={y} r={zoom === "city" ? 4.5 : 1.8} />;
                }),
              )}
              {expert && home.data?.home_area && (() => {
                const [x, y] = drawn.at(home.data.home_area.longitude, home.data.home_area.latitude);
                return <rect className="home" x={x - 4} y={y - 4} width={8} height={8} rx={2} />;
              })()}
            </svg>
          )}
          <div className="map-foot">
            <span className="legend">
              {["<25%", "25%", "50%", "75%", "100%"].map((label, index) => (
                <span key={label}>
                  <i style={{ background: `var(${SHADES[index]})` }} />
                  {label}
                </span>
              ))}
            </span>
            <strong>{t("map.sketch")}</strong>
          </div>
          <p className="fine">{reference?.attribution}</p>
        </Shown>
      </Card>
      <div className="stack">
        {expert ? (
          <Card title={experts.find(([name]) => name === expert)?.[1].name ?? idOf(expert)} extra={<a href={`/console/experts/${idOf(expert)}`}>{t("expert.show")}</a>}>
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
                      <button className="link" onClick={() => setQuery({ why: idOf(one.request) })}>{one.title}</button>
                      <span className="quiet">
                        {nameOf(one.district)} · {t("travel")} {minutes(one.travel)}
                      </span>
                    </li>
                  ))}
                </ul>
              </section>
            ))}
          </Card>
        ) : (
          <DistrictPanel node={seen} data={data} name={nameOf(seen)} cover={coverage.get(seen)} count={counts.get(seen)} />
        )}
      </div>
    </div>
  );
}

function core(drawn: ReturnType<typeof projection>): string {
  const [left, top] = drawn.at(106.2, 29.95);
  const [right, bottom] = drawn.at(107.0, 29.2);
  return `${left} ${top} ${right - left} ${bottom - top}`;
}

type Stop = { request: string; title: string; district: string; period: PlannedEvent["period"]; point: PlannedEvent["point"]; travel: number; night: boolean };

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

function DistrictPanel({ node, data, name, cover, count }: { node: string; data: PlanData; name: string; cover: { target: number; served: number; carried: number; debt: number } | undefined; count: { events: number; unserved: number } | undefined }) {
  const events = data.events.filter((one) => one.district === node).slice(0, 12);
  const missing = data.unserved.filter((one) => one.district === node).slice(0, 8);
  if (!node)
    return (
      <Card title={t("map.district")}>
        <p className="quiet">{t("map.hint")}</p>
      </Card>
    );
  return (
    <Card title={name}>
      <dl className="facts">
        <div>
          <dt>{t("coverage")}</dt>
          <dd>{percent(cover?.served ?? 0, cover?.target ?? 0)}%</dd>
        </div>
        <div>
          <dt>{t("served")}</dt>
          <dd>{count?.events ?? 0}</dd>
        </div>
        <div>
          <dt>{t("unserved")}</dt>
          <dd>{count?.unserved ?? 0}</dd>
        </div>
        <div>
          <dt>{t("coverage.debt")}</dt>
          <dd>{cover?.debt ?? 0}</dd>
        </div>
      </dl>
      <ul className="small-list">
        {events.map((one) => (
          <li key={one.request}>
            <button className="link" onClick={() => setQuery({ why: idOf(one.request) })}>{one.title}</button>
            <span className="quiet">
              {one.period && `${dayLong(one.period.start_time)} ${clock(one.period.start_time)}`} · {one.team[0]?.display_name}
            </span>
          </li>
        ))}
        {missing.map((one) => (
          <li key={one.request}>
            <button className="link" onClick={() => setQuery({ why: idOf(one.request) })}>{one.title}</button>
            <span className="red-text">
              {word("why", one.why_not)} · {said(one)}
            </span>
          </li>
        ))}
      </ul>
    </Card>
  );
}
