/** Lines, bars and histograms in the project's style. */
import * as Plot from "@observablehq/plot";
import type { EpochLog } from "../../training/mod.ts";
import { COLOURS, compose, groupStyles, type LegendEntry, nest, plotDocument } from "./style.ts";

/** One line of {@link linesFigure}. */
export interface Line {
  name: string;
  points: { x: number; y: number }[];
  dashed?: boolean;
  /** Lines of the same colour index share a colour; default the line's own index. */
  colour?: number;
}

/** Text and scales of a chart. */
export interface ChartOptions {
  title: string;
  subtitle?: string;
  xLabel?: string;
  yLabel?: string;
  xDomain?: [number, number];
  yDomain?: [number, number];
  /** Only whole numbers on the x axis. */
  xWhole?: boolean;
  /** A logarithmic x axis with its ticks at these positive values. */
  xLog?: number[];
  /** A logarithmic y axis, for positive values. Default false. */
  yLog?: boolean;
  width?: number;
  height?: number;
}

/** A line's colour. */
export const colourOf = (line: Line, index: number) =>
  COLOURS[(line.colour ?? index) % COLOURS.length];

/** Axes and marks as nested SVG, without the head. */
export function frame(options: ChartOptions, marks: Plot.Markish[], more: object = {}): string {
  const whole = options.xWhole
    ? { tickFormat: (v: number) => Number.isInteger(v) ? String(v) : "" }
    : {};
  const log = options.xLog
    ? { type: "log" as const, ticks: options.xLog, tickFormat: (v: number) => String(v) }
    : {};
  return nest(
    Plot.plot({
      document: plotDocument(),
      width: options.width ?? 800,
      height: options.height ?? 420,
      marginLeft: 62,
      marginBottom: 52,
      marginTop: 30,
      marginRight: 24,
      style: { fontSize: "14px" },
      x: { label: options.xLabel ?? null, domain: options.xDomain, ...whole, ...log },
      y: {
        ...(options.yLog ? { type: "log", ticks: 6, tickFormat: "~g" } : {}),
        label: options.yLabel ?? null,
        domain: options.yDomain,
        grid: true,
        nice: true,
      },
      ...more,
      marks,
    }),
    0,
    0,
  );
}

/** Lines, and dots where they have few points. */
export function lineMarks(lines: Line[]): Plot.Markish[] {
  return lines.flatMap((line, i) => [
    Plot.line(line.points, {
      x: "x",
      y: "y",
      stroke: colourOf(line, i),
      strokeWidth: 2.2,
      strokeDasharray: line.dashed ? "6 4" : undefined,
    }),
    Plot.dot(line.points.length < 30 ? line.points : [], {
      x: "x",
      y: "y",
      r: 2.5,
      fill: colourOf(line, i),
    }),
  ]);
}

/** Lines over a common x, as a complete SVG (Dice over threshold, uncertainty against error). */
export function linesFigure(lines: Line[], options: ChartOptions): string {
  if (lines.length === 0) throw new RangeError("a figure of lines needs at least one line");
  const width = options.width ?? 800, height = options.height ?? 420;
  const legend: LegendEntry[] = lines.map((line, i) => ({
    label: line.name,
    colour: colourOf(line, i),
    mark: line.dashed ? "dashed" : "line",
  }));
  const svg = frame(options, lineMarks(lines));
  return compose({ ...options, width, legend, panels: [{ svg, x: 0, y: 0, width, height }] });
}

/** Loss and Dice of every epoch, one colour a fold; training dashed, validation solid. */
export function curvesFigure(
  log: readonly EpochLog[],
  options: { title?: string; subtitle?: string } = {},
): string {
  if (log.length === 0) throw new RangeError("curves need at least one epoch, got none");
  const folds = [...new Set(log.map((e) => e.fold))].sort((a, b) => a - b);
  const lines = (train: keyof EpochLog, valid: keyof EpochLog) =>
    folds.flatMap((fold, colour) => {
      const rows = log.filter((e) => e.fold === fold).sort((a, b) => a.epoch - b.epoch);
      const line = (key: keyof EpochLog, dashed: boolean): Line => ({
        name: "",
        dashed,
        colour,
        points: rows.map((e) => ({ x: e.epoch, y: e[key] })),
      });
      return [line(train, true), line(valid, false)];
    });
  const size = { width: 460, height: 380, xLabel: "epoch", xWhole: true };
  // Losses differ by orders of magnitude between epochs: one bad epoch would flatten the others.
  const loss = frame(
    { title: "", ...size, yLabel: "loss (log scale)", yLog: true },
    lineMarks(lines("trainLoss", "validLoss")),
  );
  const dice = frame({ title: "", ...size, yLabel: "soft Dice" }, [
    ...lineMarks(lines("trainDice", "validDice")),
  ]);
  const legend: LegendEntry[] = [
    ...folds.map((f, i) => ({
      label: `fold ${f}`,
      colour: COLOURS[i % COLOURS.length],
      mark: "box" as const,
    })),
    { label: "training", colour: "#555", mark: "dashed" },
    { label: "validation", colour: "#555", mark: "line" },
  ];
  return compose({
    title: options.title ?? "Training",
    subtitle: options.subtitle,
    legend,
    width: 920,
    panels: [
      { svg: loss, x: 0, y: 0, width: 460, height: 380 },
      { svg: dice, x: 460, y: 0, width: 460, height: 380 },
    ],
  });
}

