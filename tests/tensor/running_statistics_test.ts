/** Running statistics of a batch normalization on every backend against the formula in float64. */
import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs-core";
import { readManifest } from "../../lib/backend/native/files.ts";
import { selectBackend } from "../../lib/backend/select.ts";
import { nextStatistics } from "../../lib/tensor/running_statistics.ts";

const installed = readManifest() !== null;

for (const backend of ["cpu", "wasm", "tfjs-node"]) {
  const skipped = backend === "tfjs-node" && !installed;
  Deno.test({
    name: `${backend}: running statistics after a batch are PyTorch's` +
      (skipped ? " (skipped: run deno task setup:tensorflow)" : ""),
    ignore: skipped,
    fn: async () => {
      await selectBackend(backend);
      const tensors = tf.memory().numTensors;
      const [mean, variance, batchMean, batchVariance] = [1, 2, 3, 4].map((seed) =>
        tf.randomUniform([37], 0.5, 2, "float32", seed)
      );
      const batches = tf.scalar(4);
      const [m, v, newM, newV] = [mean, variance, batchMean, batchVariance].map((t) =>
        t.dataSync()
      );
      const got = tf.tidy(() => {
        const batch = { mean: batchMean, variance: batchVariance };
        const next = nextStatistics({ mean, variance, batches }, batch, 0.1, 8);
        return [next.mean, next.variance, next.batches].map((t) => ({
          shape: t.shape,
          values: [...t.dataSync()],
        }));
      });
      assert.deepEqual(got.map(({ shape }) => shape), [[37], [37], []]);
      for (let c = 0; c < 37; c++) {
        assert.ok(Math.abs(got[0].values[c] - (0.9 * m[c] + 0.1 * newM[c])) < 1e-6);
        assert.ok(Math.abs(got[1].values[c] - (0.9 * v[c] + 0.1 * newV[c] * 8 / 7)) < 1e-6);
      }
      assert.deepEqual(got[2].values, [5]);
      tf.dispose([mean, variance, batchMean, batchVariance, batches]);
      assert.equal(tf.memory().numTensors, tensors);
    },
  });
}
