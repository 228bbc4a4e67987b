import assert from "node:assert/strict";
import { BarnesHut, type Edges } from "../../lib/embedding/barnes_hut.ts";
import {
  type Matrix,
  nearest,
  pairDistances,
  planeDistances,
  stacked,
} from "../../lib/embedding/distances.ts";
import { embed, METHODS } from "../../lib/embedding/embed.ts";
import { landmarkMds } from "../../lib/embedding/landmark_mds.ts";
import { neighbourProbabilities, neighbourTsne } from "../../lib/embedding/neighbour_tsne.ts";
import { pca, pcaFromDistances } from "../../lib/embedding/pca.ts";
import {
  classSeparation,
  rawStress,
  stressOne,
  trustworthiness,
} from "../../lib/embedding/quality.ts";
import { RowDistances } from "../../lib/embedding/rows.ts";
import { sampledQuality } from "../../lib/embedding/sampled_quality.ts";
import { smacof } from "../../lib/embedding/smacof.ts";
import { divergence, exactGradient, jointProbabilities, tsne } from "../../lib/embedding/tsne.ts";
import { createRandom } from "../../lib/base/random.ts";

/** Three overlapping clouds whose deviations fall, so that a plane is too little for them. */
function clouds(rows: number, columns: number, seed = 1): Matrix {
  const random = createRandom(seed);
  const values = Float32Array.from({ length: rows * columns }, (_, at) => {
    const i = Math.floor(at / columns), c = at % columns;
    return random.normal(c === i % 3 ? 3 : 0, 4 / (1 + c / 2));
  });
  return { values, rows, columns };
}

const count = (n: number) => Int32Array.from({ length: n }, (_, i) => i);
const classes = (n: number) => Array.from({ length: n }, (_, i) => i % 3);

function close(actual: ArrayLike<number>, wanted: ArrayLike<number>, tolerance: number) {
  assert.equal(actual.length, wanted.length);
  for (let i = 0; i < wanted.length; i++) {
    const room = tolerance * Math.max(1, Math.abs(wanted[i]));
    assert.ok(Math.abs(actual[i] - wanted[i]) <= room, `${i}: ${actual[i]}, not ${wanted[i]}`);
  }
}

Deno.test("neighbours and distances of rows are those of all pairs, for any size", () => {
  for (const [rows, columns] of [[13, 1], [200, 5], [131, 514], [300, 1030]]) {
    const table = clouds(rows, columns), all = pairDistances(table), k = 12;
    const held = new RowDistances(table);
    const found = held.nearest(count(rows), table, k, true);
    assert.deepEqual(found.indices, nearest(all, rows, rows, k, true));
    const wantedNear = Array.from(found.indices, (j, e) => all[Math.floor(e / k) * rows + j]);
    close(found.distances, wantedNear, 1e-12);
    const some = Int32Array.of(rows - 1, 0, 7);
    const wanted = [...some].flatMap((i) => [...all.subarray(i * rows, (i + 1) * rows)]);
    close(held.between(some, table), wanted, 1e-12);
    const others = clouds(9, columns, 2);
    const away = pairDistances(stacked(others, table));
    const cross = Float64Array.from(
      { length: 9 * rows },
      (_, at) => away[Math.floor(at / rows) * (rows + 9) + 9 + at % rows],
    );
    close(held.between(count(9), others), cross, 1e-12);
    assert.deepEqual(
      held.nearest(count(9), others, 3, false).indices,
      nearest(cross, 9, rows, 3, false),
    );
  }
});

/** Points of which some coincide, and a graph of three neighbours each. */
function graph(n: number): { xy: Float64Array; edges: Edges } {
  const random = createRandom(5), xy = Float64Array.from({ length: 2 * n }, () => random.normal());
  for (let i = 0; i < n; i += 4) xy.copyWithin(2 * i, 0, 2);
  return {
    xy,
    edges: {
      starts: Int32Array.from({ length: n + 1 }, (_, i) => 3 * i),
      ends: Int32Array.from({ length: 3 * n }, (_, e) => (Math.floor(e / 3) + 1 + e % 3) % n),
      weights: Float64Array.from({ length: 3 * n }, () => random.next()),
    },
  };
}

/** Both forces and the normalization by all pairs. */
function bruteForces(xy: Float64Array, { starts, ends, weights }: Edges) {
  const n = xy.length / 2,
    attraction = new Float64Array(2 * n),
    repulsion = new Float64Array(2 * n);
  let all = 0;
  const pair = (i: number, j: number) => {
    const dx = xy[2 * i] - xy[2 * j], dy = xy[2 * i + 1] - xy[2 * j + 1];
    return { dx, dy, k: 1 / (1 + dx * dx + dy * dy) };
  };
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < n; j++) {
      if (i === j) continue;
      const { dx, dy, k } = pair(i, j);
      all += k;
      repulsion[2 * i] += k * k * dx;
      repulsion[2 * i + 1] += k * k * dy;
    }
    for (let e = starts[i]; e < starts[i + 1]; e++) {
      const { dx, dy, k } = pair(i, ends[e]);
      attraction[2 * i] += weights[e] * k * dx;
      attraction[2 * i + 1] += weights[e] * k * dy;
    }
  }
  return { all, attraction, repulsion };
}

