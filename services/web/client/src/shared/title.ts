// A request's title as the app writes it is a form and a topic in Chinese; who reads English gets both in English.
import { inChinese, language, word } from "./language";

const FORMS = ["LECTURE", "REPORT", "CONSULTATION", "AGRICULTURAL_EXTENSION"] as const;

/** `title` in the reader's language where it was composed; what somebody wrote themselves stays. */
export function titleIn(title: string, topics: readonly { zh: string; en: string }[] | undefined): string {
  if (language() === "zh" || !topics) return title;
  const [before, after] = title.split("：");
  const form = FORMS.find((one) => inChinese(`form.${one}`) === before);
  const topic = topics.find((one) => one.zh === after);
  return form && topic ? `${word("form", form)}: ${topic.en}` : title;
}
