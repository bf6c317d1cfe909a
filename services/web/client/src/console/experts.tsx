// Who can serve: what they know, what they allow, and whose talks have been reviewed.
import { keepPreviousData, useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { Button, Drawer, Input, Segmented, Select } from "antd";
import { useState } from "react";
import { type View, get, idOf } from "../shared/api";
import { t, word } from "../shared/language";
import { follow, go, setQuery, usePlace } from "../shared/router";
import { localDay, minutes } from "../shared/time";
import { Card, type Expert, Page, Shown, useNames } from "./parts";

export default function Experts({ chosen }: { chosen: string | undefined }) {
  const { query } = usePlace();
  const { topic, reference } = useNames();
  const role = query.get("role") ?? "";
  const about = query.get("topic") ?? "";
  const [text, setText] = useState("");
  const asked = { role, topic: about, text, page_size: 60 };
  const list = useInfiniteQuery({
    queryKey: ["experts", asked],
    queryFn: ({ pageParam }) => get<View<"ExpertsShown">>("experts", { ...asked, page_token: pageParam }),
    initialPageParam: "",
    getNextPageParam: (page) => page.next_page_token || undefined,
    placeholderData: keepPreviousData,
  });
  const rows = list.data?.pages.flatMap((page) => page.experts) ?? [];
  return (
    <Page title={t("experts")} lead={t("experts.lead")}>
      <div className="filters">
        <Segmented value={role} onChange={(value) => setQuery({ role: value || null })} options={["", "ACADEMICIAN", "LECTURER", "VOLUNTEER"].map((one) => ({ value: one, label: one ? word("role", one) : t("role.all") }))} />
        <Select allowClear showSearch={{ optionFilterProp: "label" }} value={about || undefined} placeholder={t("topic.all")} aria-label={t("topic")} style={{ width: 190 }} onChange={(value) => setQuery({ topic: value ?? null })} options={reference?.topics.map((one) => ({ value: one.id, label: topic(one.id) }))} />
        <Input.Search allowClear placeholder={t("experts.search")} aria-label={t("experts.search")} style={{ width: 220 }} onSearch={setText} />
        <span className="quiet">{t("rows", { count: list.hasNextPage ? `${rows.length}+` : rows.length })}</span>
      </div>
      <Shown of={list} none={rows.length === 0 && t("experts.none")}>
        <ul className="expert-grid">
          {rows.map((one) => (
            <li key={one.name}>
              <a href={`/console/experts/${idOf(one.name)}${location.search}`} onClick={follow} className="expert-card">
                <span className={`face role-${one.role}`} aria-hidden="true">
                  {one.display_name.split("·").at(-1)!.slice(0, 1)}
                </span>
                <span className="expert-main">
                  <strong>
                    {one.display_name}
                    {one.local_head && <span className="tag amber">{t("local.head")}</span>}
                  </strong>
                  <span className="quiet">
                    {word("role", one.role)} · {one.audiences.map((group) => word("group", group)).join("、")}
                  </span>
                  <span className="chips">
                    {one.skills.slice(0, 4).map((skill) => (
                      <span key={skill.topic} className={`chip p${skill.proficiency}`}>
                        {topic(skill.topic)}
                      </span>
                    ))}
                  </span>
                </span>
              </a>
            </li>
          ))}
        </ul>
        {list.hasNextPage && (
          <p className="center">
            <Button onClick={() => list.fetchNextPage()} loading={list.isFetchingNextPage}>
              {t("load.more")}
            </Button>
          </p>
        )}
      </Shown>
      {chosen && <OneExpert id={chosen} />}
    </Page>
  );
}

const hour = (minute: number) => `${String(Math.floor(minute / 60)).padStart(2, "0")}:${String(minute % 60).padStart(2, "0")}`;

function OneExpert({ id }: { id: string }) {
  const { topic } = useNames();
  const found = useQuery({ queryKey: ["expert", `experts/${id}`], queryFn: () => get<View<"ExpertAnswer">>(`experts/${id}`).then((answer) => answer.expert) });
  const talks = useQuery({ queryKey: ["talks", id], queryFn: () => get<View<"TalksShown">>("talks", { expert: `experts/${id}` }).then((answer) => answer.talks) });
  const one: Expert | undefined = found.data;
  const today = localDay(new Date());
  return (
    <Drawer open onClose={() => go(`/console/experts${location.search}`)} title={one?.display_name ?? t("expert")} size={520}>
      <Shown of={found}>
        {one && (
          <div className="stack">
            <p className="quiet">
              {word("role", one.role)}
              {one.local_head && ` · ${t("local.head")}`} · {one.forms.map((form) => word("form", form)).join("、")}
            </p>
            <div className="chips">
              {one.skills.map((skill) => (
                <span key={skill.topic} className={`chip p${skill.proficiency}`} title={`${skill.proficiency}/3`}>
                  {topic(skill.topic)} {"●".repeat(skill.proficiency)}
                </span>
              ))}
            </div>
            {one.limits && (
              <Card title={t("limits")} extra={<span className="quiet">{t("limits.note")}</span>}>
                <dl className="facts">
                  <div><dt>{t("limit.day")}</dt><dd>{one.limits.per_day}</dd></div>
                  <div><dt>{t("limit.week")}</dt><dd>{one.limits.per_week}</dd></div>
                  <div><dt>{t("limit.round")}</dt><dd>{one.limits.per_round}</dd></div>
                  <div><dt>{t("limit.travel")}</dt><dd>{minutes(one.limits.travel_min_per_day)}</dd></div>
                  <div><dt>{t("limit.nights")}</dt><dd>{one.limits.nights_away}</dd></div>
                  <div><dt>{t("limit.rest")}</dt><dd>{one.limits.rest_days_per_week}</dd></div>
                  <div><dt>{t("limit.hours")}</dt><dd>{hour(one.limits.earliest_min)}–{hour(one.limits.latest_min)}</dd></div>
                  <div><dt>{t("clearance")}</dt><dd>{one.clearances.some((term) => term.start_date <= today && (!term.end_date || today < term.end_date)) ? t("clearance.valid") : t("clearance.none")}</dd></div>
                </dl>
              </Card>
            )}
            <Card title={t("talks")}>
              <Shown of={talks} none={talks.data?.length === 0 && t("talks.none")} rows={3}>
                <ul className="small-list">
                  {talks.data?.map((talk) => {
                    const reviews = talk.versions.at(-1)?.reviews ?? [];
                    return (
                      <li key={talk.name}>
                        <strong>{talk.title}</strong>
                        <span className="quiet">
                          {topic(talk.topic)} · {minutes(talk.duration_min)}
                        </span>
                        <span className="chips">
                          {(["POLITICAL", "SCIENTIFIC"] as const).map((kind) => {
                            const review = [...reviews].reverse().find((other) => other.kind === kind);
                            const good = review?.passed && review.expire_date > today;
                            return (
                              <span key={kind} className={`tag ${good ? "green" : review && !review.passed ? "red" : "amber"}`}>
                                {t(kind === "POLITICAL" ? "review.political" : "review.scientific")} {good ? "✓" : review ? (review.passed ? t("review.expired") : "✕") : t("review.missing")}
                              </span>
                            );
                          })}
                        </span>
                      </li>
                    );
                  })}
                </ul>
              </Shown>
            </Card>
          </div>
        )}
      </Shown>
    </Drawer>
  );
}
