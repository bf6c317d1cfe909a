// A sketch of the city, drawn from the boundaries the edge serves: an asset anybody may replace (docs/console.md).
import { useQuery } from "@tanstack/react-query";
import { type ReactNode, useMemo } from "react";
import { either, language, t } from "../shared/language";
import { useReference } from "../shared/session";
import { labelOf } from "./places";

type Ring = [number, number][];
type Feature = { id: string; properties: { name_zh: string; name_en: string }; geometry: { type: "Polygon"; coordinates: Ring[] } | { type: "MultiPolygon"; coordinates: Ring[][] } };
export type Drawn = { height: number; at: (lon: number, lat: number) => [number, number] };
export type Area = { node: string; name: string; path: string };

export const WIDTH = 760;
const LATITUDE = Math.cos((30 * Math.PI) / 180);
/** From little to full coverage: one way from light to dark, told apart with any kind of colour sight. */
export const SHADES = ["--map-0", "--map-1", "--map-2", "--map-3", "--map-4"];
export const STEPS = [0.25, 0.5, 0.75, 1];

export function shade(served: number, target: number): string {
  if (!target) return "var(--map-none)";
  const share = served / target;
  return `var(${SHADES[STEPS.filter((step) => share >= step).length]})`;
}

/** Draws degrees on the page: equal scales in both directions at 30° north. */
function projection(features: Feature[]): Drawn {
  const points = features.flatMap((one) => (one.geometry.type === "Polygon" ? one.geometry.coordinates : one.geometry.coordinates.flat()).flat());
  const west = Math.min(...points.map(([lon]) => lon));
  const east = Math.max(...points.map(([lon]) => lon));
  const south = Math.min(...points.map(([, lat]) => lat));
  const north = Math.max(...points.map(([, lat]) => lat));
  const scale = WIDTH / ((east - west) * LATITUDE);
  return { height: (north - south) * scale, at: (lon, lat) => [(lon - west) * LATITUDE * scale, (north - lat) * scale] };
}

export function useCity() {
  const reference = useReference();
  const map = useQuery({ queryKey: ["map"], queryFn: () => fetch("/api/map").then((answer) => answer.json() as Promise<{ features: Feature[] }>), staleTime: Infinity });
  const spoken = language();
  const city = useMemo(() => {
    if (!map.data || !reference.data) return null;
    const nodes = new Map(reference.data.districts.map((one) => [one.adcode, one.node]));
    const drawn = projection(map.data.features);
    const areas: Area[] = map.data.features.map((one) => ({
      node: nodes.get(one.id) ?? "",
      name: either(one.properties.name_zh, one.properties.name_en),
      path: (one.geometry.type === "Polygon" ? [one.geometry.coordinates] : one.geometry.coordinates)
        .flatMap((polygon) => polygon.map((ring) => `M${ring.map(([lon, lat]) => drawn.at(lon, lat).map((value) => value.toFixed(1)).join(",")).join("L")}Z`))
        .join(""),
    }));
    return { drawn, areas, districts: reference.data.districts, attribution: either(reference.data.attribution, reference.data.attribution_en) };
    // names are in the reader's language
  }, [map.data, reference.data, spoken]);
  return { asked: map, city };
}

export type City = NonNullable<ReturnType<typeof useCity>["city"]>;

/** The part of the map where the nine inner districts lie; they are too small to see beside 巫溪. */
function core(drawn: Drawn): string {
  const [left, top] = drawn.at(106.2, 29.95);
  const [right, bottom] = drawn.at(107.0, 29.2);
  return `${left} ${top} ${right - left} ${bottom - top}`;
}

type Look = { fill: (node: string) => string; label: (area: Area) => string; hatched?: (node: string) => boolean };

export function CityMap({ city, look, seen = "", zoom = "city", dim = false, names = true, onSee, onChoose, children }: { city: City; look: Look; seen?: string; zoom?: "city" | "core"; dim?: boolean; names?: boolean; onSee?: (node: string) => void; onChoose?: (node: string) => void; children?: (drawn: Drawn) => ReactNode }) {
  const { drawn, areas, districts } = city;
  const box = zoom === "city" ? `-8 -8 ${WIDTH + 16} ${drawn.height + 16}` : core(drawn);
  const live = !!onChoose;
  return (
    <svg className={`map ${zoom}`} viewBox={box} role={live ? "group" : "img"} aria-label={t("map.label")}>
      <defs>
        <pattern id="hatch" width={zoom === "city" ? 7 : 2.6} height={zoom === "city" ? 7 : 2.6} patternUnits="userSpaceOnUse" patternTransform="rotate(45)">
          <line x1="0" y1="0" x2="0" y2="10" className="hatch" strokeWidth={zoom === "city" ? 2.2 : 0.8} />
        </pattern>
      </defs>
      {areas.map((one) => (
        <g key={one.node || one.name}>
          <path
            d={one.path}
            fill={look.fill(one.node)}
            className={`district ${seen === one.node && seen ? "seen" : ""} ${dim ? "dim" : ""} ${live ? "" : "still"}`}
            tabIndex={live ? 0 : undefined}
            role={live ? "button" : undefined}
            aria-label={live ? look.label(one) : undefined}
            onMouseEnter={() => onSee?.(one.node)}
            onMouseLeave={() => onSee?.("")}
            onFocus={() => onSee?.(one.node)}
            onBlur={() => onSee?.("")}
            onClick={() => onChoose?.(one.node)}
            onKeyDown={(event) => {
              if (event.key !== "Enter" && event.key !== " ") return;
              event.preventDefault();
              onChoose?.(one.node);
            }}
          >
            {!live && <title>{look.label(one)}</title>}
          </path>
          {look.hatched?.(one.node) && <path d={one.path} fill="url(#hatch)" pointerEvents="none" />}
        </g>
      ))}
      {children?.(drawn)}
      {names &&
        districts.map((one) => {
          if (!one.seat || (zoom === "city" && one.region === "central")) return null;
          const [x, y] = drawn.at(one.seat.longitude, one.seat.latitude);
          return (
            <text key={one.node} x={x} y={y - (zoom === "city" ? 7 : 2.5)} className="map-name">
              {labelOf(one.zh, one.en)}
            </text>
          );
        })}
    </svg>
  );
}

export function MapLegend({ attribution = "" }: { attribution?: string }) {
  return (
    <div className="map-foot">
      <span className="legend-title">{t("coverage.of.share")}</span>
      <span className="scale">
        {SHADES.map((one, index) => (
          <span key={one}>
            <i className={index === 0 ? "hatched" : ""} style={{ background: `var(${one})` }} />
            {["<25%", "25–50", "50–75", "75–100", "≥100%"][index]}
          </span>
        ))}
        <span className="apart">
          <i style={{ background: "var(--map-none)" }} />
          {t("coverage.not.asked")}
        </span>
      </span>
      <strong className="sketch">{t("map.sketch")}</strong>
      {attribution && <span className="fine">{attribution}</span>}
    </div>
  );
}