Deno.test("Barnes-Hut forces: theta 0 gives those of all pairs, 0.5 comes within 2%", () => {
  for (const n of [1, 2, 9, 10, 700]) {
    const { xy, edges } = graph(n), wanted = bruteForces(xy, edges);
    for (const theta of [0, 0.5]) {
      const tree = new BarnesHut(n, edges, theta);
      tree.xy.set(xy);
      const all = tree.forces(), tolerance = theta === 0 ? 1e-12 : 0.02;
      close([all], [wanted.all], theta === 0 ? 1e-12 : 0.005);
      close(tree.attraction, wanted.attraction, 1e-12);
      const size = Math.sqrt(wanted.repulsion.reduce((s, v) => s + v * v, 0));
      const off = Math.sqrt(
        tree.repulsion.reduce((s, v, i) => s + (v - wanted.repulsion[i]) ** 2, 0),
      );
      assert.ok(off <= tolerance * size, `${n} points, theta ${theta}: ${off / size}`);
      // The tree is rebuilt from the order of the last one.
      close([tree.forces()], [all], 1e-12);
    }
  }
  assert.throws(
    () => new BarnesHut(2, graph(2).edges, 0.8),
    /theta must be in \[0, 0.7\], got 0.8/,
  );
});

Deno.test("probabilities between all neighbours are the joint probabilities; few neighbours keep sum and symmetry", () => {
  const n = 90, table = clouds(n, 8), rows = new RowDistances(table);
  const near = (k: number) => neighbourProbabilities(rows.nearest(count(n), table, k, true), 20);
  const dense = ({ starts, ends, weights }: Edges) => {
    const p = new Float64Array(n * n);
    for (let i = 0; i < n; i++) {
      for (let e = starts[i]; e < starts[i + 1]; e++) p[i * n + ends[e]] += weights[e];
    }
    return p;
  };
  const wanted = jointProbabilities(pairDistances(table), n, 20);
  close(dense(near(n - 1)).map((v) => v * n), wanted.map((v) => v * n), 1e-9);
  const sparse = dense(near(61));
  close([sparse.reduce((s, v) => s + v, 0)], [1], 1e-12);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < i; j++) assert.equal(sparse[i * n + j], sparse[j * n + i]);
  }
});

Deno.test("the gradient of neighbour t-SNE with theta 0 and all neighbours is the exact one", () => {
  const n = 60, table = clouds(n, 6), y = graph(n).xy;
  const edges = neighbourProbabilities(
    new RowDistances(table).nearest(count(n), table, n - 1, true),
    15,
  );
  const tree = new BarnesHut(n, edges, 0);
  tree.xy.set(y);
  const all = tree.forces(), wanted = new Float64Array(2 * n);
  exactGradient(y, jointProbabilities(pairDistances(table), n, 15))(wanted, 12);
  const found = wanted.map((_, i) => 4 * (12 * tree.attraction[i] - tree.repulsion[i] / all));
  close(found.map((v) => 1e4 * v), wanted.map((v) => 1e4 * v), 1e-6);
});

Deno.test("Barnes-Hut t-SNE ends within 5% of the exact method's divergence, as trustworthy", () => {
  const n = 600, table = clouds(n, 24), d = pairDistances(table), perplexity = 30;
  const start = pcaFromDistances(d, n).train;
  const exact = tsne(d, n, { random: createRandom(1), perplexity, start, starts: 1 });
  const near = new RowDistances(table).nearest(count(n), table, 3 * perplexity + 1, true);
  const options = { random: createRandom(1), perplexity, start };
  const found = neighbourTsne(near, options);
  const plane = planeDistances(found.xy), joint = jointProbabilities(d, n, perplexity);
  const reached = divergence(joint, plane, n);
  assert.ok(reached <= 1.05 * exact.divergence, `${reached} beside ${exact.divergence}`);
  const kept = trustworthiness(d, plane, n);
  const wanted = trustworthiness(d, planeDistances(exact.xy), n);
  assert.ok(kept >= wanted - 0.01, `${kept} beside ${wanted}`);
  assert.deepEqual(neighbourTsne(near, { ...options, random: createRandom(1) }).xy, found.xy);
  assert.throws(
    () => neighbourTsne(near, { ...options, perplexity: 91 }),
    /perplexity must be at least 1 and below 91 neighbours, got 91/,
  );
});

