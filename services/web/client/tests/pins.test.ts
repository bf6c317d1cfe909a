// Whether a plan is as pins, forbids and rests want it.
import { expect, test } from "vitest";
import { keepsForbid, keepsPin } from "../src/console/holds";
import type { PlannedEvent } from "../src/console/parts";

const member = (expert: string, seat = 0) => ({ seat, expert, display_name: "示例", role: "LECTURER" as const, remote: false, travel_min: 0, night_after: false });
const event = (request: string, start: string, ...team: ReturnType<typeof member>[]): PlannedEvent => ({ request, venue: "venues/v", title: "", district: "", group: "YOUTH", period: { start_time: start, end_time: start }, team, point: null, venue_display_name: "", weight: 1, topic: "" });
// 00:30 on the 21st in the city, still the 20th in UTC
const events = [event("requests/a", "2026-12-20T16:30:00Z", member("experts/one"), member("experts/two", 1)), event("requests/b", "2026-12-24T01:00:00Z", member("experts/three"))];

test.each([
  ["the seat and the time", { seat: 0, expert: "experts/one", start_time: "2026-12-20T16:30:00Z" }, true],
  ["any time", { seat: 1, expert: "experts/two", start_time: null }, true],
  ["another seat", { seat: 1, expert: "experts/one", start_time: null }, false],
  ["another time", { seat: 0, expert: "experts/one", start_time: "2026-12-20T17:00:00Z" }, false],
  ["somebody else", { seat: 0, expert: "experts/three", start_time: null }, false],
])("a pin with %s", (_, pin, kept) => {
  expect(keepsPin({ request: "requests/a", ...pin }, events)).toBe(kept);
});

test("a pin of a request that is not served is not kept", () => {
  expect(keepsPin({ request: "requests/none", seat: 0, expert: "experts/one", start_time: null }, events)).toBe(false);
});

const forbid = (changes: object) => ({ expert: "experts/one", request: "", other: "", period: null, ...changes });
test.each([
  ["for the request they go to", forbid({ request: "requests/a" }), false],
  ["for another request", forbid({ request: "requests/b" }), true],
  ["with whom they are sent", forbid({ other: "experts/two" }), false],
  ["with somebody else", forbid({ other: "experts/three" }), true],
  ["of everything", forbid({}), false],
  ["of everything, for somebody who stays at home", forbid({ expert: "experts/home" }), true],
  ["on the local day of their visit", forbid({ period: { start_date: "2026-12-21", end_date: "2026-12-22" } }), false],
  ["on the days before", forbid({ period: { start_date: "2026-12-19", end_date: "2026-12-21" } }), true],
  ["from the day after on", forbid({ period: { start_date: "2026-12-22", end_date: "2026-12-29" } }), true],
])("a forbid %s", (_, one, kept) => {
  expect(keepsForbid(one, events)).toBe(kept);
});
