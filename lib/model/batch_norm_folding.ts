/** Batch norm folded into the convolution before it, computed again only when a weight has changed. */
import * as tf from "@tensorflow/tfjs-core";
import type { BatchNorm, Conv } from "./layers.ts";

interface Fold {
  filter: tf.Tensor4D;
  bias: tf.Tensor1D;
  /** Data ids of the variables it was made from: `assign` gives a variable a new one. */
  made: object[];
}

/**
 * Folded filters by convolution. It holds two tensors a layer from the start (placeholders at
 * first), so that the number of tensors does not change when a model is used.
 */
export class FoldCache {
  private readonly folds = new Map<Conv, Fold>();

  /** Reserves a layer's place. */
  reserve(conv: Conv): void {
    if (this.folds.has(conv)) return;
    const empty = () => tf.keep(tf.zeros([1]));
    this.folds.set(conv, {
      filter: empty() as unknown as tf.Tensor4D,
      bias: empty() as tf.Tensor1D,
      made: [],
    });
  }

  /** Filter and bias of the convolution with `norm`'s running statistics folded in. */
  get(conv: Conv, norm: BatchNorm): { filter: tf.Tensor4D; bias: tf.Tensor1D } {
    this.reserve(conv);
    const fold = this.folds.get(conv)!;
    const sources = [conv.filter, norm.gamma, norm.beta, norm.mean, norm.variance];
    if (conv.bias) sources.push(conv.bias);
    const ids = sources.map((v) => v.dataId);
    if (fold.made.length === ids.length && ids.every((id, i) => id === fold.made[i])) return fold;
    const [filter, bias] = tf.tidy(() => {
      const scale = tf.div(norm.gamma, tf.sqrt(tf.add(norm.variance, norm.epsilon)));
      const axis = conv.layout === "conv" ? [1, 1, 1, -1] : [1, 1, -1, 1];
      const mean = conv.bias ? tf.sub(norm.mean, conv.bias) : norm.mean;
      return [
        tf.keep(tf.mul(conv.filter, tf.reshape(scale, axis)) as tf.Tensor4D),
        tf.keep(tf.sub(norm.beta, tf.mul(mean, scale)) as tf.Tensor1D),
      ] as const;
    });
    fold.filter.dispose();
    fold.bias.dispose();
    Object.assign(fold, { filter, bias, made: ids });
    return fold;
  }

  dispose(): void {
    for (const fold of this.folds.values()) {
      fold.filter.dispose();
      fold.bias.dispose();
    }
    this.folds.clear();
  }
}
