/** The start of a decoder's block: upsampling, and joining with skip connections. */
import * as tf from "@tensorflow/tfjs-core";
import { Fused, hasFused, runFused } from "./fused.ts";

tf.registerGradient({
  kernelName: Fused.UpsampleConcat,
  gradFunc: (dy, _saved, attrs) => {
    const [dx, ...dskips] = [
      runFused<tf.Tensor | tf.Tensor[]>(
        Fused.UpsampleConcatGrad,
        { dy: dy as tf.Tensor },
        attrs,
      ),
    ].flat();
    const skips = dskips.map((dskip, i) => [`skip${i}`, () => dskip]);
    return { x: () => dx, ...Object.fromEntries(skips) };
  },
});

/**
 * `x` [B,H,W,C] with each pixel four times, [B,2H,2W,C], and behind its channels those of `skips`
 * [B,2H,2W,…]; differentiable in all.
 *
 * @throws {RangeError} when a skip connection has another batch, height or width
 */
export function upsampleConcat(x: tf.Tensor4D, skips: tf.Tensor4D[]): tf.Tensor4D {
  const [batch, height, width] = x.shape;
  const sides = [batch, 2 * height, 2 * width] as const;
  const other = skips.find((skip) => !sides.every((side, i) => side === skip.shape[i]));
  if (other) {
    throw new RangeError(`[${x.shape}] upsampled cannot be joined with [${other.shape}]`);
  }
  if (hasFused(Fused.UpsampleConcat)) {
    const named = Object.fromEntries(skips.map((skip, i) => [`skip${i}`, skip]));
    const channels = [x, ...skips].map((t) => t.shape[3]);
    return runFused(Fused.UpsampleConcat, { x, ...named }, { channels });
  }
  const upsampled = tf.image.resizeNearestNeighbor(x, [2 * height, 2 * width]);
  return skips.length === 0 ? upsampled : tf.concat([upsampled, ...skips], 3);
}
