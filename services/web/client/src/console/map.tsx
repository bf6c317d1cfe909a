// A sketch of the city, drawn from the boundaries the edge serves: an asset anybody may replace (docs/console.md).
import { useQuery } from "@tanstack/react-query";
import { type ReactNode, useId, useLayoutEffect, useMemo, useRef, useState } from "react";
import { either, language, t } from "../shared/language";
import { useReference } from "../shared/session";
import { number } from "./parts";
import { apart, labelOf, middle } from "./places";

type Ring = [number, number][];
type Feature = { id: string; properties: { name_zh: string; name_en: string }; geometry: { type: "Polygon"; coordinates: Ring[] } | { type: "MultiPolygon"; coordinates: Ring[][] } };
export type Drawn = { height: number; at: (lon: number, lat: number) => [number, number] };
/** A district as it is drawn: where its name goes, and how much room there is for it. */
export type Area = { node: string; name: string; path: string; middle: [number, number]; size: number };

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
    const areas: Area[] = map.data.features.map((one) => {
      const rings = (one.geometry.type === "Polygon" ? [one.geometry.coordinates] : one.geometry.coordinates).flatMap((polygon) => polygon.map((ring) => ring.map(([lon, lat]) => drawn.at(lon, lat))));
      return {
        node: nodes.get(one.id) ?? "",
        name: either(one.properties.name_zh, one.properties.name_en),
        path: rings.map((ring) => `M${ring.map((point) => point.map((value) => value.toFixed(1)).join(",")).join("L")}Z`).join(""),
        ...middle(rings),
      };
    });
    return { drawn, areas, districts: reference.data.districts, attribution: either(reference.data.attribution, reference.data.attribution_en) };
    // names are in the reader's language
  }, [map.data, reference.data, spoken]);
  return { asked: map, city };
}

export type City = NonNullable<ReturnType<typeof useCity>["city"]>;

/** The part of the map where the nine inner districts lie; they are too small to see beside 巫溪. */
function core(drawn: Drawn) {
  const [left, top] = drawn.at(106.18, 30.02);
  const [right, bottom] = drawn.at(106.98, 29.2);
  return { left, top, width: right - left, height: bottom - top, box: `${left} ${top} ${right - left} ${bottom - top}` };
}

/** `note` is a second, smaller line under a name. */
type Look = { fill: (node: string) => string; label: (area: Area) => string; note?: (node: string) => string; hatched?: (node: string) => boolean };
type Marks = (drawn: Drawn, px: number) => ReactNode;
/** Where the inner districts are drawn once more, larger: the corner that the city's shape leaves free. */
const INSET_HEIGHT = 270;
const NAME_PX = 12.5;
const NOTE_PX = 10.5;

type MapProps = { city: City; look: Look; seen?: string; zoom?: "city" | "core"; dim?: boolean; onSee?: (node: string) => void; onChoose?: (node: string) => void; children?: Marks };

export function CityMap({ city, look, seen = "", zoom = "city", dim = false, onSee, onChoose, children }: MapProps) {
  const { drawn } = city;
  const svg = useRef<SVGSVGElement>(null);
  // names, dots and lines keep their size on the screen, however wide the map is
  const [scale, setScale] = useState(1);
  useLayoutEffect(() => {
    const measure = () => setScale(svg.current?.getScreenCTM()?.a || 1);
    const watch = new ResizeObserver(measure);
    watch.observe(svg.current!);
    measure();
    return () => watch.disconnect();
  }, [zoom]);
  const inner = core(drawn);
  const grown = INSET_HEIGHT / inner.height;
  const land = { city, look, seen, dim, onSee, onChoose, marks: children };
  const live = !!onChoose;
  return (
    <svg ref={svg} className="map" viewBox={zoom === "city" ? `-8 -8 ${WIDTH + 16} ${drawn.height + 16}` : inner.box} role={live ? "group" : "img"} aria-label={t("map.label")}>
      <Land {...land} part={zoom} px={1 / scale} live={live} />
      {zoom === "city" && (
        // for the eye only: each of its districts is on the map beside it, too
        <g aria-hidden="true">
          <rect className="inset-place" x={inner.left} y={inner.top} width={inner.width} height={inner.height} />
          <svg className="inset" x={0} y={0} width={inner.width * grown} height={INSET_HEIGHT} viewBox={inner.box}>
            <rect className="inset-ground" x={inner.left} y={inner.top} width={inner.width} height={inner.height} />
            <Land {...land} part="core" px={1 / scale / grown} live={false} />
          </svg>
          <rect className="inset-frame" x={0} y={0} width={inner.width * grown} height={INSET_HEIGHT} />
        </g>
      )}
    </svg>
  );
}