Deno.test("MDS of 200 landmarks among 800 rows ends within 3% of SMACOF's stress", () => {
  const n = 800, table = clouds(n, 24), d = pairDistances(table);
  const full = rawStress(d, planeDistances(smacof(d, n, { random: createRandom(1) })));
  const placed = landmarkMds(table, { random: createRandom(1), landmarks: 200 });
  const stress = rawStress(d, planeDistances(placed));
  assert.ok(stress <= 1.03 * full, `${stress} beside ${full}`);
  assert.throws(
    () => landmarkMds(table, { random: createRandom(1), landmarks: 2 }),
    /at least 3 landmarks, got 2/,
  );
});

Deno.test("landmark MDS finds a plane that is one, whatever the landmarks", () => {
  const n = 300, table = clouds(n, 2), d = pairDistances(table);
  const after = planeDistances(landmarkMds(table, { random: createRandom(2), landmarks: 40 }));
  assert.ok(stressOne(d, after) < 0.01, String(stressOne(d, after)));
});

Deno.test("figures of all rows are the exact ones, of some of them near, and they say so", () => {
  const n = 700, table = clouds(n, 12), labels = classes(n), xy = pca(table).train;
  const before = pairDistances(table), after = planeDistances(xy);
  const whole = sampledQuality(xy, table, labels, "mds");
  assert.equal(whole.sampled, undefined);
  close([whole.trustworthiness!], [trustworthiness(before, after, n)], 1e-9);
  close([whole.continuity!], [trustworthiness(after, before, n)], 1e-9);
  close([whole.stress!], [rawStress(before, after)], 1e-6);
  close([whole.stressOne!], [stressOne(before, after)], 1e-6);
  assert.deepEqual(whole.separation, classSeparation(after, labels));
  assert.deepEqual(whole.separationBefore, classSeparation(before, labels));
  const part = sampledQuality(xy, table, labels, "mds", 250);
  assert.equal(part.sampled, 250);
  close(
    [part.trustworthiness!, part.continuity!],
    [whole.trustworthiness!, whole.continuity!],
    0.02,
  );
  close([part.stress! / whole.stress!, part.stressOne! / whole.stressOne!], [1, 1], 0.05);
  close([part.separation!.accuracy], [whole.separation!.accuracy], 0.1);
  assert.equal(part.separation!.majority, whole.separation!.majority);
});

const ROWS = 240, table = clouds(ROWS, 16), labels = classes(ROWS);
const split = labels.map((_, i) => i % 4 ? "train" as const : "test" as const);
const NAMED = {
  tsne: "Barnes-Hut t-SNE, theta 0.5",
  mds: "landmark MDS, 240 landmarks",
  pca: undefined,
  umap: undefined,
};

for (const method of METHODS) {
  Deno.test(`${method} above exactRows: seeded, named, train and test placed, as good as the exact map`, async () => {
    const options = { method, seed: 3, split, labels };
    const exact = await embed(table, options);
    const found = await embed(table, { ...options, exactRows: 50 });
    assert.deepEqual(await embed(table, { ...options, exactRows: 50 }), found);
    assert.equal(exact.approximation, undefined);
    assert.equal(found.approximation, NAMED[method]);
    assert.equal(found.frame, exact.frame);
    assert.deepEqual(Object.keys(found.quality).sort(), Object.keys(exact.quality).sort());
    assert.equal(found.test!.length, exact.test!.length);
    for (const key of ["quality", "testQuality"] as const) {
      const [a, b] = [found[key]!, exact[key]!];
      assert.ok(a.trustworthiness! >= b.trustworthiness! - 0.03, `${key} ${a.trustworthiness}`);
      assert.deepEqual(a.separationBefore, b.separationBefore);
    }
    if (method === "pca") close(found.train, exact.train, 1e-6);
  });
}

Deno.test("maps apart above exactRows: the part that is small enough is exact", async () => {
  const options = { method: "tsne" as const, seed: 3, split, joint: false, iterations: 60 };
  const exact = await embed(table, options);
  const found = await embed(table, { ...options, exactRows: 100 });
  assert.equal(found.frame, "apart");
  assert.equal(found.approximation, "Barnes-Hut t-SNE, theta 0.5");
  assert.equal(found.test!.length, exact.test!.length);
  close([found.testQuality!.divergence!], [exact.testQuality!.divergence!], 0.05);
});

Deno.test("copies of one tile, many or all, leave the approximate methods finite", async () => {
  const copies = clouds(60, 4);
  for (let i = 0; i < 40; i++) copies.values.copyWithin(i * 4, 0, 4);
  const same = { values: new Float32Array(60 * 4).fill(1), rows: 60, columns: 4 };
  for (const method of METHODS) {
    for (const cloud of [copies, same]) {
      const { train } = await embed(cloud, { method, seed: 1, exactRows: 10, iterations: 300 });
      assert.ok(train.every(Number.isFinite), method);
    }
  }
});

Deno.test("the packages refuse more than 10,000 rows", async () => {
  const many = { values: new Float32Array(10_001), rows: 10_001, columns: 1 };
  await assert.rejects(
    embed(many, { method: "mds", seed: 1, implementation: "package" }),
    /compares all pairs and takes at most 10000 rows, got 10001/,
  );
});
