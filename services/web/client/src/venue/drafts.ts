// Drafts live on this phone only, until they are submitted; every stroke is kept.
import { newKey } from "../shared/api";
import { drop, load, names, store, watch } from "./device";
import { type Draft, type Habit, type Request, blank, habitIn } from "./fields";
import { nowhere } from "../shared/place";

const LAST = "last";

export const newDraft = (): Draft => ({ id: newKey().slice(0, 12), at: Date.now(), fields: blank(), place: { ...nowhere } });
export const draftOf = (id: string) => load<Draft>("draft", id);
export function keepDraft(draft: Draft) {
  const kept = draftOf(draft.id);
  if (kept && JSON.stringify({ ...kept, at: 0 }) === JSON.stringify({ ...draft, at: 0 })) return; // taken over from another tab: no news
  store("draft", draft.id, { ...draft, at: Date.now() });
}
/** Told what another tab made of the draft; nothing where it was sent or dropped there. */
export const watchDraft = (id: string, told: (theirs: Draft | undefined) => void) => watch("draft", id, () => told(draftOf(id)));
export const dropDraft = (id: string) => drop("draft", id);
export const drafts = (): Draft[] =>
  names("draft")
    .map(draftOf)
    .filter((one): one is Draft => one !== undefined)
    .sort((one, other) => other.at - one.at);

/** What was said of a venue the last time, so that nobody types a telephone number twice. */
export const habitOf = (venue: string) => load<Habit>("habit", venue);
export const lastVenue = () => load<string>("habit", LAST) ?? "";
export function keepHabit(draft: Draft) {
  store("habit", draft.fields.venue, habitIn(draft));
  store("habit", LAST, draft.fields.venue);
}

/** Changes to a request that are not sent yet, and the version of it that they were made to. */
export type Edit = { etag: string; draft: Draft; reason: string };
const editName = (request: Request, change: boolean) => `${request.name}/${change ? "change" : "edit"}`;
export const keepEdit = (request: Request, change: boolean, edit: Edit) => store("edit", editName(request, change), edit);
export const dropEdit = (request: Request, change: boolean) => drop("edit", editName(request, change));
export function editOf(request: Request, change: boolean): Edit | undefined {
  const kept = load<Edit>("edit", editName(request, change));
  return kept?.etag === request.etag ? kept : undefined; // of an older version: it would undo what was changed since
}

/** Why a request was not served is news until it has been read. */
export const isSeen = (request: Request) => load<number>("seen", request.name) === request.times_unserved;
export const markSeen = (request: Request) => store("seen", request.name, request.times_unserved);
