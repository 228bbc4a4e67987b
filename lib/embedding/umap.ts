/** UMAP (McInnes, Healy and Melville 2018) of known distances, after umap-learn 0.5. */
import type { Random } from "../base/mod.ts";
import { nearest } from "./distances.ts";
import { pcaFromDistances } from "./pca.ts";
import { crossGraph, fuzzyGraph, type Graph } from "./umap_graph.ts";

/** Settings of {@link umap}. */
export interface UmapOptions {
  random: Random;
  /** Neighbours of each point, itself counted as in umap-learn; at most the number of points. */
  neighbours: number;
  /** Distance in the map at which near points may lie, in [0, 1]. */
  minDist: number;
  /** Epochs; default 500, for more than 10,000 points 200. */
  iterations?: number;
  /** Distances [tests, n] from new points to the fitted ones. */
  cross?: Float64Array;
  tell?: (done: number, total: number) => void;
}

/**
 * The map of `distances` [n, n], and new points laid into the finished map. Neighbours are exact.
 * The start is PCA and not the graph's spectrum: as informative (Kobak and Linderman 2021), and
 * defined for graphs that fall apart.
 *
 * @returns interleaved coordinates
 * @throws {RangeError} for fewer than 3 points or neighbours below 2
 */
export function umap(
  distances: Float64Array,
  n: number,
  options: UmapOptions,
): { train: Float32Array; test?: Float32Array } {
  const { random, cross, tell } = options, k = Math.min(options.neighbours, n);
  if (n < 3) throw new RangeError(`UMAP needs at least 3 points, got ${n}`);
  if (!(k >= 2)) throw new RangeError(`UMAP needs at least 2 neighbours, got ${k}`);
  const epochs = options.iterations ?? (n <= 10_000 ? 500 : 200), shape = curve(options.minDist);
  const graph = fuzzyGraph(distances, n, nearest(distances, n, n, k - 1, true), k);
  const xy = startOf(pcaFromDistances(distances, n).train, random);
  layOut(xy, xy, graph, { shape, random, epochs, rate: 1, moveBoth: true, tell });
  const train = Float32Array.from(xy);
  if (!cross) return { train };
  const tests = cross.length / n;
  const links = crossGraph(cross, n, nearest(cross, tests, n, k, false), k);
  const fresh = new Float64Array(2 * tests), weight = new Float64Array(tests);
  links.head.forEach((i, e) => {
    weight[i] += links.weight[e];
    for (const d of [0, 1]) fresh[2 * i + d] += links.weight[e] * xy[2 * links.tail[e] + d];
  });
  for (let i = 0; i < 2 * tests; i++) fresh[i] /= weight[i >> 1];
  const few = options.iterations ? Math.ceil(options.iterations / 3) : 100;
  // A quarter of the rate, as umap-learn does: new points settle, they do not travel.
  layOut(fresh, xy, links, { shape, random, epochs: few, rate: 0.25, moveBoth: false });
  return { train, test: Float32Array.from(fresh) };
}

/** Coordinates scaled to [0, 10] with a little noise, so that equal points can part. */
function startOf(plane: Float32Array, random: Random): Float64Array {
  const xy = new Float64Array(plane.length);
  for (const d of [0, 1]) {
    let low = Infinity, high = -Infinity;
    for (let i = d; i < plane.length; i += 2) {
      low = Math.min(low, plane[i]);
      high = Math.max(high, plane[i]);
    }
    const span = high - low || 1;
    for (let i = d; i < plane.length; i += 2) {
      xy[i] = 10 * (plane[i] - low) / span + random.normal(0, 1e-3);
    }
  }
  return xy;
}

/**
 * The a and b for which 1 / (1 + a d^2b) comes nearest to "1 up to minDist, then exp(minDist - d)"
 * on 300 points of [0, 3], by Gauss-Newton on (a, b).
 */
