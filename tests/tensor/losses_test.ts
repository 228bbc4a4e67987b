import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs-core";
import { selectBackend } from "../../lib/backend/select.ts";
import {
  createLoss,
  crossEntropy,
  cryptDicePerSample,
  softDiceLoss,
  softDicePerSample,
  softDiceScore,
} from "../../lib/tensor/losses.ts";
import { crc32, sharedPath, sharedTest, uniform, unit } from "../support/shared.ts";

interface LossCase {
  name: string;
  B: number;
  H: number;
  W: number;
  scale: number;
  threshold: number;
  special: "all0" | "all1" | "perfect" | null;
  target_sum: number;
  ce: number;
  ce_f64: number;
  dice_score: number;
  dice_loss: number;
  per_sample_f64: number[];
  idx: number[];
  ce_grad: number[];
  ce_grad_l2: number;
  dice_loss_grad: number[];
  dice_loss_grad_l2: number;
}

function targetOf(c: LossCase): Int32Array {
  const size = c.B * c.H * c.W;
  if (c.special === "all0" || c.special === "all1") {
    return new Int32Array(size).fill(c.special === "all1" ? 1 : 0);
  }
  const seed = crc32(`${c.name}:target`);
  return Int32Array.from({ length: size }, (_, i) => unit(seed, i) < c.threshold ? 1 : 0);
}

/** The case's logits in NHWC. */
function logitsOf(c: LossCase, target: Int32Array): Float32Array {
  const plane = c.H * c.W;
  const torch = uniform(`${c.name}:logits`, c.B * 2 * plane, -c.scale, c.scale);
  const out = new Float32Array(torch.length);
  for (let b = 0; b < c.B; b++) {
    for (let k = 0; k < 2; k++) {
      for (let p = 0; p < plane; p++) {
        const at = (b * plane + p) * 2 + k;
        out[at] = torch[(b * 2 + k) * plane + p];
        if (c.special === "perfect") out[at] = target[b * plane + p] === k ? 100 : -100;
      }
    }
  }
  return out;
}

function near(actual: number, expected: number, tolerance: number, what: string) {
  assert.ok(
    Math.abs(actual - expected) <= tolerance,
    `${what}: ${actual} instead of ${expected}`,
  );
}

await selectBackend("wasm");

sharedTest("losses and their gradients equal the reference's", async () => {
  const { ce_and_DiceScore: cases } = JSON.parse(
    await Deno.readTextFile(sharedPath("reference/losses/losses.json")),
  ) as { ce_and_DiceScore: LossCase[] };
  assert.equal(cases.length, 8);
  for (const c of cases) {
    const target = targetOf(c);
    assert.equal(target.reduce((a, b) => a + b, 0), c.target_sum, c.name);
    const logits = tf.tensor4d(logitsOf(c, target), [c.B, c.H, c.W, 2]);
    const mask = tf.tensor3d(target, [c.B, c.H, c.W], "int32");
    near(crossEntropy(logits, mask).dataSync()[0], c.ce_f64, 1e-6 * (1 + c.ce), `${c.name} ce`);
    near(softDiceScore(logits, mask).dataSync()[0], c.dice_score, 3e-7, `${c.name} dice`);
    near(softDiceLoss(logits, mask).dataSync()[0], c.dice_loss, 3e-7, `${c.name} dice loss`);
    const perSample = softDicePerSample(logits, mask).dataSync();
    c.per_sample_f64.forEach((d, i) => near(perSample[i], d, 3e-7, `${c.name} sample ${i}`));
    for (
      const [loss, values, l2] of [
        [crossEntropy, c.ce_grad, c.ce_grad_l2],
        [softDiceLoss, c.dice_loss_grad, c.dice_loss_grad_l2],
      ] as const
    ) {
      const gradient = tf.grad((x) => loss(x as tf.Tensor4D, mask))(logits).dataSync();
      near(Math.hypot(...gradient), l2, 1e-6 * (1e-3 + l2), `${c.name} ${loss.name} norm`);
      c.idx.forEach((i, n) => {
        const plane = c.H * c.W;
        const [b, k, p] = [Math.floor(i / (2 * plane)), Math.floor(i / plane) % 2, i % plane];
        const got = gradient[(b * plane + p) * 2 + k];
        near(got, values[n], 1e-6 * Math.abs(values[n]) + 2e-9, `${c.name} ${loss.name} ${i}`);
      });
    }
    tf.dispose([logits, mask]);
  }
});

