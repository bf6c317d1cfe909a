// Drafts live on this phone only, until they are submitted; every stroke is kept.
import { newKey } from "../shared/api";
import { drop, load, names, store } from "./device";
import { type Draft, blank, nowhere } from "./fields";

export const newDraft = (): Draft => ({ id: newKey().slice(0, 12), at: Date.now(), fields: blank(), place: { ...nowhere } });
export const draftOf = (id: string) => load<Draft>("draft", id);
export const keepDraft = (draft: Draft) => store("draft", draft.id, { ...draft, at: Date.now() });
export const dropDraft = (id: string) => drop("draft", id);
export const drafts = (): Draft[] =>
  names("draft")
    .map(draftOf)
    .filter((one): one is Draft => one !== undefined)
    .sort((one, other) => other.at - one.at);
