// Who is signed in, and what does not change while a page is open.
import { useQuery } from "@tanstack/react-query";
import { Refused, type View, get, rememberCsrf, send } from "./api";

export type Session = View<"SessionShown">;
export type Topic = View<"TopicShown">;
export type District = View<"DistrictShown">;

/** Who is signed in. Whoever is not goes to the sign-in page, and comes back here afterwards. */
export async function session(): Promise<Session> {
  try {
    const found = await get<Session>("session");
    rememberCsrf(found.csrf);
    return found;
  } catch (error) {
    if (error instanceof Refused && error.status === 401) toSignIn();
    throw error;
  }
}

export function toSignIn() {
  location.replace(`/?${new URLSearchParams({ next: location.pathname + location.search })}`);
}

/** The session is over, here and for the cookie. */
export async function signOut() {
  await send("session", {}, undefined, "DELETE").catch((error: Refused) => {
    if (error.status !== 401) throw error;
  });
  location.replace("/");
}

export function useReference() {
  return useQuery({ queryKey: ["reference"], queryFn: () => get<View<"ReferenceShown">>("reference"), staleTime: Infinity });
}

export const homeOf = (roles: string[]) => (roles.some((role) => ["VENUE_STAFF", "LOCAL_HEAD", "EXPERT"].includes(role)) ? "/app" : "/console");
