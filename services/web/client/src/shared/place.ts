// Answers about a place, as both clients read them.
import { type Key, t } from "./language";

/** Answers about the place; on the wire they are lines of `notes`, which only the team may read. */
export type Place = { room: string; equipment: string[]; access: string; proxy: string; rest: string };

export const nowhere: Place = { room: "", equipment: [], access: "", proxy: "", rest: "" };

const LINES: readonly [name: Exclude<keyof Place, "rest" | "equipment">, label: string][] = [["proxy", "for"], ["room", "room"], ["access", "access"]];

/** `notes` of a place: one `label: text` line each, the labels stable, so that an edit finds them again. */
export function notesOf(place: Place): string {
  const lines = LINES.filter(([name]) => place[name].trim()).map(([name, label]) => `[${label}] ${place[name].trim()}`);
  if (place.equipment.length) lines.push(`[equipment] ${place.equipment.join(",")}`);
  if (place.rest.trim()) lines.push(place.rest.trim());
  return lines.join("\n").slice(0, 1000);
}

export function placeOf(notes: string): Place {
  const place: Place = { ...nowhere, equipment: [] };
  const rest: string[] = [];
  for (const line of notes.split("\n")) {
    const found = /^\[(\w+)\] (.*)$/.exec(line);
    const known = LINES.find(([, label]) => label === found?.[1]);
    if (known) place[known[0]] = found![2]!;
    else if (found?.[1] === "equipment") place.equipment = found[2]!.split(",");
    else rest.push(line);
  }
  place.rest = rest.join("\n").trim();
  return place;
}

const FACILITIES = ["projector", "network", "microphone", "kitchen", "parking", "field"];

/** Facilities in the reader's language; what is not known as it was written. */
export const facilitiesOf = (names: readonly string[]) => names.map((one) => (FACILITIES.includes(one) ? t(`facility.${one}` as Key) : one)).join(" · ");

/** What a venue wrote about the place, as lines of a list of facts; what it left out is empty. */
export function placeFacts(notes: string): [name: string, value: string][] {
  const place = placeOf(notes);
  return [
    [t("file.proxy.who"), place.proxy],
    [t("file.room"), place.room],
    [t("file.access"), place.access],
    [t("file.equipment"), facilitiesOf(place.equipment)],
    [t("notes"), place.rest],
  ];
}
