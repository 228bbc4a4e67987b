/** One step of the Adam family on one tensor: fused where the backend has a kernel, else plain. */
import * as tf from "@tensorflow/tfjs-core";

/** The name under which a backend may register a fused kernel (`inputs` p, g, m, v; `attrs` below). */
export const ADAM_STEP = "AdamStep";

/** The numbers of one step; see {@link adamStep} for their place. */
export interface AdamStepAttrs {
  beta1: number;
  beta2: number;
  epsilon: number;
  /** Learning rate with every bias correction in it. */
  rate: number;
  /** Factor on the parameter: 1 - learning rate * decoupled weight decay. */
  decay: number;
  /** Factor on √v. */
  rootScale: number;
  /** Whether to divide by √v at all (RAdam does not in its first steps). */
  adaptive: boolean;
}

/**
 * `m' = β₁ m + (1-β₁) g`, `v' = β₂ v + (1-β₂) g²`,
 * `p' = decay p - rate m' / (rootScale √v' + ε)`, or `decay p - rate m'` when not adaptive.
 *
 * @param p parameter, `g` its gradient, `m` and `v` the running means of g and g²: any shapes of one
 *   size; the results have theirs
 * @returns [p', m', v']
 */
export function adamStep(
  p: tf.Tensor,
  g: tf.Tensor,
  m: tf.Tensor,
  v: tf.Tensor,
  attrs: AdamStepAttrs,
): [tf.Tensor, tf.Tensor, tf.Tensor] {
  if (hasFusedAdamStep()) {
    return tf.engine().runKernel(ADAM_STEP, { p, g, m, v }, { ...attrs }) as never;
  }
  return tf.tidy(() => {
    const { beta1, beta2, epsilon, rate, decay, rootScale, adaptive } = attrs;
    const mean = tf.add(tf.mul(m, beta1), tf.mul(g, 1 - beta1));
    const square = tf.add(tf.mul(v, beta2), tf.mul(tf.square(g), 1 - beta2));
    let root = adaptive ? tf.sqrt(square) : null;
    if (root && rootScale !== 1) root = tf.mul(root, rootScale);
    const change = tf.mul(root ? tf.div(mean, tf.add(root, epsilon)) : mean, rate);
    return [tf.sub(decay === 1 ? p : tf.mul(p, decay), change), mean, square];
  });
}

/** Whether the active backend has the fused kernel. */
export function hasFusedAdamStep(): boolean {
  return tf.getKernel(ADAM_STEP, tf.getBackend()) !== undefined;
}
