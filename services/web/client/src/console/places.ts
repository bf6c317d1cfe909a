// What districts are called where room is short.
import { either } from "../shared/language";

const english = (en: string) => en.replace(/ (District|County|New Area|Hi-tech Zone)$| \w+( and \w+)? Autonomous County$/, "");

/** In lists and sentences: 石柱土家族自治县 is 石柱县, as everybody says. */
export const districtName = (zh: string, en: string) => either(zh.replace(/(土家族|苗族)+自治县$/, "县"), english(en));

/** On the map: the bare name. */
export const labelOf = (zh: string, en: string) => either(zh.replace(/(土家族|苗族)+自治县|[区县]$/g, "") || zh, english(en));
