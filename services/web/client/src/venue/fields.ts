// What a request is while it is written, and what is sent of it: pure, so that drafts, edits and "again" share one set of rules.
import type { View } from "../shared/api";
import { type Place, placeOf } from "../shared/place";
import { addDays, instant, localDay, minuteOfDay } from "../shared/time";

export type Fields = View<"RequestFields">;
export type Request = View<"RequestShown">;
export type Period = View<"Period">;
export type Half = "MORNING" | "AFTERNOON";
export type Draft = { id: string; at: number; fields: Fields; place: Place };

export const HALVES: readonly Half[] = ["MORNING", "AFTERNOON"];
const HOURS: Record<Half, [string, string]> = { MORNING: ["08:00", "12:00"], AFTERNOON: ["14:00", "18:00"] };
export const WINDOWS_WANTED = 3;
export const WINDOWS_MAX = 12;

export function halfDay(day: string, half: Half): Period {
  const [start, end] = HOURS[half];
  return { start_time: instant(day, start), end_time: instant(day, end) };
}

export const halfKey = (period: Period) => `${localDay(period.start_time)}/${minuteOfDay(period.start_time) < 720 ? "MORNING" : "AFTERNOON"}`;
export const sameStart = (one: Period, other: Period) => Date.parse(one.start_time) === Date.parse(other.start_time);
export const isPhone = (text: string) => /^(\+?[0-9]{7,15})?$/.test(text);

export function blank(): Fields {
  return {
    venue: "", title: "", group: "", level: "", audience_size: 60, form: "LECTURE", topic: "", talk: "", duration_min: 60, windows: [],
    seats: [{ roles: ["LECTURER", "ACADEMICIAN"], topic: "", proficiency: 1, optional: false, count: 1 }],
    named_expert: "", named_only: false, mode: "ON_SITE", weight: 0, emergency_level: 0, notes: "", host: "", host_phone: "", by_proxy: false, programme: "", standbys: 1,
  };
}

/** What is the same each time somebody asks for one venue. */
export type Habit = Pick<Fields, "group" | "level" | "audience_size" | "host" | "host_phone"> & Pick<Place, "room" | "equipment" | "access">;

export function habitIn({ fields, place }: Draft): Habit {
  return { group: fields.group, level: fields.level, audience_size: fields.audience_size, host: fields.by_proxy ? "" : fields.host, host_phone: fields.by_proxy ? "" : fields.host_phone, room: place.room, equipment: place.equipment, access: place.access };
}

/** A new draft as this venue is usually asked for; what is written already stays. */
export function withHabit(draft: Draft, habit: Habit | undefined): Draft {
  if (!habit) return draft;
  const { fields, place } = draft;
  return {
    ...draft,
    fields: { ...fields, group: habit.group, level: habit.level, audience_size: habit.audience_size, host: fields.host || habit.host, host_phone: fields.host_phone || habit.host_phone },
    place: { ...place, room: place.room || habit.room, equipment: habit.equipment, access: place.access || habit.access },
  };
}

/** The same request with its lead seat asking for the request's topic, and so many helpers. */
export function withTopic(fields: Fields, topic: string): Fields {
  const seats = fields.seats.map((seat, index) => (index === 0 || seat.topic ? { ...seat, topic } : seat));
  return { ...fields, topic, seats, talk: topic === fields.topic ? fields.talk : "", named_expert: fields.named_expert };
}

export const helpersOf = (fields: Fields) => fields.seats.slice(1).reduce((sum, seat) => sum + Math.max(1, seat.count), 0);

export function withHelpers(fields: Fields, count: number, optional: boolean): Fields {
  const lead = fields.seats[0] ?? blank().seats[0]!;
  const helpers = count ? [{ roles: ["VOLUNTEER" as const], topic: "", proficiency: 0, optional, count }] : [];
  return { ...fields, seats: [lead, ...helpers] };
}

export function toggleWindow(windows: readonly Period[], period: Period): Period[] {
  const there = windows.some((one) => sameStart(one, period));
  const next = there ? windows.filter((one) => !sameStart(one, period)) : [...windows, period];
  return next.sort((one, other) => Date.parse(one.start_time) - Date.parse(other.start_time));
}

const NAMES = Object.keys(blank()) as (keyof Fields)[];