function Land({ city, look, seen, dim, onSee, onChoose, marks, part, px, live }: Omit<MapProps, "children"> & { marks?: Marks; part: "city" | "core"; px: number; live: boolean }) {
  const { drawn, areas, districts } = city;
  const hatch = useId();
  const central = useMemo(() => new Set(districts.filter((one) => one.region === "central").map((one) => one.node)), [districts]);
  const labels = useMemo(() => {
    const known = new Map(districts.map((one) => [one.node, one]));
    const inner = core(drawn);
    const texts = areas.flatMap((area) => {
      const one = known.get(area.node);
      if (!one || central.has(area.node) !== (part === "core")) return [];
      const text = labelOf(one.zh, one.en);
      const note = dim ? "" : (look.note?.(area.node) ?? "");
      const wide = text.length * (text > "\u2e80" ? 1 : 0.62) * NAME_PX;
      const seat = one.seat ? drawn.at(one.seat.longitude, one.seat.latitude) : area.middle;
      const width = (wide + 4) * px;
      const places: [number, number][] = [area.middle, seat, [area.middle[0], area.middle[1] + 9 * px], [area.middle[0], area.middle[1] - 9 * px]];
      const inside = ([x]: [number, number]) => part === "city" || (x - width / 2 >= inner.left && x + width / 2 <= inner.left + inner.width);
      return [{ id: area.node, text, note, size: area.size, width, height: (NAME_PX + (note ? NOTE_PX : 0) + 4) * px, places: places.filter(inside) }];
    });
    // who has most room is placed first: the others give way
    const free = apart(texts.sort((a, b) => b.size - a.size));
    return texts.flatMap((one) => (free.has(one.id) ? [{ ...one, place: free.get(one.id)! }] : []));
  }, [areas, central, dim, districts, drawn, look, part, px]);
  return (
    <>
      <defs>
        <pattern id={hatch} width={7 * px} height={7 * px} patternUnits="userSpaceOnUse" patternTransform="rotate(45)">
          <line x1="0" y1="0" x2="0" y2={10 * px} className="hatch" strokeWidth={2 * px} />
        </pattern>
      </defs>
      {areas.map((one) => (
        // beside the inner districts their neighbours are only a hint
        <g key={one.node || one.name} opacity={part === "core" && !central.has(one.node) ? 0.22 : undefined}>
          <path
            d={one.path}
            fill={look.fill(one.node)}
            className={`district ${dim ? "dim" : ""} ${onChoose ? "" : "still"}`}
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
          {look.hatched?.(one.node) && <path d={one.path} fill={`url(#${hatch})`} pointerEvents="none" />}
        </g>
      ))}
      {seen && areas.filter((one) => one.node === seen).map((one) => <path key={one.node} d={one.path} className="district-seen" />)}
      {marks?.(drawn, px)}
      {labels.map((one) => {
        const ground = look.fill(one.id);
        const [x, y] = one.place;
        const up = one.note ? NOTE_PX / 2 : 0;
        return (
          <text key={one.id} className="map-name" textAnchor="middle" fontSize={NAME_PX * px} strokeWidth={3 * px} style={dim ? undefined : { fill: ground.replace("--", "--on-"), stroke: ground }}>
            <tspan x={x} y={y + (NAME_PX * 0.36 - up) * px}>
              {one.text}
            </tspan>
            {one.note && (
              <tspan x={x} y={y + (NAME_PX * 0.36 + NOTE_PX * 1.2 - up) * px} fontSize={NOTE_PX * px}>
                {one.note}
              </tspan>
            )}
          </text>
        );
      })}
    </>
  );
}

/** Debts on the map in three steps of the largest, from light to dark. */
export function debtShade(debt: number, most: number): string {
  return debt > 0 && most > 0 ? `var(--diff-less-${Math.min(3, Math.ceil((3 * debt) / most))})` : "var(--map-none)";
}

/** What the colours mean: shares of what is fair or, with `most`, debts up to that one; and what a dot is. */
export function MapLegend({ attribution = "", most, dots = false }: { attribution?: string; most?: number; dots?: boolean }) {
  return (
    <div className="map-foot">
      <span className="legend-title">{t(most === undefined ? "coverage.of.share" : "coverage.debt.unit")}</span>
      <span className="scale">
        {most === undefined
          ? SHADES.map((one, index) => (
              <span key={one}>
                <i className={index === 0 ? "hatched" : ""} style={{ background: `var(${one})` }} />
                {["<25%", "25–50", "50–75", "75–100", "≥100%"][index]}
              </span>
            ))
          : [1, 2, 3].map((step) => (
              <span key={step}>
                <i style={{ background: `var(--diff-less-${step})` }} />
                {`≤${number(Math.round((most * step) / 3))}`}
              </span>
            ))}
        <span className="apart">
          <i style={{ background: "var(--map-none)" }} />
          {t(most === undefined ? "coverage.not.asked" : "coverage.debt.none")}
        </span>
      </span>
      {dots && (
        <span className="dot-key">
          <i />
          {t("map.dot")}
        </span>
      )}
      <strong className="sketch">{t("map.sketch")}</strong>
      {attribution && <span className="fine">{attribution}</span>}
    </div>
  );
}
