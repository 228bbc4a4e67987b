import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs-core";
import { selectBackend } from "../../lib/backend/select.ts";
import { readManifest } from "../../lib/backend/native/files.ts";
import { hasAdamSteps, hasFusedAdamStep } from "../../lib/tensor/adam_step.ts";
import { Ranger } from "../../lib/ranger/ranger.ts";
import { sharedPath, sharedTest, uniform } from "../support/shared.ts";

interface Run {
  settings: { lr: number; weight_decay: number };
  steps: {
    step: number;
    loss: number;
    params: Record<string, number[]>;
    sum: Record<string, number>;
  }[];
}

/** The reference's problem: variables by name, and the loss of step `s`. */
function problem(shapes: Record<string, number[]>, prefix: string) {
  const size = (shape: number[]) => shape.reduce((a, b) => a * b);
  const pairs = Object.entries(shapes).map(([name, shape]) => ({
    name,
    variable: tf.tidy(() =>
      tf.variable(
        tf.tensor(uniform(`ranger:${name}`, size(shape), -1, 1), shape),
        true,
        `${prefix}/${name}`,
      )
    ),
    target: tf.tensor(uniform(`ranger_target:${name}`, size(shape), -1, 1), shape),
  }));
  return {
    variables: pairs.map((p) => p.variable),
    loss: (s: number) =>
      tf.addN(
        pairs.map((p) =>
          tf.mul(tf.sum(tf.square(tf.sub(p.variable, p.target))), 1 + 0.5 * (s % 3 - 1))
        ),
      ) as tf.Scalar,
    dispose: () => pairs.forEach((p) => tf.dispose([p.variable, p.target])),
  };
}

async function checkTrajectories(): Promise<void> {
  const { shapes, runs } = JSON.parse(
    await Deno.readTextFile(sharedPath("reference/ranger.json")),
  ) as { shapes: Record<string, number[]>; runs: Record<string, Run> };
  assert.equal(Object.keys(runs).length, 3);
  for (const [name, { settings, steps }] of Object.entries(runs)) {
    const before = tf.memory().numTensors;
    const { variables, loss, dispose } = problem(shapes, name);
    const optimizer = new Ranger(settings.lr, { weightDecay: settings.weight_decay });
    steps.forEach((expected, s) => {
      const where = `${name}, step ${s + 1}`;
      const value = optimizer.minimize(() => loss(s), true, variables)!;
      const got = value.dataSync()[0];
      value.dispose();
      assert.ok(Math.abs(got - expected.loss) < 1e-5 * expected.loss, `${where}: loss ${got}`);
      for (const variable of variables) {
        const key = variable.name.split("/")[1];
        const values = variable.dataSync() as Float32Array;
        const wrong = expected.params[key].findIndex((v, i) => !(Math.abs(v - values[i]) < 1e-5));
        assert.equal(wrong, -1, `${where}, ${key}`);
        const sum = values.reduce((a, b) => a + b, 0);
        assert.ok(Math.abs(sum - expected.sum[key]) < 1e-4, `${where}, sum of ${key}`);
      }
    });
    optimizer.dispose();
    dispose();
    assert.equal(tf.memory().numTensors, before);
  }
}

const WAYS: [backend: string, step: string][] = [
  ["cpu", "plain, packed"],
  ["wasm", "fused"],
  ["tfjs-node", "all at once"],
];
for (const [backend, step] of WAYS) {
  if (backend === "tfjs-node" && !readManifest()) continue;
  sharedTest(
    `Ranger's trajectories equal torch_optimizer's after every step (${step} on ${backend})`,
    async () => {
      await selectBackend(backend);
      assert.equal(hasFusedAdamStep(), step !== "plain, packed");
      assert.equal(hasAdamSteps(), step === "all at once");
      await checkTrajectories();
    },
  );
}
