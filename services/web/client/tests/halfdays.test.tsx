// The calendar, as it is read and not only as it is seen.
import { renderToStaticMarkup } from "react-dom/server";
import { expect, test } from "vitest";
import { speak } from "../src/shared/language";
import type { Day } from "../src/venue/data";
import { halfDay, halfKey } from "../src/venue/fields";
import { HalfDays, type Outlook } from "../src/venue/halfdays";
import { venueWords } from "../src/venue/words";

speak(venueWords);
const TODAY = "2026-11-28"; // a Saturday
const free = (...halves: [day: string, half: "MORNING" | "AFTERNOON", free: number][]): Outlook =>
  new Map(halves.map(([day, half, count]) => [halfKey(halfDay(day, half)), { free: count, chance: 50 }]));
const day = (values: Partial<Day>) => ({ kind: "WORKDAY", name: "", term: "示例", exam: "", exam_en: "", status: "FINAL", ...values }) as Day;
const shown = (values: Partial<Parameters<typeof HalfDays>[0]>) =>
  renderToStaticMarkup(<HalfDays today={TODAY} days={[]} chosen={[]} ready={null} outlook={null} school={false} onToggle={() => undefined} {...values} />);
const cell = (html: string, label: string) => html.match(new RegExp(`<button[^>]*aria-label="${label}[^"]*"[^>]*>.*?</button>`))?.[0] ?? "";

test("it opens where somebody is free and says what it has passed over", () => {
  const html = shown({ opensAtChoice: true, outlook: free(["2026-12-01", "MORNING", 0], ["2026-12-29", "AFTERNOON", 3]) });
  expect(cell(html, "12月29日周二 下午")).toContain(">3</button>");
  expect(html).toContain("12月29日周二以前没有专家有空");
  expect(html).not.toContain("12月1日周二");
});

test("it opens at what is chosen, which is ticked", () => {
  const html = shown({ opensAtChoice: true, chosen: [halfDay("2026-12-03", "MORNING")], outlook: free(["2026-12-29", "MORNING", 3]) });
  expect(cell(html, "12月3日周四 上午")).toContain('aria-pressed="true"');
  expect(cell(html, "12月3日周四 下午")).toContain('aria-pressed="false"');
});

test("what leaves no time for approval cannot be taken; the half-day that ends later can", () => {
  const html = shown({ ready: "2026-12-01T04:30:00Z", outlook: free(["2026-12-01", "MORNING", 2], ["2026-12-01", "AFTERNOON", 2]) }); // 12:30
  expect(cell(html, "12月1日周二 上午")).toContain("disabled");
  expect(cell(html, "12月1日周二 上午")).toContain("来不及审批");
  expect(cell(html, "12月1日周二 下午")).not.toContain("disabled");
});

test("a school reads of holidays and exams, others do not", () => {
  const days = [day({ day: "2026-12-08", exam: "期末考试" }), day({ day: "2026-12-09", term: "" })];
  const school = shown({ days, school: true });
  expect(cell(school, "12月8日周二 上午")).toContain("期末考试");
  expect(cell(school, "12月9日周三 上午")).toContain("假期");
  const others = shown({ days });
  expect(cell(others, "12月8日周二 上午")).not.toContain("期末考试");
  expect(cell(others, "12月9日周三 上午")).not.toContain("假期");
});

test("days off and working weekends are marked", () => {
  const html = shown({ days: [day({ day: "2026-12-04", kind: "DAY_OFF", name: "示例节" }), day({ day: "2026-12-05", kind: "MAKE_UP_WORKDAY", name: "补班" })] });
  expect(html).toContain('<i class="mark">休</i>');
  expect(html).toContain('<i class="mark work">班</i>');
});

test("where nobody is free there is a dot to see and a sentence to hear, so that the free ones stand out", () => {
  const html = shown({ outlook: free(["2026-12-01", "MORNING", 0]) });
  expect(cell(html, "12月1日周二 上午")).toContain("没有专家有空");
  expect(cell(html, "12月1日周二 上午")).toContain(">·</button>");
});
