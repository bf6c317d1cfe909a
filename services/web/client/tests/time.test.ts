import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { heard, localDay, now } from "../src/shared/time";

const AT = new Date("2026-12-09T01:30:00Z");

beforeEach(() => void vi.useFakeTimers({ now: AT }));
afterEach(() => {
  heard(AT.toUTCString());
  vi.useRealTimers();
});

it.each([-1, 1])("a phone whose clock is wrong by a day (%i) believes the edge", (days) => {
  heard(AT.toUTCString());
  vi.setSystemTime(AT.getTime() + days * 86_400_000);
  expect(localDay(now())).not.toBe("2026-12-09");
  heard(AT.toUTCString());
  expect(localDay(now())).toBe("2026-12-09");
});

it("seconds on the way, and an answer without a date, change nothing", () => {
  heard(new Date(AT.getTime() - 20_000).toUTCString());
  heard(null);
  expect(now()).toEqual(AT);
});
