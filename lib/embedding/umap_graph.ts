/** UMAP's weighted graphs of neighbours. */

/** Edges with weights in (0, 1]. */
export interface Graph {
  head: number[];
  tail: number[];
  weight: number[];
}

/**
 * The fuzzy union over n points: each point's neighbours by a kernel whose width makes the weights
 * sum to log2(k), an edge in both directions with p + q - pq.
 *
 * @param neighbours the k - 1 nearest others of each point, near to far
 */
export function fuzzyGraph(
  distances: Float64Array,
  n: number,
  neighbours: Int32Array,
  k: number,
): Graph {
  const weights = new Map<number, number>();
  for (let i = 0; i < n; i++) {
    const near = neighbours.subarray(i * (k - 1), (i + 1) * (k - 1));
    const d = Float64Array.from(near, (j) => distances[i * n + j]);
    const nonZero = d.find((v) => v > 0);
    const w = kernel(d, nonZero ?? 0, k);
    near.forEach((j, r) => weights.set(i * n + j, w[r]));
  }
  const graph: Graph = { head: [], tail: [], weight: [] };
  for (const [edge, p] of weights) {
    const i = Math.floor(edge / n), j = edge % n, q = weights.get(j * n + i);
    // An edge known from one end only is written from both.
    add(graph, i, j, q === undefined ? p : p + q - p * q);
    if (q === undefined) add(graph, j, i, p);
  }
  return graph;
}

/** Edges from new points to their `k` nearest known ones, out of distances [tests, n]. */
export function crossGraph(
  cross: Float64Array,
  n: number,
  neighbours: Int32Array,
  k: number,
): Graph {
  const graph: Graph = { head: [], tail: [], weight: [] };
  for (let i = 0; i * n < cross.length; i++) {
    const near = neighbours.subarray(i * k, (i + 1) * k);
    const d = Float64Array.from(near, (j) => cross[i * n + j]);
    // A new point need not touch any known one, so no distance is taken off.
    const w = kernel(d, 0, k);
    near.forEach((j, r) => add(graph, i, j, w[r]));
  }
  return graph;
}

function add(graph: Graph, head: number, tail: number, weight: number): void {
  if (weight <= 0) return;
  graph.head.push(head);
  graph.tail.push(tail);
  graph.weight.push(weight);
}

/** Weights exp(-(d - rho) / sigma), at most 1, with sigma by bisection so that they sum to log2(k). */
function kernel(d: Float64Array, rho: number, k: number): Float64Array {
  const wanted = Math.log2(k);
  const at = (sigma: number) => d.map((v) => v <= rho ? 1 : Math.exp(-(v - rho) / sigma));
  let low = 0, high = Infinity, sigma = 1;
  for (let step = 0; step < 64; step++) {
    const sum = at(sigma).reduce((s, w) => s + w, 0);
    if (Math.abs(sum - wanted) < 1e-5) break;
    if (sum > wanted) high = sigma;
    else low = sigma;
    sigma = high === Infinity ? sigma * 2 : (low + high) / 2;
  }
  // umap-learn's floor: a neighbourhood of near copies must not shrink to nothing.
  return at(Math.max(sigma, 1e-3 * d.reduce((s, v) => s + v, 0) / d.length, 1e-300));
}
