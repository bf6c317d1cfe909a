// What the pages read: the network first, this phone's copy when there is none.
import { type UseQueryOptions, useQuery } from "@tanstack/react-query";
import { type View, get } from "../shared/api";
import { titleIn } from "../shared/title";
import { copy, copyOf } from "./device";

type Query = Record<string, string | number | string[] | undefined>;

/** An answer that is kept on the phone; `at` is when the shown one came. */
export function useKept<T>(path: string, query: Query = {}, options: Partial<UseQueryOptions<T, Error>> = {}) {
  const name = `${path}?${JSON.stringify(query)}`;
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
