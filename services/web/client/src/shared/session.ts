// Who is signed in, and what does not change while a page is open.
import { useQuery } from "@tanstack/react-query";
import { type View, get, rememberCsrf } from "./api";

export type Session = View<"SessionShown">;
export type Topic = View<"TopicShown">;
export type District = View<"DistrictShown">;

export async function session(): Promise<Session> {
  const found = await get<Session>("session");
  rememberCsrf(found.csrf);
  return found;
}

export function useReference() {
  return useQuery({ queryKey: ["reference"], queryFn: () => get<View<"ReferenceShown">>("reference"), staleTime: Infinity });
}

export const homeOf = (roles: string[]) => (roles.some((role) => ["VENUE_STAFF", "LOCAL_HEAD", "EXPERT"].includes(role)) ? "/app" : "/console");
