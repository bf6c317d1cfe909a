// Where names go on the map.
import { expect, test } from "vitest";
import { setLanguage } from "../src/shared/language";
import { apart, labelOf, middle } from "../src/console/places";

const square = (x: number, y: number, side: number): [number, number][] => [[x, y], [x + side, y], [x + side, y + side], [x, y + side]];

test("a district's name stands in the middle of its largest part", () => {
  expect(middle([square(100, 0, 2), square(0, 0, 10)])).toEqual({ middle: [5, 5], size: 100 });
});

test("the middle does not depend on the way a ring turns", () => {
  expect(middle([square(0, 0, 10).reverse()])).toEqual(middle([square(0, 0, 10)]));
});

test("no name covers an earlier one: it takes its next place, or is left out", () => {
  const label = (id: string, ...places: [number, number][]) => ({ id, width: 10, height: 4, places });
  const found = apart([label("first", [0, 0]), label("moved", [3, 1], [3, 5]), label("nowhere", [1, 1], [-2, 2]), label("beside", [10, 0])]);
  expect([...found]).toEqual([["first", [0, 0]], ["moved", [3, 5]], ["beside", [10, 0]]]);
});

test("names on the map are short, and no single character", () => {
  setLanguage("zh");
  expect(["石柱土家族自治县", "两江新区", "江津区", "忠县"].map((one) => labelOf(one, ""))).toEqual(["石柱", "两江", "江津", "忠县"]);
});
