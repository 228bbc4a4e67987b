/** Points in the plane: one embedding, and several beside each other. */
import * as Plot from "@observablehq/plot";
import { equalScales, extent } from "./extent.ts";
import {
  compose,
  escapeXml,
  type GroupStyle,
  groupStyles,
  nest,
  type Panel,
  plotDocument,
} from "./style.ts";

/** Points of a scatter plot: interleaved coordinates and one group name a point. */
export interface Points {
  /** x0, y0, x1, y1, … */
  xy: ArrayLike<number>;
  /** One name for each point. */
  groups: readonly string[];
}

/** How a scatter figure looks. */
export interface ScatterOptions {
  title: string;
  subtitle?: string;
  xLabel?: string;
  yLabel?: string;
  /** Order of the groups (and so of the colours); default order of first appearance. */
  order?: readonly string[];
  /** Same length for a unit on both axes, where distances mean something; default true. */
  equalAxes?: boolean;
  /** Numbers at the axes; leave them out where only neighbourhood means something. Default true. */
  ticks?: boolean;
  width?: number;
}

function groupsOf(points: Points, order?: readonly string[]): string[] {
  if (points.xy.length !== 2 * points.groups.length) {
    throw new RangeError(
      `${points.groups.length} groups need ${
        2 * points.groups.length
      } coordinates, got ${points.xy.length}`,
    );
  }
  return [...new Set([...(order ?? []), ...points.groups])];
}

function legendOf(groups: string[]) {
  return groupStyles(groups).map(({ label, colour, symbol }) => ({ label, colour, mark: symbol }));
}

/** A point as it is drawn: at the frame's edge where its place lies beyond. */
interface Row {
  x: number;
  y: number;
  beyond: boolean;
  style: GroupStyle;
}

const clamp = (v: number, [low, high]: [number, number]) => Math.min(high, Math.max(low, v));

function panel(points: Points, groups: string[], options: ScatterOptions, size: number): string {
  let x = extent(points.xy, 0), y = extent(points.xy, 1);
  if (options.equalAxes ?? true) [x, y] = equalScales(x, y);
  const styles = new Map(groupStyles(groups).map((style) => [style.label, style]));
  const rows = points.groups.map((group, i) => {
    const at = { x: clamp(points.xy[2 * i], x), y: clamp(points.xy[2 * i + 1], y) };
    const beyond = at.x !== points.xy[2 * i] || at.y !== points.xy[2 * i + 1];
    return { ...at, beyond, style: styles.get(group)! };
  });
  const small = size < 500, ticks = options.ticks ?? true;
  const axis = { ticks: ticks ? (small ? 4 : 6) : [], grid: ticks };
  const look = {
    ...{ x: "x", y: "y", r: small ? 2.6 : 4 },
    symbol: (row: Row) => row.style.symbol,
  };
  const colour = (row: Row) => row.style.colour;
  // In the order of the rows, so that no group as a whole hides another.
  const marks: Plot.Markish[] = [
    Plot.frame({ stroke: "#999" }),
    Plot.dot(rows.filter((row) => !row.beyond), {
      ...look,
      ...{ fill: colour, fillOpacity: 0.75, stroke: "#fff", strokeWidth: 0.5 },
    }),
  ];
  const beyond = rows.filter((row) => row.beyond);
  if (beyond.length > 0) {
    marks.push(
      Plot.dot(beyond, { ...look, fill: "none", stroke: colour, strokeWidth: 1.5 }),
      Plot.text([`${beyond.length} beyond the frame (hollow)`], {
        frameAnchor: "bottom-right",
        ...{ dx: -8, dy: -8, fill: "#555" },
      }),
    );
  }
  const element = Plot.plot({
    document: plotDocument(),
    width: size,
    height: size,
    marginLeft: ticks ? 58 : 30,
    marginBottom: ticks ? 50 : 36,
    marginRight: 22,
    marginTop: 28,
    style: { fontSize: "14px" },
    x: { domain: x, label: options.xLabel ?? null, ...axis },
    y: { domain: y, label: options.yLabel ?? null, ...axis },
    color: { type: "identity" },
    symbol: { type: "identity" } as unknown as Plot.ScaleOptions,
    marks,
  });
  return nest(element, 0, 0);
}

/**
 * One scatter plot with a legend, as a complete SVG. Points far beyond all others are drawn hollow at
 * the frame's edge and counted, so that they do not shrink the others to a dot.
 *
 * @throws {RangeError} when the counts of coordinates and groups differ or a coordinate is not finite
 */
export function scatterFigure(points: Points, options: ScatterOptions): string {
  const width = options.width ?? 720, groups = groupsOf(points, options.order);
  const svg = panel(points, groups, options, width);
  return compose({
    ...options,
    legend: legendOf(groups),
    width,
    panels: [{ svg, x: 0, y: 0, width, height: width }],
  });
}

/** Several scatter plots in a grid with one legend: other perplexities, other seeds, other methods. */
export function smallMultiples(
  plots: (Pick<ScatterOptions, "title" | "xLabel" | "yLabel" | "equalAxes" | "ticks"> & {
    points: Points;
  })[],
  options: ScatterOptions & { columns?: number },
): string {
  if (plots.length === 0) throw new RangeError("small multiples need at least one plot");
  const columns = options.columns ?? Math.min(3, plots.length), width = options.width ?? 1080;
  const size = Math.floor(width / columns);
  const groups = [...new Set(plots.flatMap((p) => groupsOf(p.points, options.order)))];
  const panels: Panel[] = plots.map((plot, i) => ({
    svg: `<text x="${size / 2}" y="20" text-anchor="middle" font-size="15" font-weight="bold">${
      escapeXml(plot.title)
    }</text>${panel(plot.points, groups, { ...options, ...plot }, size)}`,
    x: (i % columns) * size,
    y: Math.floor(i / columns) * size,
    width: size,
    height: size,
  }));
  return compose({ ...options, legend: legendOf(groups), width, panels });
}
