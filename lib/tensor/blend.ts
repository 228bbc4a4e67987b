/** Many tensors moved a part of the way to others. */
import * as tf from "@tensorflow/tfjs-core";
import { Fused, hasFused, runFused } from "./fused.ts";

/**
 * `from + share (to - from)` for each pair of tensors; not differentiable.
 *
 * @param from and `to`: as many tensors, in pairs of one shape
 * @param share 0 for `from`, 1 for `to`
 * @returns new tensors, which the caller (or its tidy) must dispose of
 * @throws {RangeError} when the numbers of tensors differ
 */
export function blend(from: tf.Tensor[], to: tf.Tensor[], share: number): tf.Tensor[] {
  if (from.length !== to.length) {
    throw new RangeError(`${from.length} tensors cannot be blended with ${to.length}`);
  }
  if (from.length > 0 && hasFused(Fused.Blend)) {
    const pairs = Object.fromEntries([...from, ...to].entries());
    return runFused<tf.Tensor[]>(Fused.Blend, pairs, { share, tensors: from.length });
  }
  return from.map((start, i) => tf.tidy(() => tf.add(start, tf.mul(tf.sub(to[i], start), share))));
}
