// What the pages read: the network first, this phone's copy when there is none.
import { type UseQueryOptions, useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { type View, get } from "../shared/api";
import { addDays, instant, localDay, now } from "../shared/time";
import { titleIn } from "../shared/title";
import { copy, copyOf } from "./device";

type Query = Record<string, string | number | string[] | undefined>;

// a day later the copy of a day before is better than nothing
const MOVING = ["start", "start_time", "end_time"];
const keptName = (path: string, query: Query) => `${path}?${JSON.stringify(Object.fromEntries(Object.entries(query).filter(([name]) => !MOVING.includes(name))))}`;

/** An answer that is kept on the phone; `at` is when the shown one came. */
export function useKept<T>(path: string, query: Query = {}, options: Partial<UseQueryOptions<T, Error>> = {}) {
  const name = keptName(path, query);
  const before = copyOf<T>(name);
  return useQuery<T, Error>({
    queryKey: [path, query],
    queryFn: async ({ signal }) => {
      const answer = await get<T>(path, query, signal);
      copy(name, answer);
      return answer;
    },
    initialData: before?.value as never,
    initialDataUpdatedAt: before?.at,
    refetchOnMount: options.staleTime === undefined ? "always" : true, // a copy is shown at once, and never taken for news
    ...options,
  });
}

/** A list page by page; the first page is kept on the phone. */
export function usePaged<T extends { next_page_token: string }>(path: string, query: Query, againAfterMs?: number) {
  const name = keptName(`${path}/paged`, query);
  const before = copyOf<T>(name);
  return useInfiniteQuery({
    queryKey: [path, "paged", query],
    initialPageParam: "",
    queryFn: async ({ pageParam, signal }) => {
      const page = await get<T>(path, { ...query, page_token: pageParam }, signal);
      if (!pageParam) copy(name, page);
      return page;
    },
    getNextPageParam: (last) => last.next_page_token || undefined,
    initialData: before && { pages: [before.value], pageParams: [""] },
    initialDataUpdatedAt: before?.at,
    refetchOnMount: "always",
    refetchInterval: againAfterMs,
  });
}

/** The time between two days from today, for lists of events. */
export function between(fromDays: number, toDays: number): { start_time: string; end_time: string } {
  const today = localDay(now());
  return { start_time: instant(addDays(today, fromDays), "00:00"), end_time: instant(addDays(today, toDays), "00:00") };
}

export type Requests = View<"RequestsShown">;
export type Events = View<"EventsShown">;
export type EventShown = View<"EventShown">;
export type Venue = View<"VenueShown">;
export type Topic = View<"TopicShown">;
export type Day = View<"DayShown">;

export const LONG_MS = 3_600_000;
export const useReference = () => useKept<View<"ReferenceShown">>("reference", {}, { staleTime: LONG_MS });
export const useVenues = () => useKept<View<"VenuesShown">>("venues", { page_size: 200 }, { staleTime: LONG_MS });
export const useCalendar = (start: string, days: number) => useKept<Day[]>("calendar", { start, days }, { staleTime: LONG_MS });

/** Titles in the reader's language, where the app has composed them. */
export function useTitle(): (title: string) => string {
  const topics = useReference().data?.topics;
  return (title) => titleIn(title, topics);
}
