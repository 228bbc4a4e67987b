import assert from "node:assert/strict";
import { embed, METHODS } from "../../lib/embedding/embed.ts";
import {
  type Matrix,
  nearest,
  pairDistances,
  pick,
  planeDistances,
} from "../../lib/embedding/distances.ts";
import {
  classSeparation,
  rawStress,
  separability,
  trustworthiness,
} from "../../lib/embedding/quality.ts";
import { compute } from "../../lib/embedding/compute.ts";
import type { EmbeddingJob, EmbeddingMethod } from "../../lib/embedding/job.ts";
import { EXACT_ROWS } from "../../lib/embedding/large.ts";
import { leadingEigenpairs } from "../../lib/embedding/lanczos.ts";
import { pca, pcaFromDistances } from "../../lib/embedding/pca.ts";
import { smacof } from "../../lib/embedding/smacof.ts";
import { edgeWeights } from "../../lib/embedding/umap.ts";
import { jointProbabilities, tsne } from "../../lib/embedding/tsne.ts";
import { createRandom } from "../../lib/base/random.ts";
import reference from "../reference/embedding.json" with { type: "json" };
import { crc32, unit } from "../support/shared.ts";

/** The matrix of tests/reference/embedding.py: three overlapping clusters, 90 train and 30 test rows. */
const ROWS = 120, COLUMNS = 16, TRAIN = 90;
const table: Matrix = {
  rows: ROWS,
  columns: COLUMNS,
  values: Float32Array.from({ length: ROWS * COLUMNS }, (_, at) => {
    const i = Math.floor(at / COLUMNS), j = at % COLUMNS;
    return unit(crc32("embedding"), at) + (j === i % 3 ? 1 : 0);
  }),
};
const clusters = Array.from({ length: ROWS }, (_, i) => i % 3);
const split = clusters.map((_, i) => i < TRAIN ? "train" as const : "test" as const);
const rowsOf = (from: number, to: number): Matrix => ({
  values: table.values.slice(from * COLUMNS, to * COLUMNS),
  rows: to - from,
  columns: COLUMNS,
});
const [train, test] = [rowsOf(0, TRAIN), rowsOf(TRAIN, ROWS)];
const distances = pairDistances(table);
const wellAbove = (value: number | null, floor: number) =>
  assert.ok(value !== null && value > floor, `${value} must be above ${floor}`);

function close(actual: ArrayLike<number>, wanted: ArrayLike<number>, tolerance: number) {
  for (let i = 0; i < wanted.length; i++) {
    assert.ok(
      Math.abs(actual[i] - wanted[i]) <= tolerance * Math.max(1, Math.abs(wanted[i])),
      `value ${i}: ${actual[i]} must be ${wanted[i]}`,
    );
  }
}

/** A job for the calling thread, which is quicker than a worker for small clouds. */
function jobOf(
  method: EmbeddingMethod,
  m: Matrix,
  isTrain: (row: number) => boolean,
): EmbeddingJob {
  const all = [...Array(m.rows).keys()];
  const part = (which: number[]): Matrix => ({
    values: Float32Array.from(
      which.flatMap((i) => [...m.values.subarray(i * m.columns, (i + 1) * m.columns)]),
    ),
    rows: which.length,
    columns: m.columns,
  });
  const trainRows = all.filter(isTrain), testRows = all.filter((i) => !isTrain(i));
  return {
    method,
    implementation: "own",
    seed: 1,
    distances: pairDistances(m),
    rows: m.rows,
    exactRows: EXACT_ROWS,
    factor: 1,
    trainRows,
    testRows,
    joint: true,
    train: part(trainRows),
    test: part(testRows),
    perplexity: 50,
    neighbours: 15,
    minDist: 0.1,
  };
}

/** Scores of the reference with this project's signs. */
function withSignsOf(xy: Float32Array, wanted: number[], sample: ArrayLike<number>) {
  const sign = [0, 1].map((k) => Math.sign(xy[k]) === Math.sign(sample[k]) ? 1 : -1);
  return wanted.map((v, i) => v * sign[i % 2]);
}

Deno.test("PCA equals scikit-learn's, on values and on distances, for train and for test", () => {
  const cross = pick(
    distances,
    ROWS,
    clusters.map((_, i) => i).slice(TRAIN),
    clusters.map((_, i) => i).slice(0, TRAIN),
  );
  for (
    const found of [pca(train, test), pcaFromDistances(pairDistances(train), TRAIN, cross)]
  ) {
    const wanted = reference.pca;
    close(found.explained, wanted.explained, 1e-7);
    close(found.train, withSignsOf(found.train, wanted.train, wanted.train), 1e-5);
    close(found.test!, withSignsOf(found.train, wanted.test, wanted.train), 1e-5);
  }
});

