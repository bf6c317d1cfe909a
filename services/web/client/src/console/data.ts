// What more than one page reads: people, plans, and what others change meanwhile.
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useCallback, useEffect, useMemo } from "react";
import { type View, all, get, idOf } from "../shared/api";
import { localDay, now } from "../shared/time";
import { type Coverage, type Expert, type PlannedEvent, type Request, type Round, type Unserved, useNames } from "./parts";

/** In the inbox's address beside the states of requests: those of any state whose change waits for an answer. */
export const CHANGES = "CHANGES";

export type PlanData = { events: PlannedEvent[]; unserved: Unserved[]; coverage: Coverage[] };

const PAGE = 1000;

/** Everybody who serves, by name; a thousand take a second, so they are kept for some minutes. */
export function usePeople() {
  return useQuery({
    queryKey: ["people"],
    queryFn: async () => new Map((await all<Expert, "experts">("experts", "experts", { page_size: PAGE })).map((one) => [one.name, one])),
    staleTime: 300_000,
  });
}

/** Names of the venues the reader may see; of very many the first 5,000. */
export function useVenues() {
  return useQuery({
    queryKey: ["venues"],
    queryFn: async () => new Map((await all<View<"VenueShown">, "venues">("venues", "venues", { page_size: PAGE }, 5)).map((one) => [one.name, one])),
    staleTime: 600_000,
  });
}

/** What is asked, by request, as people call it: of a frozen round, or of whatever waits; of very many the first 5,000. */
export function useAsked(round: string, enabled = true) {
  const { title } = useNames();
  const venues = useVenues();
  const list = useQuery({
    queryKey: ["requests", "named", round],
    queryFn: () => all<Request, "requests">("requests", "requests", { round, state: round ? [] : ["SUBMITTED", "ENDORSED", "UNSERVED"], page_size: PAGE }, 5),
    staleTime: 60_000,
    enabled,
  });
  return useMemo(
    () => new Map(list.data?.map((one) => [one.name, [venues.data?.get(one.venue)?.display_name, title(one.title)].filter(Boolean).join(" · ")])),
    [list.data, venues.data, title],
  );
}

export function useRounds() {
  return useQuery({ queryKey: ["rounds"], queryFn: () => all<Round, "rounds">("rounds", "rounds"), refetchInterval: 30_000 });
}

/** A plan's events, what it leaves out, and what its districts get; a plan never changes, so it is read once. */
export function usePlan(round: string, plan: string) {
  const { title } = useNames();
  const select = useCallback(
    (data: PlanData): PlanData => ({ ...data, events: data.events.map((one) => ({ ...one, title: title(one.title) })), unserved: data.unserved.map((one) => ({ ...one, title: title(one.title) })) }),
    [title],
  );
  return useQuery({
    queryKey: ["plan-data", round, plan],
    queryFn: async (): Promise<PlanData> => {
      const [events, unserved, coverage] = await Promise.all([
        all<PlannedEvent, "events">(`rounds/${round}/plans/${plan}/events`, "events"),
        all<Unserved, "unserved">(`rounds/${round}/plans/${plan}/unserved`, "unserved"),
        all<Coverage, "coverage">(`rounds/${round}/coverage`, "coverage", { plan }),
      ]);
      return { events, unserved, coverage };
    },
    select,
    enabled: !!round && !!plan,
    staleTime: Infinity,
  });
}

export function useOnePlan(round: string, plan: string) {
  return useQuery({
    queryKey: ["plan", round, plan],
    queryFn: () => get<View<"PlanAnswer">>(`rounds/${round}/plans/${plan}`).then((answer) => answer.plan),
    enabled: !!round && !!plan,
    staleTime: Infinity,
  });
}

/** What some days are: working days, weekends, days off, and the term they lie in. */
export function useCalendar(start: string, days: number) {
  return useQuery({ queryKey: ["calendar", start, days], queryFn: () => get<View<"DayShown">[]>("calendar", { start, days }), enabled: days > 0, staleTime: Infinity });
}

export type Assignment = View<"AssignmentShown">;

/** Offers whose time is over count as no: silence is not consent. */
export const lapsed = (one: Assignment) => one.state === "OFFERED" && !!one.respond_by_time && Date.parse(one.respond_by_time) < now().getTime();
/** Whether a seat that was offered has nobody. */
export const empty = (one: Assignment) => one.state === "DECLINED" || one.state === "LAPSED" || lapsed(one);

export const isOff = (day: View<"DayShown"> | undefined) => day?.kind === "WEEKEND" || day?.kind === "DAY_OFF";

export function usePolicies() {
  return useQuery({ queryKey: ["policies"], queryFn: () => get<View<"PoliciesShown">>("policies").then((answer) => answer.policies), staleTime: 600_000 });
}

/** Reads again whatever somebody else changes, as soon as the edge says so; without its stream the pages' own polling stays. */
export function useLive(query: string) {
  const client = useQueryClient();
  useEffect(() => {
    const source = new EventSource(`/api/changes?${query}`);
    let refused = 0;
    source.addEventListener("changed", (event) => {
      const { kind, name } = JSON.parse((event as MessageEvent<string>).data) as { kind: string; name: string };
      if (kind === "request") {
        void client.invalidateQueries({ queryKey: ["requests"] });
        void client.invalidateQueries({ queryKey: ["request", idOf(name)] });
        return;
      }
      for (const key of ["round", "rounds", "runs", "plans", "assignments", "findings"]) void client.invalidateQueries({ queryKey: [key] });
    });
    source.addEventListener("reset", () => void client.invalidateQueries());
    source.onerror = () => {
      refused += 1;
      if (source.readyState === EventSource.CLOSED || refused > 20) source.close();
    };
    return () => source.close();
  }, [query, client]);
}

/** How many events of a plan each local day has; days without one are left out. */
export function eventsByDay(events: PlannedEvent[]): Map<string, number> {
  const sums = new Map<string, number>();
  for (const one of events) {
    if (!one.period) continue;
    const day = localDay(one.period.start_time);
    sums.set(day, (sums.get(day) ?? 0) + 1);
  }
  return sums;
}

/** Who appears in a plan, by name. */
export function namesIn(events: PlannedEvent[]): Map<string, string> {
  return new Map(events.flatMap((event) => event.team.map((member) => [member.expert, member.display_name] as const)));
}
