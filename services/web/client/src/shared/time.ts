// Everything is stored in UTC and read in the city's time, whatever the device's zone.
import { language, t } from "./language";

const ZONE = "Asia/Shanghai";
const cache = new Map<string, Intl.DateTimeFormat>();

let behind = 0;
const BELIEVED_MS = 90_000;

/** Takes note of the edge's clock, as an answer's `Date` has it: a device whose own is off by more than a minute is not believed. */
export function heard(date: string | null) {
  const off = Date.parse(date ?? "") - Date.now();
  if (!Number.isNaN(off)) behind = Math.abs(off) > BELIEVED_MS ? off : 0;
}

/** What time it is, whatever this device thinks. */
export const now = () => new Date(Date.now() + behind);

function format(at: string | Date, options: Intl.DateTimeFormatOptions): string {
  const locale = language() === "zh" ? "zh-CN" : "en-GB";
  const key = locale + JSON.stringify(options);
  let made = cache.get(key);
  if (!made) cache.set(key, (made = new Intl.DateTimeFormat(locale, { timeZone: ZONE, ...options })));
  return made.format(typeof at === "string" ? new Date(at) : at);
}

export const clock = (at: string | Date) => format(at, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
export const dayMonth = (at: string | Date) => format(at, { month: "numeric", day: "numeric" });
export const dayLong = (at: string | Date) => format(at, { month: language() === "zh" ? "long" : "short", day: "numeric", weekday: "short" });
export const monthName = (at: string | Date) => format(at, { month: "short" });
export const weekday = (at: string | Date) => format(at, { weekday: "short" });
/** `11/29`, or `29 Nov` where 11/12 could be either. */
export const dayShort = (at: string | Date) => (language() === "zh" ? dayMonth(at) : format(at, { day: "numeric", month: "short" }));
export const moment = (at: string | Date) => `${dayShort(at)} ${clock(at)}`;

export function range(period: { start_time: string; end_time: string } | null): string {
  return period ? `${dayLong(period.start_time)} ${clock(period.start_time)}–${clock(period.end_time)}` : "";
}

/** The local day of an instant, `2026-11-24`. */
export function localDay(at: string | Date): string {
  const parts = new Intl.DateTimeFormat("en-CA", { timeZone: ZONE }).format(typeof at === "string" ? new Date(at) : at);
  return parts;
}

/** Minutes since midnight in the city. */
export function minuteOfDay(at: string): number {
  const [hour = 0, minute = 0] = clock(at).split(":").map(Number);
  return hour * 60 + minute;
}

/** The instant of a wall-clock time in the city; China has no daylight saving. */
export const instant = (day: string, time: string) => new Date(`${day}T${time}:00+08:00`).toISOString();

export function addDays(day: string, days: number): string {
  const at = new Date(`${day}T00:00:00Z`);
  at.setUTCDate(at.getUTCDate() + days);
  return at.toISOString().slice(0, 10);
}

export function daysBetween(start: string, end: string): number {
  return Math.round((Date.parse(`${end}T00:00:00Z`) - Date.parse(`${start}T00:00:00Z`)) / 86_400_000);
}

export function minutes(count: number): string {
  const hours = Math.floor(count / 60);
  const rest = count % 60;
  const parts = [hours ? t("hours", { count: hours }) : "", rest || !hours ? t("minutes", { count: rest }) : ""];
  return parts.filter(Boolean).join(" ");
}
