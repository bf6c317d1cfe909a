// What districts are called where room is short, and where their names go on the map.
import { either } from "../shared/language";

const english = (en: string) => en.replace(/ (District|County|New Area|Hi-tech Zone)$| \w+( and \w+)? Autonomous County$/, "");

/** In lists and sentences: 石柱土家族自治县 is 石柱县, as everybody says. */
export const districtName = (zh: string, en: string) => either(zh.replace(/(土家族|苗族)+自治县$/, "县"), english(en));

/** On the map: the bare name. */
export const labelOf = (zh: string, en: string) => either(bare(zh), english(en));

/** 两江新区 is 两江; 忠县 keeps its 县: a single character is no name. */
function bare(zh: string): string {
  const short = zh.replace(/((土家族|苗族)+自治县|新区|[区县])$/, "");
  return short.length > 1 ? short : zh;
}

type Point = [number, number];

/** The centre of the largest of some rings, and its size in square units. */
export function middle(rings: Point[][]): { middle: Point; size: number } {
  let best = { middle: [0, 0] as Point, size: 0 };
  for (const ring of rings) {
    let [twice, x, y] = [0, 0, 0];
    ring.forEach(([ax, ay], index) => {
      const [bx, by] = ring[(index + 1) % ring.length]!;
      const cross = ax * by - bx * ay;
      twice += cross;
      x += (ax + bx) * cross;
      y += (ay + by) * cross;
    });
    if (Math.abs(twice / 2) > best.size) best = { middle: [x / (3 * twice), y / (3 * twice)], size: Math.abs(twice / 2) };
  }
  return best;
}

/** A text of some size, and the centres it may have, the best first. */
type Label = { id: string; width: number; height: number; places: Point[] };

/** A place for each label where it covers no earlier one; those for which there is none are left out. */
export function apart(labels: Label[]): Map<string, Point> {
  const found = new Map<string, Point>();
  const taken: { x: number; y: number; width: number; height: number }[] = [];
  for (const { id, width, height, places } of labels) {
    const place = places.find(([x, y]) => taken.every((one) => Math.abs(one.x - x) >= (one.width + width) / 2 || Math.abs(one.y - y) >= (one.height + height) / 2));
    if (!place) continue;
    found.set(id, place);
    taken.push({ x: place[0], y: place[1], width, height });
  }
  return found;
}
