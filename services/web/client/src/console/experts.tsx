// Who can serve: what they know, what they allow, whose talks have been reviewed, and where they go.
import { keepPreviousData, useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { Button, Drawer, Input, Segmented, Select, Table } from "antd";
import { type View, all, get, idOf } from "../shared/api";
import { t, word } from "../shared/language";
import { follow, go, setQuery, usePlace } from "../shared/router";
import { addDays, localDay, minutes, now, range } from "../shared/time";
import { Face, Card, type Expert, Page, ROLES, Shown, State, together, useNames } from "./parts";

type Talk = View<"TalkShown">;
type Reviews = { talks: number; approved: number };
const SOON_DAYS = 60;

/** Whether both reviews of the newest version hold today. */
function approved(talk: Talk, today: string): boolean {
  const reviews = [...(talk.versions.at(-1)?.reviews ?? [])].reverse();
  return (["POLITICAL", "SCIENTIFIC"] as const).every((kind) => {
    const review = reviews.find((one) => one.kind === kind);
    return !!review?.passed && review.expire_date > today;
  });
}

/** Reviews of everybody's talks, by expert. */
function useReviews(today: string) {
  return useQuery({
    queryKey: ["talks", "all"],
    queryFn: async () => {
      const found = new Map<string, Reviews>();
      for (const talk of await all<Talk, "talks">("talks", "talks", { page_size: 1000 })) {
        const sum = found.get(talk.expert) ?? { talks: 0, approved: 0 };
        sum.talks += 1;
        sum.approved += approved(talk, today) ? 1 : 0;
        found.set(talk.expert, sum);
      }
      return found;
    },
    staleTime: 300_000,
  });
}

const holds = (term: { start_date: string; end_date: string } | null, day: string) => !!term && term.start_date <= day && (!term.end_date || day < term.end_date);
const lastDay = (terms: ({ start_date: string; end_date: string } | null)[], today: string) =>
  terms.filter((one) => holds(one, today)).map((one) => one!.end_date || "9999").sort().at(-1) ?? "";

function Until({ day, today }: { day: string; today: string }) {
  if (!day) return <span className="tag red">{t("clearance.none")}</span>;
  if (day === "9999") return <span className="quiet">{t("term.open")}</span>;
  return day <= addDays(today, SOON_DAYS) ? <span className="tag amber">{day}</span> : <span className="quiet mono">{day}</span>;
}

export default function Experts({ chosen }: { chosen: string | undefined }) {
  const { query } = usePlace();
  const { topic, district, reference } = useNames();
  const today = localDay(now());
  const reviews = useReviews(today);
  const role = query.get("role") ?? "";
  const about = query.get("topic") ?? "";
  const need = query.get("need") ?? "";
  const text = query.get("text") ?? "";
  const asked = { role, topic: about, text, page_size: need ? 1000 : 200 };
  const list = useInfiniteQuery({
    queryKey: ["experts", asked],
    queryFn: ({ pageParam }) => get<View<"ExpertsShown">>("experts", { ...asked, page_token: pageParam }),
    initialPageParam: "",
    getNextPageParam: (page) => page.next_page_token || undefined,
    placeholderData: keepPreviousData,
  });
  const found = list.data?.pages.flatMap((page) => page.experts) ?? [];
  const uncleared = (one: Expert) => one.audiences.includes("YOUTH") && !one.clearances.some((term) => holds(term, today));
  const unreviewed = (one: Expert) => (reviews.data?.get(one.name)?.talks ?? 0) > 0 && reviews.data?.get(one.name)?.approved === 0;
  const rows = found.filter((one) => (need === "clearance" ? uncleared(one) : need === "review" ? unreviewed(one) : need === "term" ? !one.memberships.some((other) => holds(other.term, today)) : true));
  return (
    <Page title={t("experts")} lead={t("experts.lead")}>
      <div className="filters">
        <Segmented value={role} onChange={(value) => setQuery({ role: value || null })} options={["", ...ROLES].map((one) => ({ value: one as string, label: one ? word("role", one) : t("role.all") }))} />
        <Select allowClear showSearch={{ optionFilterProp: "label" }} value={about || undefined} placeholder={t("topic.all")} aria-label={t("topic")} style={{ width: 180 }} onChange={(value) => setQuery({ topic: value ?? null })} options={reference?.topics.map((one) => ({ value: one.id, label: topic(one.id) }))} />
        <Select allowClear value={need || undefined} placeholder={t("need.any")} aria-label={t("need")} style={{ width: 170 }} onChange={(value) => setQuery({ need: value ?? null })} options={(["clearance", "review", "term"] as const).map((one) => ({ value: one, label: t(`need.${one}`) }))} />
        <Input.Search allowClear defaultValue={text} placeholder={t("experts.search")} aria-label={t("experts.search")} style={{ width: 200 }} onSearch={(value) => setQuery({ text: value || null })} />
        <span className="quiet">{t("rows", { count: list.hasNextPage ? `${rows.length}+` : rows.length })}</span>
      </div>
      <Shown of={list} none={rows.length === 0 && t("experts.none")} rows={12}>
        <Table<Expert>
          size="small"
          rowKey="name"
          virtual={rows.length > 100}
          scroll={{ x: 1120, y: rows.length > 100 ? 640 : undefined }}
          pagination={false}
          dataSource={rows}
          columns={[
            {
              title: t("expert"),
              width: 190,
              render: (_, one) => (
                <a href={`/console/experts/${idOf(one.name)}${location.search}`} onClick={follow} className="expert-name">
                  <Face name={one.display_name} role={one.role} />
                  <span className="two-lines">
                    <strong>
                      {one.display_name}
                      {one.local_head && <span className="tag amber">{t("local.head")}</span>}
                    </strong>
                    <small>
                      {word("role", one.role)} · {district(one.home_node)}
                    </small>
                  </span>
                </a>
              ),
            },
            {
              title: t("topic"),
              width: 316,
              render: (_, one) => (
                <span className="chips one-line">
                  {one.skills.slice(0, 2).map((skill) => (
                    <span key={skill.topic} className={`chip p${skill.proficiency}`} title={`${skill.proficiency}/3`}>
                      {topic(skill.topic)}
                    </span>
                  ))}
                  {one.skills.length > 2 && (
                    <span className="chip rest" title={together(one.skills.slice(2).map((skill) => topic(skill.topic)))}>
                      +{one.skills.length - 2}
                    </span>
                  )}
                </span>
              ),
            },
            { title: t("group"), width: 150, ellipsis: true, render: (_, one) => together(one.audiences.map((group) => word("group", group))) },
            { title: t("limits.short"), width: 106, render: (_, one) => one.limits && <span className="mono">{`${one.limits.per_day} / ${one.limits.per_week} / ${one.limits.per_round}`}</span> },
            { title: t("limit.travel"), width: 110, align: "right", render: (_, one) => one.limits && minutes(one.limits.travel_min_per_day) },
            {
              title: t("talks"),
              width: 62,
              render: (_, one) => {
                const sum = reviews.data?.get(one.name);
                return sum ? <span className={`tag ${sum.approved === sum.talks ? "green" : sum.approved ? "amber" : "red"}`}>{`${sum.approved}/${sum.talks}`}</span> : <span className="quiet">—</span>;
              },
            },
            { title: t("clearance"), width: 130, render: (_, one) => (one.audiences.includes("YOUTH") ? <Until day={lastDay(one.clearances, today)} today={today} /> : <span className="quiet">{t("clearance.not.needed")}</span>) },
            { title: t("membership"), width: 106, render: (_, one) => <Until day={lastDay(one.memberships.map((other) => other.term), today)} today={today} /> },
          ]}
        />
        {list.hasNextPage && (
          <p className="center">
            <Button onClick={() => list.fetchNextPage()} loading={list.isFetchingNextPage}>
              {t("load.more")}
            </Button>
          </p>
        )}
      </Shown>
      {chosen && <OneExpert id={chosen} today={today} />}
    </Page>
  );
}

const hour = (minute: number) => `${String(Math.floor(minute / 60)).padStart(2, "0")}:${String(minute % 60).padStart(2, "0")}`;

function OneExpert({ id, today }: { id: string; today: string }) {
  const { topic, district, title } = useNames();
  const name = `experts/${id}`;
  const found = useQuery({ queryKey: ["expert", name], queryFn: () => get<View<"ExpertAnswer">>(name).then((answer) => answer.expert) });
  const talks = useQuery({ queryKey: ["talks", id], queryFn: () => get<View<"TalksShown">>("talks", { expert: name }).then((answer) => answer.talks) });
  const visits = useQuery({ queryKey: ["assignments", name], queryFn: () => get<View<"AssignmentsShown">>("assignments", { expert: name, page_size: 200 }).then((answer) => answer.assignments) });
  const records = useQuery({ queryKey: ["records", id], queryFn: () => get<View<"ServiceRecords">>(`${name}/records`).then((answer) => answer.records), retry: false });
  const one: Expert | undefined = found.data;
  const coming = visits.data?.filter((row) => row.period && localDay(row.period.start_time) >= today && !["CANCELLED", "REPLACED", "DECLINED", "LAPSED"].includes(row.state)) ?? [];
  const served = records.data?.reduce((sum, row) => sum + row.minutes, 0) ?? 0;
  return (
    <Drawer open onClose={() => go(`/console/experts${location.search}`)} title={one?.display_name ?? t("expert")} size={540}>
      <Shown of={found}>
        {one && (
          <div className="stack">
            <p className="quiet">
              {word("role", one.role)}
              {one.local_head && ` · ${t("local.head")}`} · {district(one.home_node)} · {together(one.forms.map((form) => word("form", form)))}
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
                  <div><dt>{t("limit.nights")}</dt><dd>{t("nights", { count: one.limits.nights_away })}</dd></div>
                  <div><dt>{t("limit.rest")}</dt><dd>{t("days", { count: one.limits.rest_days_per_week })}</dd></div>
                  <div><dt>{t("limit.hours")}</dt><dd>{hour(one.limits.earliest_min)}–{hour(one.limits.latest_min)}</dd></div>
                  <div><dt>{t("clearance")}</dt><dd><Until day={lastDay(one.clearances, today)} today={today} /></dd></div>
                  <div><dt>{t("membership")}</dt><dd><Until day={lastDay(one.memberships.map((other) => other.term), today)} today={today} /></dd></div>
                </dl>
              </Card>
            )}
            <Card title={t("expert.coming")} extra={records.data && <span className="quiet">{t("expert.served", { time: minutes(served) })}</span>}>
              <Shown of={visits} rows={3}>
                {coming.length === 0 && <p className="quiet">{t("expert.coming.none")}</p>}
                <ul className="small-list">
                  {coming.slice(0, 12).map((row) => (
                    <li key={row.name}>
                      <span>
                        <State kind="assignment" value={row.state} /> {title(row.title)}
                      </span>
                      <span className="quiet">
                        {range(row.period)} · {district(row.district)}
                      </span>
                    </li>
                  ))}
                </ul>
              </Shown>
            </Card>
            <Card title={t("talks")}>
              <Shown of={talks} rows={3}>
                {talks.data?.length === 0 && <p className="quiet">{t("talks.none")}</p>}
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
                                {t(kind === "POLITICAL" ? "review.political" : "review.scientific")} {good ? `✓ ${review.expire_date}` : review ? (review.passed ? t("review.expired") : "✕") : t("review.missing")}
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