Deno.test("losses of a large batch keep their digits although sums are in float32", () => {
  const [batch, side] = [4, 512];
  const logits = tf.tensor4d(uniform("losses:large", batch * side * side * 2, -1, 3), [
    batch,
    side,
    side,
    2,
  ]);
  const target = tf.zeros([batch, side, side], "int32") as tf.Tensor3D;
  const values = logits.dataSync();
  let ce = 0;
  let dice = 0;
  for (let i = 0; i < values.length; i += 2) {
    const other = Math.exp(values[i + 1] - values[i]);
    ce += Math.log1p(other);
    dice += 1 / (1 + other);
  }
  const pixels = values.length / 2;
  near(crossEntropy(logits, target).dataSync()[0], ce / pixels, 1e-6, "cross entropy");
  near(softDiceScore(logits, target).dataSync()[0], dice / pixels, 1e-6, "soft Dice");
  tf.dispose([logits, target]);
});

/** Logits and target of a small case, and the plain JavaScript cross entropy with class weights. */
function smallCase() {
  const values = uniform("losses:small", 24, -3, 3);
  const classes = [0, 2, 1, 1, 0, 2, 2, 0];
  return {
    values,
    classes,
    logits: tf.tensor4d(values, [2, 2, 2, 3]),
    target: tf.tensor3d(classes, [2, 2, 2], "int32"),
  };
}

Deno.test("class weights weigh the mean as torch's CrossEntropyLoss does, and its gradient equals finite differences", () => {
  const { values, classes, logits, target } = smallCase();
  const weights = [0.5, 2, 1.25];
  const reference = (x: ArrayLike<number>) => {
    let sum = 0;
    let total = 0;
    classes.forEach((c, i) => {
      const scores = [0, 1, 2].map((k) => x[3 * i + k]);
      const logSum = Math.log(scores.reduce((s, v) => s + Math.exp(v), 0));
      sum += weights[c] * (logSum - scores[c]);
      total += weights[c];
    });
    return sum / total;
  };
  const loss = createLoss("cross-entropy", weights);
  near(loss(logits, target).dataSync()[0], reference(values), 1e-6, "weighted cross entropy");
  const gradient = tf.grad((x) => loss(x as tf.Tensor4D, target))(logits).dataSync();
  for (let i = 0; i < values.length; i++) {
    const [up, down] = [1e-5, -1e-5].map((h) => {
      const moved = Float64Array.from(values);
      moved[i] += h;
      return reference(moved);
    });
    near(gradient[i], (up - down) / 2e-5, 1e-6, `gradient ${i}`);
  }
});

Deno.test("the summed loss is cross entropy plus Dice loss, gradient included", () => {
  const { logits, target } = smallCase();
  const both = tf.grad((x) => createLoss("cross-entropy+dice")(x as tf.Tensor4D, target))(logits);
  const ce = tf.grad((x) => crossEntropy(x as tf.Tensor4D, target))(logits);
  const dice = tf.grad((x) => softDiceLoss(x as tf.Tensor4D, target))(logits);
  near(tf.max(tf.abs(tf.sub(both, tf.add(ce, dice)))).dataSync()[0], 0, 1e-7, "gradient");
});

Deno.test("losses refuse shapes, weights and names that do not fit, and leave no tensor behind", () => {
  const { logits, target } = smallCase();
  const before = tf.memory().numTensors;
  assert.throws(() => crossEntropy(logits, tf.zeros([2, 2, 3]) as tf.Tensor3D), RangeError);
  assert.throws(
    () => crossEntropy(logits, target, null, [1, 2]),
    /3 classes need as many weights, got 2/,
  );
  assert.throws(() => createLoss("cross-entropy", [1, 0]), /positive numbers, got \[1,0\]/);
  assert.throws(() => createLoss("hinge" as "dice"), /unknown loss "hinge"; known: cross-entropy/);
  const kept = [crossEntropy(logits, target, null, [1, 2, 3]), softDiceLoss(logits, target)];
  assert.equal(tf.memory().numTensors, before + 1 + kept.length);
});

