/** The figures of `quality.ts` for many points, estimated from some of them against all. */
import { createRandom } from "../base/mod.ts";
import { type Matrix, nearest } from "./distances.ts";
import type { EmbeddingMethod, EmbeddingQuality } from "./job.ts";
import { drawRows } from "./landmark_mds.ts";
import { type Label, separationOf, trustPenalty, trustShare, votes } from "./quality.ts";
import { RowDistances } from "./rows.ts";

/** Points that figures are estimated from. */
export const SAMPLED = 2000;

const BLOCK = 128;

/**
 * Trustworthiness, continuity, stress and what neighbours know of the classes, each the mean over
 * `sampled` points drawn at random (the same for every method) of what is computed against all
 * points. All points when there are no more than that: then the figures are exact.
 */
export function sampledQuality(
  xy: Float32Array,
  table: Matrix,
  labels: readonly Label[] | undefined,
  method: EmbeddingMethod,
  sampled = SAMPLED,
): EmbeddingQuality {
  const n = table.rows, k = 12, near = 5, defined = k < n / 2;
  const which = drawRows(createRandom(1), n, Math.min(n, sampled));
  const [features, plane] = [table, { values: xy, rows: n, columns: 2 }].map((m) => ({
    matrix: m,
    rows: new RowDistances(m),
  }));
  const classed = labels && n > near && new Set(labels).size > 1 ? labels : undefined;
  const guesses: [Label[], Label[]] = [[], []];
  let trust = 0, continuity = 0, missed = 0, size = 0;
  for (let at = 0; at < which.length; at += BLOCK) {
    const block = which.subarray(at, at + BLOCK);
    const before = features.rows.between(block, features.matrix);
    const after = plane.rows.between(block, plane.matrix);
    if (defined) {
      trust += trustPenalty(before, after, block, n, k);
      continuity += trustPenalty(after, before, block, n, k);
    }
    for (let i = 0; i < before.length; i++) {
      missed += (before[i] - after[i]) ** 2;
      size += after[i] ** 2;
    }
    if (!classed) continue;
    [after, before].forEach((d, side) =>
      guesses[side].push(...votes(nearest(d, block.length, n, near, true, block), classed, near))
    );
  }
  const share = (penalty: number) => defined ? 1 - trustShare(penalty, which.length, n, k) : null;
  const truth = classed && Array.from(which, (row) => classed[row]);
  return {
    trustworthiness: share(trust),
    continuity: share(continuity),
    ...(method === "mds" && {
      stress: missed / 2 * n / which.length,
      stressOne: size > 0 ? Math.sqrt(missed / size) : 0,
    }),
    ...(classed && truth && {
      separation: separationOf(guesses[0], truth, classed),
      separationBefore: separationOf(guesses[1], truth, classed),
    }),
    ...(which.length < n && { sampled: which.length }),
  };
}
