/** The check that a backend must pass before it is used: a small step against stored values. */
import * as tf from "@tensorflow/tfjs-core";
import { swish } from "../tensor/mod.ts";

/** Loss and, for each input, the sum and the middle value of its gradient (cpu backend). */
export const EXPECTED = {
  loss: 213.83504,
  image: [-14.84073, 3.929034],
  filter: [-0.5480, 2.063414],
  depthwise: [-62.16052, -15.07360],
};

/** Largest error allowed, relative to 1 + |expected|; float16 or TF32 arithmetic stays below. */
const TOLERANCE = 5e-3;

/** What {@link EXPECTED} holds, as the active backend computes it. */
export async function selfTestValues(): Promise<typeof EXPECTED> {
  const tensors = tf.tidy(() => {
    const image = pattern([2, 8, 8, 4], 7, 11);
    const filter = pattern([3, 3, 4, 8], 5, 13);
    const depthwise = pattern([3, 3, 8, 1], 3, 17);
    const loss = (...[x, f, d]: tf.Tensor[]) => {
      const wide = swish(tf.conv2d(x as tf.Tensor4D, f as tf.Tensor4D, 1, "same"));
      const half = tf.depthwiseConv2d(wide, d as tf.Tensor4D, 2, "same");
      const whole = tf.image.resizeNearestNeighbor(half, [8, 8]);
      return tf.sum(tf.square(tf.concat([whole, wide], 3))) as tf.Scalar;
    };
    const { value, grads } = tf.valueAndGrads(loss)([image, filter, depthwise]);
    return [
      value,
      ...grads.flatMap((g) => [tf.sum(g), tf.slice(tf.reshape(g, [-1]), g.size >> 1, 1)]),
    ];
  });
  try {
    const numbers: number[] = [];
    for (const t of tensors) numbers.push((await t.data())[0]);
    const [loss, i0, i1, f0, f1, d0, d1] = numbers;
    return { loss, image: [i0, i1], filter: [f0, f1], depthwise: [d0, d1] };
  } finally {
    tf.dispose(tensors);
  }
}

/**
 * Runs a forward and backward pass on the active backend.
 *
 * @throws {Error} naming the first value that differs from {@link EXPECTED}
 */
export async function selfTest(): Promise<void> {
  const got = await selfTestValues();
  for (const [name, expected] of Object.entries(EXPECTED)) {
    const values = [got[name as keyof typeof EXPECTED]].flat();
    [expected].flat().forEach((want, i) => {
      if (!(Math.abs(values[i] - want) <= TOLERANCE * (1 + Math.abs(want)))) {
        throw new Error(`self-test failed: ${name} is ${values[i]}, should be ${want}`);
      }
    });
  }
}

/** A tensor of values in [-0.5, 0.5] that repeat after `modulus` entries. */
function pattern(shape: [number, number, number, number], step: number, modulus: number) {
  const size = shape.reduce((a, b) => a * b);
  const values = Float32Array.from(
    { length: size },
    (_, i) => ((i * step) % modulus) / (modulus - 1) - 0.5,
  );
  return tf.tensor4d(values, shape);
}
