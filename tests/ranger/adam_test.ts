import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs-core";
import { Adam } from "../../lib/ranger/adam.ts";
import { readManifest } from "../../lib/backend/native/files.ts";
import { selectBackend } from "../../lib/backend/select.ts";
import { Ranger } from "../../lib/ranger/ranger.ts";

await selectBackend("wasm");

/** A variable of one value, and a step of `optimizer` with a given gradient. */
function scalarVariable(name: string, start: number) {
  const variable = tf.tidy(() => tf.variable(tf.tensor1d([start]), true, `adam_test/${name}`));
  return {
    variable,
    step: (optimizer: tf.Optimizer, gradient: number) =>
      tf.tidy(() => optimizer.applyGradients({ [variable.name]: tf.tensor1d([gradient]) })),
    value: () => variable.dataSync()[0],
  };
}

Deno.test("Adam with a constant gradient moves by the closed form, weight decay included", () => {
  const [rate, decay, gradient] = [0.01, 0.1, 0.37];
  const p = scalarVariable("constant", 1);
  const optimizer = new Adam(rate, { weightDecay: decay });
  // Bias-corrected means of a constant are the constant: every step is rate * sign(g), nearly.
  let expected = 1;
  for (let t = 1; t <= 25; t++) {
    p.step(optimizer, gradient);
    expected = expected * (1 - rate * decay) - rate * gradient / (gradient + 1e-8);
    assert.ok(Math.abs(p.value() - expected) < 2e-6, `step ${t}: ${p.value()}, not ${expected}`);
  }
  optimizer.dispose();
  p.variable.dispose();
});

Deno.test("Adam without decay equals a float64 run of Kingma and Ba's algorithm", () => {
  const p = scalarVariable("float64", -0.5);
  const optimizer = new Adam(0.02, { betas: [0.8, 0.95], epsilon: 1e-3 });
  let [x, m, v] = [-0.5, 0, 0];
  for (let t = 1; t <= 40; t++) {
    const g = Math.sin(t * 1.7) + 0.3;
    p.step(optimizer, g);
    m = 0.8 * m + 0.2 * g;
    v = 0.95 * v + 0.05 * g * g;
    x -= 0.02 * (m / (1 - 0.8 ** t)) / (Math.sqrt(v / (1 - 0.95 ** t)) + 1e-3);
    assert.ok(Math.abs(p.value() - x) < 2e-6, `step ${t}: ${p.value()}, not ${x}`);
  }
  optimizer.dispose();
  p.variable.dispose();
});

/** Variables of several sizes, one of them larger than a packed group, and gradients that vary. */
function manyVariables(prefix: string) {
  const shapes = [[3, 3, 4, 8], [8], [262_200], [], [5, 7]];
  const variables = shapes.map((shape, i) =>
    tf.tidy(() =>
      tf.variable(tf.randomUniform(shape, -1, 1, "float32", i + 1), true, `${prefix}/w${i}`)
    )
  );
  const directions = shapes.map((shape, i) => tf.randomNormal(shape, 0, 1, "float32", i + 1));
  const gradients = (step: number) =>
    Object.fromEntries(
      variables.map((v, i) => [v.name, tf.mul(directions[i], Math.sin(1.7 * step + i))]),
    );
  return { variables, gradients, dispose: () => tf.dispose([variables, directions]) };
}

/** Packed groups ("cpu"), the fused step ("wasm"), and that of all variables at once ("tfjs-node"). */
const BACKENDS = ["cpu", "wasm", ...readManifest() ? ["tfjs-node"] : []];
const CREATED = BACKENDS.flatMap((backend) => [
  { backend, create: () => new Ranger(1e-2, { weightDecay: 1e-2 }) },
  { backend, create: () => new Adam(1e-2) },
]);
for (const { backend, create } of CREATED) {
  const name = create().getClassName();
  Deno.test(`${name} restored from its saved state goes on bit for bit, under another prefix (${backend})`, async () => {
    await selectBackend(backend);
    const before = tf.memory().numTensors;
    const whole = manyVariables("whole");
    const cut = manyVariables("cut");
    const steps = (set: typeof whole, optimizer: tf.Optimizer, from: number, to: number) => {
      for (let s = from; s < to; s++) tf.tidy(() => optimizer.applyGradients(set.gradients(s)));
    };
    const uninterrupted = create();
    steps(whole, uninterrupted, 0, 9);
    const first = create();
    steps(cut, first, 0, 4);
    const state = JSON.parse(
      JSON.stringify(
        await first.saveState(),
        (_, v) => v instanceof Float32Array ? { floats: [...v] } : v,
      ),
      (_, v) => v?.floats ? Float32Array.from(v.floats) : v,
    );
    first.dispose();
    assert.deepEqual(Object.keys(state.steps), ["w0", "w1", "w2", "w3", "w4"]);
    const renamed = manyVariables("renamed");
    renamed.variables.forEach((v, i) => v.assign(cut.variables[i]));
    const second = create();
    second.restoreState(state);
    assert.equal(second.iterations, 4);
    steps(renamed, second, 4, 9);
    renamed.variables.forEach((v, i) =>
      assert.deepEqual(v.dataSync(), whole.variables[i].dataSync(), v.name)
    );
    uninterrupted.dispose();
    second.dispose();
    for (const set of [whole, cut, renamed]) set.dispose();
    assert.equal(tf.memory().numTensors, before);
  });
}

Deno.test("a variable without a gradient stays, and joins later with its own count of steps", () => {
  const late = scalarVariable("late", 1);
  const early = scalarVariable("early", 1);
  const optimizer = new Adam(0.1);
  early.step(optimizer, 1);
  early.step(optimizer, 1);
  assert.equal(late.value(), 1);
  tf.tidy(() =>
    optimizer.applyGradients([
      { name: early.variable.name, tensor: tf.tensor1d([1]) },
      { name: late.variable.name, tensor: tf.tensor1d([1]) },
    ])
  );
  // A first step is rate * g / |g|, whatever the betas: only a count of its own gives that.
  assert.ok(Math.abs(late.value() - 0.9) < 1e-6, `${late.value()}`);
  assert.throws(() => late.step(optimizer, 1), /"adam_test\/early" has no gradient/);
  optimizer.dispose();
  tf.dispose([late.variable, early.variable]);
});

Deno.test("optimizers refuse settings out of range and saved values of another size", () => {
  assert.throws(() => new Adam(0), /learning rate must be a positive number, got 0/);
  assert.throws(() => new Adam(1, { betas: [1, 0.9] }), /betas must be in \[0, 1\), got \[1,0.9\]/);
  assert.throws(() => new Ranger(1, { alpha: 2 }), /alpha must be in \[0, 1\], got 2/);
  assert.throws(() => new Ranger(1, { k: 0 }), /k must be an integer >= 1, got 0/);
  assert.throws(() => new Ranger(1, { weightDecay: -1 }), /weight decay must be >= 0, got -1/);
  const p = scalarVariable("size", 0);
  const optimizer = new Adam();
  optimizer.restoreState({ steps: { size: 3 }, tensors: { "size.exp_avg": new Float32Array(2) } });
  assert.throws(() => p.step(optimizer, 1), /saved size.exp_avg has 2 values, the variable 1/);
  optimizer.dispose();
  p.variable.dispose();
});
