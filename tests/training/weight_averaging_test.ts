import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs-core";
import { selectBackend } from "../../lib/backend/select.ts";
import { createModel } from "../../lib/model/segmentation_model.ts";
import { WeightAverage } from "../../lib/training/weight_averaging.ts";
import { SMALL_MODEL } from "../support/training_data.ts";

await selectBackend("wasm");

Deno.test("averages follow d = min(decay, (1 + t) / (10 + t)) as TensorFlow's moving average, counters stay, saved ones go on", async () => {
  const model = createModel({ ...SMALL_MODEL, seed: 3 });
  const watched = [...model.parameters.values()].filter(({ name }) =>
    name.endsWith("segmentation_head.0.bias") || name === "encoder._bn0.running_mean"
  );
  assert.equal(watched.length, 2);
  const average = new WeightAverage(model, 0.5);
  const expected = watched.map(({ variable }) => Float64Array.from(variable.dataSync()));
  const set = (step: number) =>
    watched.forEach(({ variable }) => {
      const values = Float32Array.from({ length: variable.size }, (_, i) => step + i / 8);
      tf.tidy(() => variable.assign(tf.tensor(values, variable.shape)));
    });
  const follow = (step: number) => {
    const d = Math.min(0.5, (1 + step) / (10 + step));
    expected.forEach((values) => {
      values.forEach((old, i) => values[i] = d * old + (1 - d) * (step + i / 8));
    });
  };
  const compare = (found: ReadonlyMap<string, Float32Array>) =>
    watched.forEach(({ name }, k) =>
      found.get(name)!.forEach((v, i) =>
        assert.ok(Math.abs(v - expected[k][i]) < 1e-5, `${name} ${i}: ${v}, ${expected[k][i]}`)
      )
    );
  for (let step = 1; step <= 12; step++) {
    set(step);
    average.update();
    follow(step);
  }
  const saved = await average.save();
  compare(saved);
  assert.ok(![...saved.keys()].some((name) => name.endsWith("num_batches_tracked")));

  const restored = new WeightAverage(model, 0.5, 12, saved);
  set(13);
  restored.update();
  follow(13);
  compare(await restored.save());
  await restored.during(() => {
    compare(new Map(watched.map((p) => [p.name, p.variable.dataSync() as Float32Array])));
    return Promise.resolve();
  });
  assert.equal(watched[0].variable.dataSync()[0], 13, "the model has its own weights again");
  await assert.rejects(restored.during(() => Promise.reject(new Error("stop"))), /stop/);
  assert.equal(watched[0].variable.dataSync()[0], 13);

  assert.throws(() => new WeightAverage(model, 1), /must be in \[0, 1\), got 1/);
  const { name } = watched[0];
  assert.throws(
    () => new WeightAverage(model, 0.5, 0, new Map([...saved, [name, new Float32Array(9)]])),
    /the saved average of .* has 9 values/,
  );
});
