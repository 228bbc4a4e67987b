/** Adam with decoupled weight decay, with the interface of {@link Ranger}. */
import {
  AdaptiveOptimizer,
  checkAdamSettings,
  type RateFactor,
  type StepRule,
} from "./adaptive_optimizer.ts";

/** Settings of {@link Adam}; the defaults are PyTorch's. */
export interface AdamOptions {
  /** Decay of the running means of the gradient and of its square; default [0.9, 0.999]. */
  betas?: readonly [number, number];
  /** Added to the bias-corrected √v; default 1e-8. */
  epsilon?: number;
  /** Decoupled: the parameter shrinks by learning rate * weight decay; default 0. */
  weightDecay?: number;
  /** Factor on the learning rate of each parameter; default 1. */
  rateFactor?: RateFactor;
}

/**
 * `torch.optim.AdamW` (Loshchilov and Hutter 2019); without weight decay `torch.optim.Adam` (Kingma
 * and Ba 2015). Unlike `tf.train.adam`, its state is saved by state_dict name.
 */
export class Adam extends AdaptiveOptimizer {
  /** @nocollapse */
  static get className(): string {
    return "AdamW";
  }
  protected readonly slowWeights = false;
  private readonly options: Required<Omit<AdamOptions, "rateFactor">>;

  /** @throws {RangeError} for a setting out of its range */
  constructor(learningRate = 1e-3, options: AdamOptions = {}) {
    const { rateFactor, ...own } = options;
    super(learningRate, rateFactor);
    this.options = { betas: [0.9, 0.999], epsilon: 1e-8, weightDecay: 0, ...own };
    const { betas, epsilon, weightDecay } = this.options;
    checkAdamSettings(betas, epsilon, weightDecay);
  }

  protected rule(step: number, learningRate: number): StepRule {
    const { betas: [beta1, beta2], epsilon, weightDecay } = this.options;
    return {
      beta1,
      beta2,
      epsilon,
      rate: learningRate / (1 - beta1 ** step),
      decay: 1 - learningRate * weightDecay,
      rootScale: 1 / Math.sqrt(1 - beta2 ** step),
      adaptive: true,
    };
  }

  getConfig() {
    return { learningRate: this.learningRate, ...this.options, betas: [...this.options.betas] };
  }
}
