/** Charts of lines side by side under one head. */
import { type ChartOptions, colourOf, frame, type Line, lineMarks } from "./charts.ts";
import { compose, type LegendEntry } from "./style.ts";

/** One chart of {@link panelsFigure}. */
export interface LinePanel {
  lines: Line[];
  options: Omit<ChartOptions, "title" | "subtitle" | "width" | "height">;
}

/**
 * Charts of lines side by side, as a complete SVG. Each line has a colour of its own and stands in
 * the one legend.
 *
 * @param head title and subtitle; `width` is that of one chart, default 400
 * @throws {RangeError} without panels, or for a panel without lines
 */
export function panelsFigure(
  panels: readonly LinePanel[],
  head: { title: string; subtitle?: string; width?: number; height?: number },
): string {
  const { width = 400, height = 360 } = head, legend: LegendEntry[] = [];
  if (panels.length === 0) throw new RangeError("a figure of panels needs at least one, got none");
  const placed = panels.map(({ lines, options }, i) => {
    if (lines.length === 0) throw new RangeError(`panel ${i} needs at least one line`);
    const coloured = lines.map((line, k) => ({ ...line, colour: legend.length + k }));
    for (const line of coloured) {
      const mark = line.dashed ? "dashed" as const : "line" as const;
      legend.push({ label: line.name, colour: colourOf(line, 0), mark });
    }
    const svg = frame({ title: "", ...options, width, height }, lineMarks(coloured));
    return { svg, x: i * width, y: 0, width, height };
  });
  return compose({ ...head, legend, width: panels.length * width, panels: placed });
}
