/** Ranger: rectified Adam (RAdam) on the fast weights, Lookahead on the slow ones. */
import {
  AdaptiveOptimizer,
  checkAdamSettings,
  type RateFactor,
  type StepRule,
} from "./adaptive_optimizer.ts";

/** Settings of {@link Ranger}; the defaults are those of `torch_optimizer.Ranger`. */
export interface RangerOptions {
  /** How far the slow weights move to the fast ones, in [0, 1]; default 0.5. */
  alpha?: number;
  /** Fast steps for each slow one; default 6. */
  k?: number;
  /** Shortest simple moving average at which steps become adaptive; default 5. */
  smaThreshold?: number;
  /** Decay of the running means of the gradient and of its square; default [0.95, 0.999]. */
  betas?: readonly [number, number];
  /** Added to √v; default 1e-5. */
  epsilon?: number;
  /** Decoupled: the parameter shrinks by learning rate * weight decay; default 0. */
  weightDecay?: number;
  /** Factor on the learning rate of each parameter; default 1. */
  rateFactor?: RateFactor;
}

/**
 * Step for step what `torch_optimizer.Ranger` (that is pytorch_ranger 0.1.1, version 9.3.19 of
 * lessw2020/Ranger-Deep-Learning-Optimizer) does: RAdam (Liu et al. 2020), whose variance is
 * rectified and which takes plain momentum steps while the moving average is short, and Lookahead
 * (Zhang et al. 2019), which after every `k` steps moves slow weights by `alpha` and restarts the fast
 * ones there.
 *
 * @example
 * ```ts
 * import * as tf from "@tensorflow/tfjs-core";
 * import { Ranger } from "crypts/ranger";
 * const x = tf.variable(tf.tensor1d([3, -2]), true, "x");
 * const optimizer = new Ranger(1e-3, { weightDecay: 1e-4 });
 * optimizer.minimize(() => tf.sum(tf.square(x)), false, [x]);
 * ```
 */
export class Ranger extends AdaptiveOptimizer {
  /** @nocollapse */
  static get className(): string {
    return "Ranger";
  }
  protected readonly slowWeights = true;
  private readonly options: Required<Omit<RangerOptions, "rateFactor">>;

  /** @throws {RangeError} for a setting out of its range */
  constructor(learningRate = 1e-3, options: RangerOptions = {}) {
    const { rateFactor, ...own } = options;
    super(learningRate, rateFactor);
    this.options = {
      alpha: 0.5,
      k: 6,
      smaThreshold: 5,
      betas: [0.95, 0.999],
      epsilon: 1e-5,
      weightDecay: 0,
      ...own,
    };
    const { alpha, k, betas, epsilon, weightDecay } = this.options;
    if (!(alpha >= 0 && alpha <= 1)) throw new RangeError(`alpha must be in [0, 1], got ${alpha}`);
    if (!(Number.isInteger(k) && k >= 1)) {
      throw new RangeError(`k must be an integer >= 1, got ${k}`);
    }
    checkAdamSettings(betas, epsilon, weightDecay);
  }

  protected rule(step: number, learningRate: number): StepRule {
    const { alpha, k, smaThreshold, betas: [beta1, beta2], epsilon, weightDecay } = this.options;
    const power = beta2 ** step;
    const longest = 2 / (1 - beta2) - 1;
    const average = longest - 2 * step * power / (1 - power);
    const adaptive = average > smaThreshold;
    const rectification = Math.sqrt(
      (1 - power) * (average - 4) / (longest - 4) * (average - 2) / average * longest /
        (longest - 2),
    );
    const rate = learningRate * (adaptive ? rectification : 1) / (1 - beta1 ** step);
    return {
      beta1,
      beta2,
      epsilon,
      rate,
      decay: 1 - learningRate * weightDecay,
      rootScale: 1,
      adaptive,
      lookahead: step % k === 0 ? alpha : undefined,
    };
  }

  getConfig() {
    return { learningRate: this.learningRate, ...this.options, betas: [...this.options.betas] };
  }
}