export function fieldsOf(request: Request): Fields {
  return Object.fromEntries(NAMES.map((name) => [name, request[name]])) as Fields;
}

const NOT_OURS: readonly (keyof Fields)[] = ["weight", "emergency_level"];

/** The names of what differs, as an update mask names them. */
export function changed(before: Fields, after: Fields): (keyof Fields)[] {
  return NAMES.filter((name) => !NOT_OURS.includes(name) && JSON.stringify(before[name]) !== JSON.stringify(after[name]));
}

/** The same again: everything but the days, which move on by whole weeks into the next term. */
export function again(request: Request, termStart: string): Draft {
  const first = request.windows[0];
  const days = first ? Math.ceil((Date.parse(`${termStart}T00:00:00+08:00`) - Date.parse(first.start_time)) / (7 * 86_400_000)) * 7 : 0;
  const moved = request.windows.map((one) => {
    const day = addDays(localDay(one.start_time), Math.max(7, days));
    return halfDay(day, minuteOfDay(one.start_time) < 720 ? "MORNING" : "AFTERNOON");
  });
  const fields = { ...fieldsOf(request), windows: moved.slice(0, WINDOWS_MAX), weight: 0, emergency_level: 0 };
  return { id: "", at: 0, fields, place: placeOf(request.notes) };
}

export type Repair = View<"Repair">;

/** What a venue changes by accepting a repair; null for one that is not theirs to make. */
export function repaired(request: Request, repair: Repair): Partial<Fields> | null {
  switch (repair.code) {
    case "OTHER_WINDOW":
      return repair.period ? { windows: toggleWindow(request.windows.filter((one) => !overlaps(one, repair.period!)), roomy(request, repair.period)) } : null;
    case "ACCEPT_REMOTE":
      return { mode: "EITHER" };
    case "RELEASE_NAMED":
      return { named_only: false };
    case "FEWER_SEATS":
      return repair.seat < 0 ? null : { seats: withoutSeat(request.seats, repair.seat) };
    case "LOWER_PROFICIENCY":
      return repair.seat < 0 ? null : { seats: lowered(request.seats, repair.seat) };
    default:
      return null;
  }
}

/** Whether a request already is as a repair wants it: it was accepted, and waits for the next round. */
export function isRepaired(request: Request, change: Partial<Fields>): boolean {
  const plain = (fields: Partial<Fields>) => JSON.stringify({ ...fields, windows: fields.windows?.map((one) => [Date.parse(one.start_time), Date.parse(one.end_time)]) });
  const now = fieldsOf(request);
  const same = Object.fromEntries(Object.keys(change).map((name) => [name, now[name as keyof Fields]]));
  return plain(same) === plain(change);
}

const overlaps = (one: Period, other: Period) => Date.parse(one.start_time) < Date.parse(other.end_time) && Date.parse(other.start_time) < Date.parse(one.end_time);

/** The half-day around a period that lies in one, else the period itself. */
function roomy(request: Request, period: Period): Period {
  const day = localDay(period.start_time);
  const half = halfDay(day, minuteOfDay(period.start_time) < 720 ? "MORNING" : "AFTERNOON");
  const inside = Date.parse(half.start_time) <= Date.parse(period.start_time) && Date.parse(period.end_time) <= Date.parse(half.end_time);
  const clash = request.windows.some((one) => overlaps(one, half) && !overlaps(one, period));
  return inside && !clash ? half : period;
}

/** Seats are counted one by one: seat 2 of a lead and two equal helpers is the second helper. */
function placeOfSeat(seats: readonly Fields["seats"][number][], seat: number): number {
  let first = 0;
  return seats.findIndex((one) => seat < (first += Math.max(1, one.count)));
}

function withoutSeat(seats: Fields["seats"], seat: number): Fields["seats"] {
  const at = placeOfSeat(seats, seat);
  return seats.flatMap((one, index) => (index !== at ? [one] : one.count > 1 ? [{ ...one, count: one.count - 1 }] : []));
}

function lowered(seats: Fields["seats"], seat: number): Fields["seats"] {
  const at = placeOfSeat(seats, seat);
  return seats.map((one, index) => (index === at ? { ...one, proficiency: Math.max(0, one.proficiency - 1) } : one));
}