Deno.test("PCA of a flat cloud has one component, and of equal rows none", () => {
  const line = { values: Float32Array.from({ length: 24 }, (_, i) => i), rows: 8, columns: 3 };
  for (const found of [pca(line), pcaFromDistances(pairDistances(line), 8)]) {
    close(found.explained, [1, 0], 1e-9);
    close(found.train.filter((_, i) => i % 2 === 1), new Float32Array(8), 1e-5);
  }
  const same = { values: new Float32Array(12).fill(3), rows: 4, columns: 3 };
  assert.deepEqual(pca(same).explained, [0, 0]);
  close(pcaFromDistances(pairDistances(same), 4).train, new Float32Array(8), 0);
});

Deno.test("Lanczos finds the eigenpairs of a known matrix", () => {
  // Eigenvalues of the path graph's Laplacian: 2 - 2 cos(pi k / n).
  const n = 40;
  const pairs = leadingEigenpairs(
    (v, out) => {
      for (let i = 0; i < n; i++) {
        const beside = (v[i - 1] ?? v[i]) + (v[i + 1] ?? v[i]);
        out[i] = 2 * v[i] - beside;
      }
    },
    n,
    3,
  );
  pairs.forEach(({ value, vector }, k) => {
    close([value], [2 - 2 * Math.cos(Math.PI * (n - 1 - k) / n)], 1e-10);
    close([vector.reduce((s, v) => s + v * v, 0)], [1], 1e-10);
  });
});

Deno.test("distances equal the float64 sums, for any number of rows and columns", () => {
  const random = createRandom(8);
  for (const [rows, columns] of [[1, 1], [2, 3], [5, 4], [7, 513], [9, 1030], [12, 2]]) {
    const values = Float32Array.from({ length: rows * columns }, () => random.normal(3, 2));
    const found = pairDistances({ values, rows, columns });
    for (let i = 0; i < rows; i++) {
      for (let j = 0; j < rows; j++) {
        let sum = 0;
        for (let c = 0; c < columns; c++) {
          sum += (values[i * columns + c] - values[j * columns + c]) ** 2;
        }
        const wanted = Math.sqrt(sum), apart = Math.abs(found[i * rows + j] - wanted);
        assert.ok(apart <= 1e-6 * wanted, `${rows} x ${columns}: ${i}, ${j}`);
      }
    }
    if (columns === 2) close(planeDistances(values), found, 1e-6);
  }
});

Deno.test("trustworthiness and continuity equal scikit-learn's", () => {
  const before = pairDistances(train), after = planeDistances(pca(train).train);
  close([trustworthiness(before, after, TRAIN, 12)], [reference.pca.trustworthiness12], 1e-7);
  close([trustworthiness(before, after, TRAIN, 5)], [reference.pca.trustworthiness5], 1e-7);
  close([trustworthiness(after, before, TRAIN, 12)], [reference.pca.continuity12], 1e-7);
  assert.equal(trustworthiness(before, before, TRAIN, 12), 1);
  assert.throws(() => trustworthiness(before, after, TRAIN, 45), /below n\/2 = 45, got 45/);
});

Deno.test("separability is the leave-one-out accuracy of the nearest neighbours", () => {
  const xy = Float32Array.of(0, 0, 0, 1, 1, 0, 9, 9, 9, 8, 8, 9, 0.4, 0.4);
  assert.equal(separability(xy, ["a", "a", "a", "b", "b", "b", "b"], 1), 3 / 7);
  assert.equal(separability(xy, ["a", "a", "a", "b", "b", "b", "a"], 2), 1);
  assert.throws(() => separability(xy, ["a"], 1), /1 labels need 2 coordinates, got 14/);
  assert.throws(() => separability(xy, [1, 1, 1, 1, 1, 1, 1], 7), /k must be in \[1, 6\]/);
});

Deno.test("the nearest points are sorted, and ties go by index", () => {
  const d = Float64Array.of(0, 2, 1, 2, 2, 0, 2, 2, 1, 2, 0, 5, 2, 2, 5, 0);
  assert.deepEqual([...nearest(d, 4, 4, 2, true)], [2, 1, 0, 2, 0, 1, 0, 1]);
  assert.deepEqual([...nearest(d, 4, 4, 1, false)], [0, 1, 2, 3]);
});

