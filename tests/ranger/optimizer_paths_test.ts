import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs-core";
import { selectBackend } from "../../lib/backend/select.ts";
import { optimizerFigure } from "../../lib/viz/figures/optimizer_figure.ts";
import {
  optimizerPaths,
  valley,
  VALLEY_FLOOR,
  VALLEY_START,
} from "../../lib/ranger/optimizer_paths.ts";

await selectBackend("cpu");

Deno.test("at one rate for all, in the noisy valley Ranger ends lower than RAdam, and that lower than Adam and SGD", () => {
  const before = tf.memory().numTensors;
  const paths = optimizerPaths({ learningRate: 0.1 });
  assert.equal(tf.memory().numTensors, before);
  const late = Object.fromEntries(paths.map(({ name, points }) => {
    assert.equal(points.length, 801);
    assert.deepEqual(points[0], [...Float32Array.from(VALLEY_START)]);
    return [name, points.slice(-200).reduce((sum, [x, y]) => sum + valley(x, y), 0) / 200];
  }));
  assert.ok(late.Ranger < late.RAdam, JSON.stringify(late));
  assert.ok(late.RAdam < Math.min(late.Adam, late.SGD), JSON.stringify(late));
  assert.equal(valley(...VALLEY_FLOOR as [number, number]), 0);
});

Deno.test("each optimizer takes the rate that is best for it, by brute force over rates and noise", () => {
  const rates = [0.01, 0.03, 0.1, 0.3];
  const chosen = optimizerPaths();
  const walks = rates.map((learningRate) =>
    [1, 2, 3].map((trial) => optimizerPaths({ learningRate, seed: 1000 * trial }))
  );
  const height = (index: number, rate: number) =>
    walks[rates.indexOf(rate)].reduce((sum, paths) => {
      const late = paths[index].points.slice(-200).map(([x, y]) => valley(x, y));
      return sum + late.reduce((a, b) => a + b, 0);
    }, 0);
  for (const [index, { name, learningRate }] of chosen.entries()) {
    for (const rate of rates) {
      const other = height(index, rate);
      assert.ok(!(other < height(index, learningRate)), `${name}: ${rate} before ${learningRate}`);
    }
  }
  assert.throws(() => optimizerPaths({ learningRate: [] }), /at least one learning rate/);
  const svg = optimizerFigure();
  for (const { name, learningRate } of chosen) {
    assert.match(svg, new RegExp(`>${name} [\\d.]+ at rate ${learningRate}<`));
  }
  assert.equal(svg.match(/<path/g)!.length > 8, true);
});

Deno.test("paths repeat themselves, without noise they only go down the first step's slope", () => {
  assert.deepEqual(optimizerPaths({ steps: 9 }), optimizerPaths({ steps: 9 }));
  assert.notDeepEqual(optimizerPaths({ steps: 9 }), optimizerPaths({ steps: 9, seed: 1 }));
  const [sgd] = optimizerPaths({ steps: 1, noise: 0, learningRate: 1e-3 });
  const [x, y] = VALLEY_START;
  const slope = [-0.1 * (1 - x) - 4 * x * (y - x * x), 2 * (y - x * x)];
  sgd.points[1].forEach((p, i) =>
    assert.ok(Math.abs(p - (VALLEY_START[i] - 1e-3 * slope[i])) < 1e-6)
  );
});