/**
 * Horizontal bars, one row an image, one colour a series (the model beside its baselines).
 *
 * @param options `reference` is a dashed line across all rows, for a baseline that they share
 */
export function barFigure(
  rows: { label: string; values: Record<string, number> }[],
  options: ChartOptions & { reference?: { label: string; value: number } },
): string {
  if (rows.length === 0) throw new RangeError("bars need at least one row, got none");
  const series = [...new Set(rows.flatMap((r) => Object.keys(r.values)))];
  const data = rows.flatMap((r) =>
    series.filter((s) => s in r.values).map((s) => ({ label: r.label, s, v: r.values[s] }))
  );
  const width = options.width ?? 800;
  const height = 90 + rows.length * (14 + 20 * series.length);
  const longest = Math.max(...rows.map((r) => r.label.length));
  const svg = frame({ ...options, width, height }, [
    Plot.barX(data, { fy: "label", y: "s", x: "v", fill: "s" }),
    Plot.text(data, {
      fy: "label",
      y: "s",
      x: "v",
      text: (d) => d.v.toFixed(3),
      textAnchor: "start",
      dx: 5,
      fontSize: 12,
    }),
    Plot.ruleX([0]),
    ...(options.reference
      ? [Plot.ruleX([options.reference.value], { strokeDasharray: "6 4", strokeWidth: 2 })]
      : []),
  ], {
    marginLeft: Math.min(330, 24 + longest * 8),
    marginRight: 60,
    x: { label: options.xLabel ?? "Dice", domain: options.xDomain ?? [0, 1], grid: true },
    y: { axis: null, domain: series },
    fy: { label: null, domain: rows.map((r) => r.label), axis: "left", padding: 0.15 },
    color: { domain: series, range: series.map((_, i) => COLOURS[i % COLOURS.length]) },
  });
  const legend: LegendEntry[] = series.map((label, i) => ({
    label,
    colour: COLOURS[i % COLOURS.length],
    mark: "box",
  }));
  if (options.reference) {
    legend.push({ label: options.reference.label, colour: "#000", mark: "dashed" });
  }
  return compose({ ...options, width, legend, panels: [{ svg, x: 0, y: 0, width, height }] });
}

/** A histogram of one or more samples over common bins (`bins` of equal width). */
export function histogramFigure(
  samples: Record<string, ArrayLike<number>>,
  options: ChartOptions & { bins?: number },
): string {
  const names = Object.keys(samples), bins = options.bins ?? 30;
  let low = Infinity, high = -Infinity;
  for (const name of names) {
    for (const v of Array.from(samples[name])) [low, high] = [Math.min(low, v), Math.max(high, v)];
  }
  if (!Number.isFinite(low) || !Number.isFinite(high)) {
    throw new RangeError("a histogram needs finite values, and at least one");
  }
  [low, high] = options.xDomain ?? [low, high === low ? low + 1 : high];
  const step = (high - low) / bins, styles = groupStyles(names);
  const marks = names.map((name, s) => {
    const counts = new Array(bins).fill(0);
    for (const v of Array.from(samples[name])) {
      if (v >= low && v <= high) counts[Math.min(bins - 1, Math.floor((v - low) / step))]++;
    }
    return Plot.rectY(counts.map((n, i) => ({ n, a: low + i * step, b: low + (i + 1) * step })), {
      x1: "a",
      x2: "b",
      y: "n",
      fill: styles[s].colour,
      fillOpacity: names.length > 1 ? 0.55 : 0.9,
    });
  });
  const width = options.width ?? 800, height = options.height ?? 420;
  const svg = frame({ yLabel: "count", ...options }, [...marks, Plot.ruleY([0])]);
  const legend = names.length > 1
    ? styles.map(({ label, colour }) => ({ label, colour, mark: "box" as const }))
    : [];
  return compose({ ...options, width, legend, panels: [{ svg, x: 0, y: 0, width, height }] });
}