Deno.test("t-SNE's joint probabilities equal scikit-learn's", () => {
  const p = jointProbabilities(distances, ROWS, 20);
  close(
    p.subarray(1, ROWS).map((v) => v * ROWS),
    reference.tsne.jointRow0.slice(1).map((v) => v * ROWS),
    2e-4,
  );
  assert.ok(Math.abs(p.reduce((s, v) => s + v, 0) - 1) < 1e-6);
});

Deno.test("t-SNE ends with a divergence and a trustworthiness not worse than scikit-learn's", () => {
  const { xy, divergence } = tsne(distances, ROWS, {
    random: createRandom(1),
    perplexity: 20,
    start: pcaFromDistances(distances, ROWS).train,
  });
  const bound = 1.02 * Math.min(...reference.tsne.divergence);
  assert.ok(divergence <= bound, `${divergence} must be at most ${bound}`);
  const kept = trustworthiness(distances, planeDistances(xy), ROWS);
  wellAbove(kept, Math.max(...reference.tsne.trustworthiness) - 0.01);
});

Deno.test("MDS ends with a stress within 2% of scikit-learn's best", () => {
  const xy = smacof(distances, ROWS, { random: createRandom(1) });
  const stress = rawStress(distances, planeDistances(xy)), best = Math.min(...reference.mds.stress);
  assert.ok(stress <= 1.02 * best, `${stress} must be at most 2% above ${best}`);
});

Deno.test("edge weights of UMAP equal umap-learn's where the graph is not symmetric yet", () => {
  // A row's weights w and those towards it w' make umap-learn's w + w' - w w': for a pair that is
  // alone in the world both are 1, and with neighbours at equal steps the sum is log2 of their number.
  const steps = edgeWeights(Float64Array.from({ length: 15 }, (_, i) => 1 + 0.1 * i));
  assert.equal(steps[0], 1);
  close([steps.reduce((a, b) => a + b, 0)], [Math.log2(15)], 1e-6);
  const ratio = steps[1] / steps[0];
  for (let i = 1; i < 15; i++) close([steps[i] / steps[i - 1]], [ratio], 1e-6);
});

Deno.test("UMAP's map is as trustworthy as umap-learn's", async () => {
  const { quality } = await embed(table, { method: "umap", seed: 3 });
  wellAbove(quality.trustworthiness, Math.max(...reference.umap.trustworthiness) - 0.01);
});

const embeddings = new Map(
  await Promise.all(
    METHODS.map(async (method) =>
      [method, await embed(table, { method, seed: 5, split, labels: clusters })] as const
    ),
  ),
);

for (const method of METHODS) {
  Deno.test(`${method}: the same seed gives the same map of train and test`, async () => {
    const again = await embed(table, { method, seed: 5, split, labels: clusters });
    assert.deepEqual(again, embeddings.get(method));
    assert.equal(again.train.length, 2 * TRAIN);
    assert.equal(again.test!.length, 2 * (ROWS - TRAIN));
  });

  Deno.test(`${method}: classes that the features separate stay apart, and the quality says so`, () => {
    const { train, test, quality, testQuality } = embeddings.get(method)!;
    wellAbove(quality.separation!.accuracy, 0.7);
    wellAbove(quality.separationBefore!.accuracy, 0.85);
    wellAbove(quality.trustworthiness, 0.75);
    wellAbove(quality.continuity, 0.75);
    assert.equal(quality.separation!.accuracy, separability(train, clusters.slice(0, TRAIN)));
    assert.equal(testQuality!.separation!.accuracy, separability(test!, clusters.slice(TRAIN)));
    assert.equal("stress" in quality, method === "mds");
    assert.equal("divergence" in quality, method === "tsne");
    assert.equal("explained" in quality, method === "pca");
  });
}

for (const method of ["tsne", "mds"] as const) {
  Deno.test(`${method}: a joint map is that of all rows, maps apart are those of each part`, async () => {
    const options = { method, seed: 5, iterations: 60 };
    const joint = await embed(table, { ...options, split });
    const all = await embed(table, options);
    assert.deepEqual(Float32Array.of(...joint.train, ...joint.test!), all.train);
    const apart = await embed(table, { ...options, split, joint: false });
    const train = await embed(rowsOf(0, TRAIN), { ...options, scale: false });
    assert.notDeepEqual(apart.train, joint.train);
    // The same picture at another scale: the range of all rows divides the values.
    const ratio = train.train[0] / apart.train[0];
    if (method === "mds") close(train.train, apart.train.map((v) => v * ratio), 1e-2);
    assert.equal(apart.test!.length, joint.test!.length);
  });
}

