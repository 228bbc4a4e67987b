/** Memory given back during the backward pass: the same gradients as by hand, with less alive. */
import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs-core";
import { selectBackend } from "../../lib/backend/select.ts";

const near = (got: tf.Tensor, want: number[]) => {
  const values = got.dataSync();
  assert.equal(values.length, want.length);
  values.forEach((value, i) =>
    assert.ok(Math.abs(value - want[i]) < 1e-5 * (1 + Math.abs(want[i])))
  );
};

for (const backend of ["wasm", "cpu"]) {
  Deno.test(`${backend}: what a chain of operations saved is gone at the end of its backward pass`, async () => {
    await selectBackend(backend);
    const before = tf.memory().numTensors;
    const alive: number[] = [];
    // Passes its input on; notes how many tensors live when the backward pass comes by.
    const watch = tf.customGrad((x: tf.Tensor | tf.GradSaveFunc) => ({
      value: tf.clone(x as tf.Tensor),
      gradFunc: (dy: tf.Tensor) => {
        alive.push(tf.memory().numTensors);
        return tf.clone(dy);
      },
    }));
    const x = tf.tensor1d([0.3, -0.2]);
    const chain = (x: tf.Tensor) => {
      let y = watch(x);
      for (let i = 0; i < 50; i++) y = tf.sin(y);
      return tf.sum(watch(y)) as tf.Scalar;
    };
    const gradient = tf.grad(chain)(x);
    const want = [0.3, -0.2].map((v) => {
      let slope = 1;
      for (let i = 0; i < 50; i++) [v, slope] = [Math.sin(v), slope * Math.cos(v)];
      return slope;
    });
    near(gradient, want);
    const [late, early] = alive;
    assert.ok(early < late - 45, `${late} tensors at the chain's end, ${early} at its beginning`);
    tf.dispose([x, gradient]);
    assert.equal(tf.memory().numTensors, before);
  });

  Deno.test(`${backend}: gradients that are handed on, shared or added up stay alive: by hand`, async () => {
    await selectBackend(backend);
    const before = tf.memory().numTensors;
    const x = tf.tensor2d([[1, 2], [3, 4]]);
    const dy = tf.tensor2d([[1, 0.5], [0.25, 2]]);
    // y = x + x + x²: clones, reshapes and an addition of more than two, used twice.
    const run = (x: tf.Tensor) => {
      const same = tf.reshape(tf.clone(x), [4]);
      return tf.reshape(tf.addN([same, same, tf.square(same)]), [2, 2]);
    };
    const gradient = tf.grad(run)(x, dy);
    near(gradient, [4, 6 * 0.5, 8 * 0.25, 10 * 2]);
    near(dy, [1, 0.5, 0.25, 2]); // The caller's own is still there.
    near(x, [1, 2, 3, 4]);
    tf.dispose([x, dy, gradient]);
    assert.equal(tf.memory().numTensors, before);
  });

  Deno.test(`${backend}: a second derivative, which needs the first pass again: by hand`, async () => {
    await selectBackend(backend);
    const before = tf.memory().numTensors;
    const x = tf.tensor1d([0.5, -1.5]);
    const second = tf.grad((x) => tf.sum(tf.grad((x) => tf.mul(x, tf.mul(x, x)))(x)));
    const result = second(x);
    near(result, [3, -9]);
    tf.dispose([x, result]);
    assert.equal(tf.memory().numTensors, before);
  });
}
