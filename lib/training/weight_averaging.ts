/** A running mean of a model's weights, for validation and for the files that are kept. */
import * as tf from "@tensorflow/tfjs-core";
import type { SegmentationModel } from "../model/mod.ts";
import { blend } from "../tensor/mod.ts";

/** Counters are copied, not averaged. */
const COUNTER = /num_batches_tracked$/;

/**
 * The exponential moving average of all weights and running statistics, `average = d average +
 * (1 - d) weights` after each step, where d = min(decay, (1 + t) / (10 + t)) in step t, so that the
 * start is soon forgotten. Sources: Polyak and Juditsky 1992; TensorFlow's
 * `ExponentialMovingAverage(num_updates)`; timm's `ModelEmaV2` averages the statistics too.
 */
export class WeightAverage {
  private readonly averages = new Map<string, tf.Tensor>();

  /**
   * @param decay in [0, 1); 0.99 remembers about a hundred steps
   * @param steps taken before, for a training that goes on
   * @param saved values of {@link save}, which the average starts from; default: the model's
   * @throws {RangeError} for another decay, or values that do not fit
   */
  constructor(
    private readonly model: SegmentationModel,
    private readonly decay: number,
    private steps = 0,
    saved?: ReadonlyMap<string, Float32Array>,
  ) {
    if (!(decay >= 0 && decay < 1)) {
      throw new RangeError(`the decay of averaged weights must be in [0, 1), got ${decay}`);
    }
    for (const { name, variable } of this.averaged()) {
      const values = saved?.get(name);
      if (saved && values?.length !== variable.size) {
        throw new RangeError(
          `the saved average of ${name} has ${values?.length ?? 0} values, not ${variable.size}`,
        );
      }
      const start = values ? tf.tensor(values, variable.shape) : tf.clone(variable);
      this.averages.set(name, tf.keep(start));
    }
  }

  private averaged() {
    return [...this.model.parameters.values()].filter(({ name }) => !COUNTER.test(name));
  }

  /** Takes the model's present weights in. */
  update(): void {
    const t = ++this.steps, d = Math.min(this.decay, (1 + t) / (10 + t));
    const all = this.averaged(), old = all.map(({ name }) => this.averages.get(name)!);
    const next = tf.tidy(() => blend(old, all.map(({ variable }) => variable), 1 - d));
    all.forEach(({ name }, i) => this.averages.set(name, tf.keep(next[i])));
    tf.dispose(old);
  }

  /** Runs `work` while the model has the averaged weights, then gives it its own back. */
  async during<T>(work: () => Promise<T>): Promise<T> {
    const own = this.averaged().map(({ variable }) => tf.keep(tf.clone(variable)));
    this.averaged().forEach(({ name, variable }) => variable.assign(this.averages.get(name)!));
    try {
      return await work();
    } finally {
      this.averaged().forEach(({ variable }, i) => variable.assign(own[i]));
      tf.dispose(own);
    }
  }

  /** The averages by state_dict name, in each variable's own layout. */
  async save(): Promise<Map<string, Float32Array>> {
    const values = new Map<string, Float32Array>();
    for (const [name, tensor] of this.averages) {
      values.set(name, await tensor.data() as Float32Array);
    }
    return values;
  }

  dispose(): void {
    tf.dispose([...this.averages.values()]);
    this.averages.clear();
  }
}