Deno.test("another seed gives another UMAP and MDS but the same PCA", async () => {
  const options = { seed: 6, split, labels: clusters };
  assert.deepEqual(await embed(table, { ...options, method: "pca" }), embeddings.get("pca"));
  for (const method of ["umap", "mds"] as const) {
    const other = await embed(table, { ...options, method });
    assert.notDeepEqual(other.train, embeddings.get(method)!.train);
  }
});

Deno.test("test points of UMAP land among train points of their cluster", () => {
  const { train, test } = embeddings.get("umap")!;
  const all = Float32Array.of(...train, ...test!), d = planeDistances(all);
  let right = 0;
  for (let i = TRAIN; i < ROWS; i++) {
    const near = [...Array(TRAIN).keys()].sort((a, b) => d[i * ROWS + a] - d[i * ROWS + b]);
    if (near.slice(0, 5).filter((j) => clusters[j] === clusters[i]).length >= 3) right++;
  }
  assert.ok(right >= 24, `${right} of 30`);
});

Deno.test("test points of UMAP do not lie in a ring around the train points of their cluster", async () => {
  // Well apart, so that a cluster's middle means something.
  const random = createRandom(4), rows = 150, columns = 30;
  const values = Float32Array.from({ length: rows * columns }, (_, at) => {
    const i = Math.floor(at / columns);
    return random.normal(at % columns === i % 3 ? 12 : 0, 1);
  });
  const parts = Array.from({ length: rows }, (_, i) => i < 99 ? "train" as const : "test" as const);
  const { train, test } = await embed({ values, rows, columns }, {
    method: "umap",
    seed: 1,
    split: parts,
  });
  for (const cluster of [0, 1, 2]) {
    const own = (xy: Float32Array) =>
      [...Array(xy.length / 2).keys()].filter((i) => i % 3 === cluster).map((
        i,
      ) => [xy[2 * i], xy[2 * i + 1]]);
    const middle = [0, 1].map((d) => own(train).reduce((s, p) => s + p[d], 0) / own(train).length);
    const radius = (xy: Float32Array) =>
      own(xy).reduce((s, [x, y]) => s + Math.hypot(x - middle[0], y - middle[1]), 0) /
      own(xy).length;
    assert.ok(radius(test!) < 1.2 * radius(train), `${radius(test!)} beside ${radius(train)}`);
  }
});

Deno.test("the packages give the same PCA, and maps of like quality behind the same interface", async () => {
  const options = { seed: 5, split, labels: clusters, implementation: "package" as const };
  const unlabelled = { ...options, split: undefined, labels: undefined };
  const [own, theirs] = [embeddings.get("pca")!, await embed(table, { ...options, method: "pca" })];
  const signs = [0, 1].map((k) => Math.sign(own.train[k] * theirs.train[k]));
  close(theirs.train, own.train.map((v, i) => v * signs[i % 2]), 1e-4);
  close(theirs.test!, own.test!.map((v, i) => v * signs[i % 2]), 1e-4);
  close(theirs.quality.explained!, own.quality.explained!, 1e-6);
  for (const method of ["umap", "mds"] as const) {
    const { quality, test } = await embed(table, { ...options, method });
    wellAbove(quality.trustworthiness, embeddings.get(method)!.quality.trustworthiness! - 0.05);
    assert.equal(test!.length, 2 * (ROWS - TRAIN));
  }
  const few = () => embed(rowsOf(0, 40), { ...unlabelled, method: "tsne", iterations: 100 });
  const { train, quality } = await few();
  assert.deepEqual((await few()).train, train, "tsne-js is seeded");
  wellAbove(quality.divergence!, 0);
});

Deno.test("wide features go through their distances and give the same PCA", async () => {
  const random = createRandom(2), columns = 500;
  const wide: Matrix = { values: new Float32Array(ROWS * columns), rows: ROWS, columns };
  const mix = Array.from({ length: COLUMNS * columns }, () => random.normal(0, 0.05));
  for (let i = 0; i < ROWS; i++) {
    for (let c = 0; c < columns; c++) {
      for (let j = 0; j < COLUMNS; j++) {
        wide.values[i * columns + c] += table.values[i * COLUMNS + j] * mix[j * columns + c];
      }
    }
  }
  const found = await embed(wide, { method: "pca", seed: 1, scale: false });
  const wanted = pca(wide);
  close(found.train, wanted.train, 1e-4);
  close(found.quality.explained!, wanted.explained, 1e-6);
});

Deno.test("scaling by the global range divides the map of PCA by that range", async () => {
  const raw = await embed(table, { method: "pca", seed: 1, scale: false });
  const scaled = await embed(table, { method: "pca", seed: 1 });
  let low = Infinity, high = -Infinity;
  for (const v of table.values) [low, high] = [Math.min(low, v), Math.max(high, v)];
  close(scaled.train, raw.train.map((v) => v / (high - low)), 1e-5);
});

