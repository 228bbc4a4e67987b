/** The picture of four optimizers in a curved valley. It computes what it draws. */
import * as Plot from "@observablehq/plot";
import {
  lateHeight,
  type OptimizerPath,
  optimizerPaths,
  valley,
  VALLEY_FLOOR,
  type WalkOptions,
} from "../../ranger/mod.ts";
import { COLOURS, compose, type LegendEntry, nest, plotDocument } from "./style.ts";

const X_DOMAIN: [number, number] = [-1.8, 1.8], Y_DOMAIN: [number, number] = [-0.6, 2.4];
const WIDTH = 460, HEIGHT = 330;

/**
 * Lets the optimizers walk (see `lib/ranger/optimizer_paths.ts`; on the active backend) and draws their ways
 * side by side over the valley's contour lines, as a complete SVG. Each walks at the best of a few
 * learning rates; the legend tells it, and the mean height over the last quarter of the walk.
 */
export function optimizerFigure(options: WalkOptions = {}): string {
  const paths = optimizerPaths(options);
  const steps = paths[0].points.length - 1;
  const legend: LegendEntry[] = paths.map(({ name, points, learningRate }, i) => ({
    label: `${name} ${lateHeight(points).toPrecision(2)} at rate ${learningRate}`,
    colour: COLOURS[i],
    mark: "line",
  }));
  return compose({
    title: "Four optimizers in a curved valley",
    subtitle: `${steps} steps with the same noisy gradients, each at its best rate; ` +
      "numbers: mean height over the last quarter (0 at the cross)",
    legend,
    width: 2 * WIDTH,
    panels: paths.map((path, i) => ({
      svg: drawPath(path, COLOURS[i]),
      x: (i % 2) * WIDTH,
      y: Math.floor(i / 2) * HEIGHT,
      width: WIDTH,
      height: HEIGHT,
    })),
  });
}

function drawPath({ name, points }: OptimizerPath, colour: string): string {
  const walked = points.map(([x, y]) => ({ x, y }));
  const svg = Plot.plot({
    document: plotDocument(),
    width: WIDTH,
    height: HEIGHT,
    marginLeft: 44,
    style: { fontSize: "13px" },
    x: { domain: X_DOMAIN, label: null, ticks: 5 },
    y: { domain: Y_DOMAIN, label: null, ticks: 5 },
    marks: [
      Plot.contour({
        x1: X_DOMAIN[0],
        x2: X_DOMAIN[1],
        y1: Y_DOMAIN[0],
        y2: Y_DOMAIN[1],
        // Plot hands the position over as the first two arguments.
        value: (x: number, y: number) => Math.log10(valley(x, y) + 1e-2),
        thresholds: [-1.5, -1, -0.5, 0, 0.5, 1, 1.5],
        pixelSize: 4,
        stroke: "#bbb",
        strokeWidth: 0.8,
      } as Plot.ContourOptions),
      Plot.line(walked, { x: "x", y: "y", stroke: colour, strokeWidth: 1.2, clip: true }),
      Plot.dot(walked.filter((_, i) => i % 20 === 0), {
        x: "x",
        y: "y",
        r: 2.2,
        fill: colour,
        clip: true,
      }),
      Plot.dot([{ x: VALLEY_FLOOR[0], y: VALLEY_FLOOR[1] }], {
        x: "x",
        y: "y",
        symbol: "times",
        r: 6,
        stroke: "#000",
        strokeWidth: 2,
      }),
      Plot.text([name], {
        frameAnchor: "top-left",
        dx: 8,
        dy: 8,
        text: (d: string) => d,
        fontSize: 15,
        fontWeight: "bold",
        stroke: "#fff",
        strokeWidth: 4,
        fill: colour,
      }),
    ],
  });
  return nest(svg, 0, 0);
}
