/** One step of the Adam family: fused where the backend has a kernel, else plain. */
import * as tf from "@tensorflow/tfjs-core";

/** The name under which a backend may register a fused kernel (`inputs` p, g, m, v; `attrs` below). */
export const ADAM_STEP = "AdamStep";

/**
 * The name of the kernel of many tensors at once: its inputs are the parameters, their gradients, the
 * running means and, with `lookahead`, the slow weights; its outputs the parameters and the others.
 */
export const ADAM_STEPS = "AdamSteps";

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

/** The numbers of a step on `parameters` tensors; see {@link adamSteps}. */
export interface AdamStepsAttrs extends AdamStepAttrs {
  parameters: number;
  /** How far the slow weights move to the parameters, which then start there again. */
  lookahead?: number;
}

/** Running means, and slow weights, of several parameters: flat, one parameter behind the other. */
export interface AdamState {
  mean: tf.Tensor;
  square: tf.Tensor;
  slow: tf.Tensor | null;
}

/** Whether the active backend has the kernel of {@link adamSteps}. */
export function hasAdamSteps(): boolean {
  return tf.getKernel(ADAM_STEPS, tf.getBackend()) !== undefined;
}

/**
 * {@link adamStep} of many parameters in one call, and with `lookahead` the step of their slow weights
 * `slow' = slow + lookahead (p' - slow)`, which is then p', too. Only where {@link hasAdamSteps}.
 *
 * @param parameters and `gradients` of the same shapes, in the order of the state
 * @returns the next parameters and state; `slow` is null where it stays as it is
 * @throws {RangeError} for a lookahead without slow weights
 */
export function adamSteps(
  parameters: tf.Tensor[],
  gradients: tf.Tensor[],
  { mean, square, slow }: AdamState,
  { lookahead, ...attrs }: AdamStepAttrs & { lookahead?: number },
): { parameters: tf.Tensor[]; state: AdamState } {
  const inputs = [...parameters, ...gradients, mean, square];
  const numbers: AdamStepsAttrs = { ...attrs, parameters: parameters.length };
  if (lookahead !== undefined) {
    if (!slow) throw new RangeError(`a lookahead of ${lookahead} needs slow weights`);
    inputs.push(slow);
    numbers.lookahead = lookahead;
  }
  const results = tf.engine().runKernel(
    ADAM_STEPS,
    Object.fromEntries(inputs.entries()),
    { ...numbers },
  ) as tf.Tensor[];
  const [nextMean, nextSquare, nextSlow] = results.slice(parameters.length);
  return {
    parameters: results.slice(0, parameters.length),
    state: { mean: nextMean, square: nextSquare, slow: nextSlow ?? null },
  };
}