Deno.test("copies of one tile, many or all, leave every method finite", async () => {
  const values = table.values.slice(0, 40 * COLUMNS);
  for (let i = 0; i < 20; i++) values.copyWithin(i * COLUMNS, 0, COLUMNS);
  const copies = { values, rows: 40, columns: COLUMNS };
  const same = { values: new Float32Array(20 * 4).fill(1), rows: 20, columns: 4 };
  for (const method of METHODS) {
    for (const cloud of [copies, same]) {
      const { train, test } = await compute({
        ...jobOf(method, cloud, (i) => i % 3 !== 0),
        iterations: 300,
      });
      assert.ok([...train, ...test!].every(Number.isFinite), method);
    }
  }
});

Deno.test("a single test tile is mapped by every method", async () => {
  for (const method of METHODS) {
    const { test } = await compute({ ...jobOf(method, table, (i) => i !== 7), iterations: 50 });
    assert.ok(test!.length === 2 && test!.every(Number.isFinite), method);
  }
});

Deno.test("progress rises to 1 and an abort ends the work with its reason", async () => {
  const shares: number[] = [];
  const fresh = { ...table, values: table.values.slice() };
  await embed(fresh, { method: "mds", seed: 1, onProgress: (s) => shares.push(s) });
  assert.equal(shares.at(-1), 1);
  assert.ok(shares.every((s, i) => i === 0 || s >= shares[i - 1]), String(shares));
  const stop = new AbortController();
  const work = embed(table, {
    method: "tsne",
    seed: 1,
    iterations: 1_000_000,
    signal: stop.signal,
    onProgress: () => stop.abort(new Error("enough")),
  });
  await assert.rejects(work, /enough/);
});

Deno.test("embeddings refuse sizes that do not fit, too few rows and values that are not finite", async () => {
  const refuse = (m: Matrix, options: object, message: RegExp) =>
    assert.rejects(
      embed(m, { method: "pca", seed: 1, ...options }),
      (e) => e instanceof RangeError && message.test(e.message),
    );
  await refuse({ ...table, rows: 3 }, {}, /3 x 16 features need 48 values, got 1920/);
  await refuse(table, { split: ["train"] }, /split must name 120 rows, got 1/);
  await refuse(table, { labels: [1] }, /labels must name 120 rows, got 1/);
  await refuse(rowsOf(0, 3), {}, /at least 4 train rows, got 3/);
  const bad = { ...table, values: table.values.slice() };
  bad.values[35] = NaN;
  await refuse(bad, {}, /feature 3 of row 2 is NaN/);
  await refuse(table, { method: "umap", neighbours: 1 }, /at least 2 neighbours, got 1/);
});

Deno.test("a job gives the same in this thread as in the worker", async () => {
  const { quality } = await compute({ ...jobOf("mds", table, (i) => i < TRAIN), seed: 5 });
  // Stress-1 has no scale, so that it equals the scaled embedding's.
  close([quality.stressOne!], [embeddings.get("mds")!.quality.stressOne!], 1e-3);
});

Deno.test("balanced accuracy of neighbours is scikit-learn's, beside the two baselines", () => {
  const xy = Float32Array.of(0, 0, 1, 0, 2.1, 0, 3.3, 0, 10, 0, 11.5, 0, 4.6, 0);
  const labels = ["a", "a", "a", "a", "b", "b", "b"];
  // KNeighborsClassifier(1), leave one out: guesses a a a a b b a; balanced_accuracy_score 5/6.
  assert.deepEqual(classSeparation(planeDistances(xy), labels, 1), {
    accuracy: 6 / 7,
    balanced: (1 + 2 / 3) / 2,
    majority: 4 / 7,
    chance: 1 / 2,
  });
});

Deno.test("a map says how train and test share it", async () => {
  const random = createRandom(5);
  const values = Float32Array.from({ length: 30 * 6 }, () => random.next());
  const split = Array.from({ length: 30 }, (_, i) => i < 20 ? "train" as const : "test" as const);
  const frame = async (method: EmbeddingMethod, joint?: boolean) => {
    const matrix = { values, rows: 30, columns: 6 };
    return (await embed(matrix, { method, seed: 1, split, joint, iterations: 10 })).frame;
  };
  assert.equal(await frame("pca"), "placed");
  assert.equal(await frame("mds"), "joint");
  assert.equal(await frame("mds", false), "apart");
});