export function curve(minDist: number): { a: number; b: number } {
  let a = 1, b = 1;
  for (let step = 0; step < 100; step++) {
    let aa = 0, ab = 0, bb = 0, ga = 0, gb = 0;
    for (let i = 1; i < 300; i++) {
      const d = 3 * i / 299, wanted = d < minDist ? 1 : Math.exp(minDist - d);
      const power = d ** (2 * b), value = 1 / (1 + a * power), slope = -value * value * power;
      const da = slope, db = slope * 2 * a * Math.log(d), miss = wanted - value;
      [aa, ab, bb] = [aa + da * da, ab + da * db, bb + db * db];
      [ga, gb] = [ga + da * miss, gb + db * miss];
    }
    const det = aa * bb - ab * ab, stepA = (bb * ga - ab * gb) / det;
    const stepB = (aa * gb - ab * ga) / det;
    // Halved where it would leave the positive numbers.
    let share = 1;
    while (a + share * stepA <= 0 || b + share * stepB <= 0) share /= 2;
    a += share * stepA;
    b += share * stepB;
    if (Math.abs(stepA) + Math.abs(stepB) < 1e-12) break;
  }
  return { a, b };
}

/** Stochastic gradient descent over the edges, each as often as its weight says, with 5 strangers pushed off each time. */
function layOut(
  heads: Float64Array,
  tails: Float64Array,
  graph: Graph,
  options: {
    shape: { a: number; b: number };
    random: Random;
    epochs: number;
    rate: number;
    moveBoth: boolean;
    tell?: (done: number, total: number) => void;
  },
): void {
  const { shape: { a, b }, random, epochs, moveBoth } = options, strangers = 5;
  const most = graph.weight.reduce((m, w) => Math.max(m, w), 0);
  const kept = [...graph.weight.keys()].filter((e) => graph.weight[e] >= most / epochs);
  const head = Int32Array.from(kept, (e) => graph.head[e]);
  const tail = Int32Array.from(kept, (e) => graph.tail[e]);
  const every = Float64Array.from(kept, (e) => most / graph.weight[e]);
  const next = every.slice(), nextPush = every.map((v) => v / strangers);
  // In the fit an edge pulls each point from both of its ends; a new point has only the one end.
  // Pulled once, it would settle on a ring around its neighbours, as it does in umap-learn.
  const others = tails.length / 2, twice = moveBoth ? 1 : 2;
  const clip = (v: number) => v > 4 ? 4 : v < -4 ? -4 : v;
  for (let epoch = 0; epoch < epochs; epoch++) {
    const rate = options.rate * (1 - epoch / epochs);
    for (let e = 0; e < head.length; e++) {
      if (next[e] > epoch) continue;
      const i = 2 * head[e], j = 2 * tail[e];
      let dx = heads[i] - tails[j], dy = heads[i + 1] - tails[j + 1], square = dx * dx + dy * dy;
      if (square > 0) {
        const power = square ** b, pull = twice * -2 * a * b * power / square / (a * power + 1);
        const gx = rate * clip(pull * dx), gy = rate * clip(pull * dy);
        heads[i] += gx;
        heads[i + 1] += gy;
        if (moveBoth) {
          tails[j] -= gx;
          tails[j + 1] -= gy;
        }
      }
      next[e] += every[e];
      const pushes = Math.floor((epoch - nextPush[e]) / (every[e] / strangers));
      for (let p = 0; p < pushes; p++) {
        const other = 2 * random.int(others);
        if (moveBoth && other === i) continue;
        dx = heads[i] - tails[other];
        dy = heads[i + 1] - tails[other + 1];
        square = dx * dx + dy * dy;
        if (square === 0) continue;
        const push = 2 * b / ((0.001 + square) * (a * square ** b + 1));
        heads[i] += rate * clip(push * dx);
        heads[i + 1] += rate * clip(push * dy);
      }
      nextPush[e] += pushes * every[e] / strangers;
    }
    if (epoch % 20 === 0) options.tell?.(epoch, epochs);
  }
}
