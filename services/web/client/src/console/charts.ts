// ECharts with only the parts used here, in the colours of the page.
import { BarChart, LineChart } from "echarts/charts";
import { GridComponent, LegendComponent, TooltipComponent } from "echarts/components";
import * as core from "echarts/core";
import type { EChartsCoreOption } from "echarts/core";
import { CanvasRenderer } from "echarts/renderers";
import { createElement, useEffect, useRef } from "react";
import { useTheme } from "../shared/theme";

core.use([BarChart, LineChart, GridComponent, LegendComponent, TooltipComponent, CanvasRenderer]);

const colour = (name: string) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

/** Colours as the theme has them now. */
export const palette = () => ({
  ink: colour("--ink"), soft: colour("--soft"), line: colour("--line"), brand: colour("--brand"), amber: colour("--amber"), red: colour("--red"),
  green: colour("--green"), blue: colour("--blue"), paper: colour("--paper"), sunken: colour("--sunken"), strong: colour("--line-strong"), font: colour("--font"),
});

/** A chart that fills its box; `label` is what it shows, for those who cannot see it. */
export function Chart({ option, height, label }: { option: (colours: ReturnType<typeof palette>) => EChartsCoreOption; height: number; label: string }) {
  const box = useRef<HTMLDivElement>(null);
  const chart = useRef<core.ECharts | null>(null);
  const theme = useTheme();
  useEffect(() => {
    const made = core.init(box.current!, undefined, { renderer: "canvas" });
    chart.current = made;
    const watch = new ResizeObserver(() => made.resize());
    watch.observe(box.current!);
    return () => {
      watch.disconnect();
      made.dispose();
      chart.current = null;
    };
  }, []);
  useEffect(() => {
    const colours = palette();
    chart.current?.setOption({ animationDuration: 200, textStyle: { fontFamily: colours.font, color: colours.soft }, ...option(colours) }, { notMerge: true });
  }, [option, theme, height]);
  // a window that has become narrower waits a moment for its chart, and must not scroll for that
  return createElement("div", { ref: box, style: { height, overflow: "hidden" }, role: "img", "aria-label": label });
}

/** A tooltip without HTML: the page's policy on styles allows none in it. */
export const tooltip = (colours: ReturnType<typeof palette>) => ({
  renderMode: "richText" as const,
  backgroundColor: colours.paper,
  borderColor: colours.strong,
  textStyle: { color: colours.ink, fontFamily: colours.font, fontSize: 12 },
});
