// What a request is while it is written.
import { describe, expect, test } from "vitest";
import { type Draft, type Request, again, blank, changed, habitIn, halfDay, isPhone, repaired, toggleWindow, withHabit, withHelpers } from "../src/venue/fields";
import { setLanguage } from "../src/shared/language";
import { nowhere, notesOf, placeFacts, placeOf } from "../src/shared/place";
import { toggled } from "../src/venue/expert";

const draft = (): Draft => ({ id: "d1", at: 0, fields: blank(), place: { ...nowhere } });
const request = (values: Partial<Request>) => ({ ...blank(), ...values }) as Request;

describe("what was said of a venue the last time", () => {
  const last = draft();
  last.fields = { ...last.fields, group: "YOUTH", level: "SENIOR", audience_size: 320, host: "示例 李老师", host_phone: "13900000000" };
  last.place = { ...last.place, room: "阶梯教室", equipment: ["projector"], access: "西门" };

  test("is filled in the next time", () => {
    const next = withHabit(draft(), habitIn(last));
    expect(next.fields).toMatchObject({ group: "YOUTH", level: "SENIOR", audience_size: 320, host: "示例 李老师", host_phone: "13900000000" });
    expect(next.place).toMatchObject({ room: "阶梯教室", equipment: ["projector"], access: "西门" });
    expect(next.fields.topic).toBe("");
    expect(next.fields.windows).toEqual([]);
  });

  test("gives way to what is written already", () => {
    const written = draft();
    written.place.room = "操场";
    written.fields.host = "示例 王老师";
    const next = withHabit(written, habitIn(last));
    expect([next.place.room, next.fields.host]).toEqual(["操场", "示例 王老师"]);
  });

  test("keeps nothing of somebody whom it was filed for", () => {
    const theirs = { ...last, fields: { ...last.fields, by_proxy: true } };
    expect(habitIn(theirs)).toMatchObject({ host: "", host_phone: "" });
  });
});

test("a half-day is taken in and out again, and the half-days stay in order", () => {
  const [first, second] = [halfDay("2026-12-21", "AFTERNOON"), halfDay("2026-12-22", "MORNING")];
  const both = toggleWindow(toggleWindow([], second), first);
  expect(both).toEqual([first, second]);
  expect(toggleWindow(both, { ...first, start_time: first.start_time.replace(".000Z", "Z") })).toEqual([second]);
});

test("notes of a place are found again by an edit, with lines of one's own among them", () => {
  const place = { room: "三楼", equipment: ["projector", "network"], access: "西门", proxy: "三组王大爷", rest: "第一行\n[第二行] 有方括号" };
  expect(placeOf(notesOf(place))).toEqual(place);
});

test("only what differs is sent, and never what coordinators set", () => {
  const before = blank();
  expect(changed(before, { ...before, audience_size: 55, weight: 9 })).toEqual(["audience_size"]);
  expect(changed(before, withHelpers(before, 2, true))).toEqual(["seats"]);
});

test.each([["", true], ["13900000000", true], ["+8613900000000", true], ["139 0000", false], ["123456", false]])("a telephone %j is right: %s", (text, right) => {
  expect(isPhone(text)).toBe(right);
});

describe("a repair that a venue accepts", () => {
  const repair = { code: "OTHER_WINDOW", seat: -1, period: { start_time: "2026-12-23T06:30:00Z", end_time: "2026-12-23T07:30:00Z" } } as never;

  test("adds the half-day around the time that would work", () => {
    const asked = request({ windows: [halfDay("2026-12-21", "MORNING")] });
    expect(repaired(asked, repair)).toEqual({ windows: [halfDay("2026-12-21", "MORNING"), halfDay("2026-12-23", "AFTERNOON")] });
  });

  test("takes one of two equal helpers away, and leaves the lead", () => {
    const asked = request({ seats: withHelpers(blank(), 2, false).seats });
    const fewer = repaired(asked, { code: "FEWER_SEATS", seat: 2, period: null } as never);
    expect(fewer?.seats?.map((seat) => seat.count)).toEqual([1, 1]);
  });

  test("is not theirs to make when it needs other people", () => {
    expect(repaired(request({}), { code: "ONE_MORE_EXPERT", seat: 0, period: null } as never)).toBeNull();
  });
});

test("the same again moves by whole weeks to the next term, on the same weekdays", () => {
  const asked = request({ windows: [halfDay("2026-12-22", "MORNING"), halfDay("2026-12-24", "AFTERNOON")] });
  const days = again(asked, "2027-03-01").fields.windows;
  expect(days).toEqual([halfDay("2027-03-02", "MORNING"), halfDay("2027-03-04", "AFTERNOON")]);
});

test("an expert's free time is cut at the half-day that is taken out, not lost", () => {
  const whole = [{ start_time: "2026-12-21T23:00:00.000Z", end_time: "2026-12-22T11:00:00.000Z" }]; // 07:00 to 19:00
  const rest = toggled(whole, halfDay("2026-12-22", "MORNING"));
  expect(rest).toEqual([
    { start_time: "2026-12-21T23:00:00.000Z", end_time: "2026-12-22T00:00:00.000Z" },
    { start_time: "2026-12-22T04:00:00.000Z", end_time: "2026-12-22T11:00:00.000Z" },
  ]);
  expect(toggled(rest, halfDay("2026-12-22", "MORNING"))).toHaveLength(3);
});

test("a coordinator reads what a venue wrote of its place in words", () => {
  setLanguage("zh");
  expect(placeFacts("[room] 阶梯教室\n[equipment] projector,kite\n带伞").filter(([, value]) => value)).toEqual([
    ["哪个房间", "阶梯教室"],
    ["现场设备", "投影 · kite"],
    ["说明", "带伞"],
  ]);
});
