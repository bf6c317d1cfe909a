// Sheets to choose from: topics, talks of the catalogue, experts, venues.
import { useState } from "react";
import type { View } from "../shared/api";
import { either, t, word } from "../shared/language";
import { minutes } from "../shared/time";
import { type Topic, type Venue, useKept, useVenues } from "./data";
import type { Fields } from "./fields";
import { Bones, Sheet, Wrong } from "./parts";

const VENUES = 30;
const EXPERTS = 60;

type Pick<T> = { onPick: (value: T) => void; onClose: () => void };

function Search({ label, value, onChange }: { label: string; value: string; onChange: (text: string) => void }) {
  return <input className="search" type="search" aria-label={label} placeholder={label} value={value} maxLength={40} onChange={(event) => onChange(event.target.value)} />;
}

export function TopicSheet({ topics, fields, onPick, onClose }: Pick<string> & { topics: readonly Topic[]; fields: Fields }) {
  const [text, setText] = useState("");
  const found = topics.filter((one) => !text || one.zh.includes(text) || one.en.toLowerCase().includes(text.toLowerCase()));
  const fit = found.filter((one) => fields.group && one.groups.includes(fields.group));
  const other = found.filter((one) => !fit.includes(one));
  const group = (title: string, rows: readonly Topic[]) =>
    rows.length > 0 && (
      <>
        <h3>{title}</h3>
        <ul className="pills">
          {rows.map((one) => (
            <li key={one.id}>
              <button type="button" aria-pressed={one.id === fields.topic} onClick={() => onPick(one.id)}>
                {either(one.zh, one.en)}
              </button>
            </li>
          ))}
        </ul>
      </>
    );
  return (
    <Sheet title={t("file.topic.choose")} onClose={onClose}>
      <Search label={t("file.topic.search")} value={text} onChange={setText} />
      {!found.length && <p className="empty">{t("file.topic.none")}</p>}
      {group(t("file.topic.fit"), fit)}
      {group(t("file.topic.other"), other)}
    </Sheet>
  );
}

export type Talk = View<"TalkShown">;
export const speaker = (talk: Talk) => talk.name.split("/talks/")[0]!;

export function TalkSheet({ fields, onPick, onClose }: Pick<Talk | null> & { fields: Fields }) {
  const found = useKept<View<"TalksShown">>("talks", { topic: fields.topic, approved_for: fields.group, page_size: 100 });
  const experts = useKept<View<"ExpertsShown">>("experts", { topic: fields.topic, text: "", page_size: EXPERTS });
  const names = new Map(experts.data?.experts.map((one) => [one.name, one.display_name]));
  return (
    <Sheet title={t("file.talk")} onClose={onClose}>
      <ul className="options">
        <li>
          <button type="button" aria-pressed={!fields.talk} onClick={() => onPick(null)}>
            <b>{t("file.talk.any")}</b>
          </button>
        </li>
        {found.data?.talks.map((one) => (
          <li key={one.name}>
            <button type="button" aria-pressed={one.name === fields.talk} onClick={() => onPick(one)}>
              <b>{one.title}</b>
              <small>
                {[names.get(speaker(one)), word("form", one.form), minutes(one.duration_min), t("file.talk.approved")].filter(Boolean).join(" · ")}
              </small>
            </button>
          </li>
        ))}
      </ul>
      {found.error && !found.data && <Wrong error={found.error} again={() => void found.refetch()} />}
      {found.isPending && <Bones />}
      {found.data && !found.data.talks.length && <p className="empty">{t("file.talk.none")}</p>}
    </Sheet>
  );
}

export type Expert = View<"ExpertShown">;
export function ExpertSheet({ fields, onPick, onClose }: Pick<Expert | null> & { fields: Fields }) {
  const [text, setText] = useState("");
  const found = useKept<View<"ExpertsShown">>("experts", { topic: fields.topic, text, page_size: EXPERTS });
  const rows = found.data?.experts.filter((one) => one.state === "ACTIVE" && one.role !== "VOLUNTEER" && (!fields.group || one.audiences.includes(fields.group)));
  return (
    <Sheet title={t("file.expert")} onClose={onClose}>
      <Search label={t("file.expert.search")} value={text} onChange={setText} />
      <ul className="options">
        <li>
          <button type="button" aria-pressed={!fields.named_expert} onClick={() => onPick(null)}>
            <b>{t("file.expert.any")}</b>
          </button>
        </li>
        {rows?.map((one) => (
          <li key={one.name}>
            <button type="button" aria-pressed={one.name === fields.named_expert} onClick={() => onPick(one)}>
              <b>{one.display_name}</b>
              <small>{word("role", one.role)}</small>
            </button>
          </li>
        ))}
      </ul>
      {found.error && !found.data && <Wrong error={found.error} again={() => void found.refetch()} />}
      {found.isPending && <Bones />}
      {rows && !rows.length && <p className="empty">{t("experts.none")}</p>}
    </Sheet>
  );
}

export function VenueSheet({ chosen, onPick, onClose }: Pick<Venue> & { chosen: string }) {
  const [text, setText] = useState("");
  const all = useVenues().data;
  const many = Boolean(all?.next_page_token); // more than are here: the services look for it
  const asked = useKept<View<"VenuesShown">>("venues", { text, page_size: VENUES }, { enabled: many && text !== "" });
  const venues = all?.venues ?? [];
  const found = many && text ? (asked.data?.venues ?? []) : venues.filter((one) => one.display_name.includes(text));
  return (
    <Sheet title={t("file.venue.choose")} onClose={onClose}>
      {venues.length > 8 && <Search label={t("file.venue.search")} value={text} onChange={setText} />}
      <ul className="options">
        {found.slice(0, VENUES).map((one) => (
          <li key={one.name}>
            <button type="button" aria-pressed={one.name === chosen} onClick={() => onPick(one)}>
              <b>{one.display_name}</b>
              <small>
                {word("group", one.group)} · {t("file.venue.holds", { count: one.capacity })}
              </small>
            </button>
          </li>
        ))}
      </ul>
      {asked.error && !asked.data && <Wrong error={asked.error} again={() => void asked.refetch()} />}
      {found.length > VENUES || (many && !text) ? <p className="quiet small">{t("file.venue.more")}</p> : !found.length && !asked.isFetching && <p className="empty">{t("file.venue.no")}</p>}
    </Sheet>
  );
}
