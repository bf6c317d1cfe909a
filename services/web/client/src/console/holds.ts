// Whether a plan is as a round's pins, forbids and rests want it; one that came before them need not be.
import { localDay } from "../shared/time";
import type { PlannedEvent, Round } from "./parts";

export type Pin = Round["pins"][number];
export type Forbid = Round["forbids"][number];

/** Whether a plan keeps a pin. */
export const keepsPin = (pin: Pin, events: PlannedEvent[]): boolean => {
  const event = events.find((one) => one.request === pin.request);
  return !!event?.team.some((one) => one.expert === pin.expert && one.seat === pin.seat) && (!pin.start_time || Date.parse(pin.start_time) === Date.parse(event.period?.start_time ?? ""));
};

/** Whether a plan keeps a forbid or a rest: nothing in it is what they rule out. */
export const keepsForbid = (forbid: Forbid, events: PlannedEvent[]): boolean =>
  !events.some((event) => {
    if (!event.team.some((one) => one.expert === forbid.expert)) return false;
    if (forbid.request) return event.request === forbid.request;
    if (forbid.other) return event.team.some((one) => one.expert === forbid.other);
    if (!forbid.period || !event.period) return true;
    const day = localDay(event.period.start_time);
    return forbid.period.start_date <= day && day < forbid.period.end_date;
  });
