/** Scores with their intervals, one row each. */
import * as Plot from "@observablehq/plot";
import { COLOURS, compose, nest, plotDocument } from "./style.ts";

/** A score and its interval, all in the units of the axis. */
export interface Interval {
  value: number;
  low: number;
  high: number;
}

/**
 * Dots with lines from `low` to `high`, one row per label and one colour per score, as a complete SVG.
 *
 * @throws {RangeError} when there is no row
 */
export function intervalFigure(
  rows: readonly { label: string; scores: Record<string, Interval> }[],
  options: { title: string; subtitle?: string; xLabel?: string; width?: number },
): string {
  if (rows.length === 0) throw new RangeError("intervals need at least one row, got none");
  const names = [...new Set(rows.flatMap(({ scores }) => Object.keys(scores)))];
  const data = rows.flatMap(({ label, scores }) =>
    Object.entries(scores).map(([name, interval]) => ({ label, name, ...interval }))
  );
  const width = options.width ?? 800, height = 70 + rows.length * (16 + 18 * names.length);
  const longest = Math.max(...rows.map(({ label }) => label.length));
  const place = { fy: "label", y: "name", stroke: "name" };
  const svg = nest(
    Plot.plot({
      document: plotDocument(),
      ...{ width, height, marginTop: 10, marginBottom: 48, marginRight: 70 },
      marginLeft: Math.min(360, 24 + longest * 8),
      style: { fontSize: "14px" },
      x: { label: options.xLabel ?? null, grid: true, nice: true },
      y: { axis: null, domain: names },
      fy: { label: null, domain: rows.map(({ label }) => label), axis: "left", padding: 0.15 },
      color: { domain: names, range: names.map((_, i) => COLOURS[i % COLOURS.length]) },
      marks: [
        Plot.link(data, {
          ...{ ...place, x1: "low", x2: "high", y1: "name", y2: "name" },
          strokeWidth: 2.2,
        }),
        Plot.dot(data, { fy: "label", y: "name", x: "value", fill: "name", r: 4.5 }),
        Plot.text(data, {
          ...{ fy: "label", y: "name", x: "high", dx: 8, textAnchor: "start", fontSize: 12 },
          text: (row) => row.value.toFixed(3),
        }),
      ],
    }),
    0,
    0,
  );
  const legend = names.map((label, i) => ({
    ...{ label, colour: COLOURS[i % COLOURS.length], mark: "circle" as const },
  }));
  return compose({ ...options, width, legend, panels: [{ svg, x: 0, y: 0, width, height }] });
}