/** Central differences of `reference` at `values`, compared with `gradient`. */
function compareWithDifferences(
  gradient: ArrayLike<number>,
  values: ArrayLike<number>,
  reference: (x: ArrayLike<number>) => number,
) {
  for (let i = 0; i < values.length; i++) {
    const [up, down] = [1e-5, -1e-5].map((h) => {
      const moved = Float64Array.from(values);
      moved[i] += h;
      return reference(moved);
    });
    near(gradient[i], (up - down) / 2e-5, 1e-6, `gradient ${i}`);
  }
}

/** Softmax of the small case in float64, one row a pixel. */
function softmaxRows(x: ArrayLike<number>): number[][] {
  return Array.from({ length: x.length / 3 }, (_, i) => {
    const e = [0, 1, 2].map((k) => Math.exp(x[3 * i + k]));
    return e.map((v) => v / (e[0] + e[1] + e[2]));
  });
}

Deno.test("pixel weights weigh the mean cross entropy, and its gradient equals finite differences in float64", () => {
  const { values, classes, logits, target } = smallCase();
  const weights = [1, 6, 2.5, 1, 1, 3, 1, 4];
  const reference = (x: ArrayLike<number>) => {
    const rows = softmaxRows(x);
    const sum = classes.reduce((s, c, i) => s - weights[i] * Math.log(rows[i][c]), 0);
    return sum / weights.reduce((a, b) => a + b);
  };
  const pixelWeights = tf.tensor3d(weights, [2, 2, 2]);
  const loss = createLoss("cross-entropy");
  near(loss(logits, target, pixelWeights).dataSync()[0], reference(values), 1e-6, "value");
  const gradient = tf.grad((x) => loss(x as tf.Tensor4D, target, pixelWeights))(logits).dataSync();
  compareWithDifferences(gradient, values, reference);
  assert.throws(
    () => loss(logits, target, tf.ones([2, 2, 3]) as tf.Tensor3D),
    /pixel weights \[2,2,3\] do not fit the target \[2,2,2\]/,
  );
});

Deno.test("Dice by class equals smp's DiceLoss formula in float64, absent classes add nothing, gradient by finite differences", () => {
  const { values, classes, logits } = smallCase();
  for (const truth of [classes, classes.map((c) => c === 2 ? 0 : c)]) {
    const target = tf.tensor3d(truth, [2, 2, 2], "int32");
    const reference = (x: ArrayLike<number>) => {
      const rows = softmaxRows(x);
      let sum = 0;
      for (const c of [0, 1, 2]) {
        const present = truth.filter((t) => t === c).length;
        if (present === 0) continue;
        const hits = rows.reduce((s, row, i) => s + (truth[i] === c ? row[c] : 0), 0);
        sum += 1 - 2 * hits / (rows.reduce((s, row) => s + row[c], 0) + present);
      }
      return sum / 3;
    };
    const loss = createLoss("class-dice");
    near(loss(logits, target).dataSync()[0], reference(values), 1e-6, "value");
    const gradient = tf.grad((x) => loss(x as tf.Tensor4D, target))(logits).dataSync();
    compareWithDifferences(gradient, values, reference);
  }
});

Deno.test("crypt Dice of three classes is soft Dice of 1 - p(background) in float64; of two classes soft Dice itself", () => {
  const { values, classes, logits, target } = smallCase();
  const rows = softmaxRows(values);
  const hits = rows.map((row, i) => classes[i] === 0 ? row[0] : 1 - row[0]);
  const mean = (from: number) => hits.slice(from, from + 4).reduce((a, b) => a + b) / 4;
  const dice = cryptDicePerSample(logits, target).dataSync();
  near(dice[0], mean(0), 1e-6, "first sample");
  near(dice[1], mean(4), 1e-6, "second sample");
  const two = tf.slice(logits, [0, 0, 0, 0], [2, 2, 2, 2]);
  const crypt = tf.cast(tf.greater(target, 0), "int32") as tf.Tensor3D;
  assert.deepEqual(
    cryptDicePerSample(two, crypt).dataSync(),
    softDicePerSample(two, crypt).dataSync(),
  );
});
