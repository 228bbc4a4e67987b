/** The operations on tensors: training mode, and evaluation mode with batch norm folded away. */
import * as tf from "@tensorflow/tfjs-core";
import type { Random } from "../base/mod.ts";
import {
  activate,
  batchNormTrain,
  channelScale,
  convActivated,
  globalAverage,
  nextStatistics,
  relu6,
  squeezeExcite,
  swish,
  upsampleConcat,
} from "../tensor/mod.ts";
import type { Activation, Ops, Squeeze } from "./graph.ts";
import type { FoldCache } from "./batch_norm_folding.ts";
import type { BatchNorm, Conv } from "./layers.ts";
import type { ForwardOptions } from "./types.ts";

type T4 = tf.Tensor4D;

/** Runs an architecture on tensors; call inside `tf.tidy`. */
export class TensorOps implements Ops<T4> {
  private readonly training: boolean;
  private readonly random?: Random;
  private readonly statisticsMomentum: number;
  private readonly frozenNorm: (name: string) => boolean;

  constructor(private readonly folds: FoldCache, options: ForwardOptions = {}) {
    this.training = options.training ?? false;
    this.random = options.random;
    this.statisticsMomentum = options.statisticsMomentum ?? 0;
    this.frozenNorm = options.frozenNorm ?? (() => false);
  }

  conv(x: T4, conv: Conv): T4 {
    const y = convolve(x, conv, conv.filter as unknown as T4);
    return conv.bias ? tf.add(y, conv.bias) : y;
  }

  convNorm(x: T4, conv: Conv, norm: BatchNorm | null, activation: Activation): T4 {
    if (norm && !this.training && !recording()) {
      const { filter, bias } = this.folds.get(conv, norm);
      if (conv.layout === "transposed") {
        return activate(tf.add(convolve(x, conv, filter), bias), activation);
      }
      return convActivated({
        ...{ x, filter, bias, activation, strides: conv.stride, pad: conv.pad },
        depthwise: conv.layout === "depthwise",
      });
    }
    const y = this.conv(x, conv);
    return norm ? this.batchNorm(y, norm, activation) : activate(y, activation);
  }

  private batchNorm(x: T4, norm: BatchNorm, activation: Activation): T4 {
    const gamma = norm.gamma as unknown as tf.Tensor1D;
    const beta = norm.beta as unknown as tf.Tensor1D;
    if (!this.training || this.frozenNorm(norm.name)) {
      const mean = norm.mean as unknown as tf.Tensor1D;
      const variance = norm.variance as unknown as tf.Tensor1D;
      return activate(tf.batchNorm4d(x, mean, variance, beta, gamma, norm.epsilon), activation);
    }
    const count = x.shape[0] * x.shape[1] * x.shape[2];
    if (count === 1) {
      throw new RangeError(
        `${norm.name} has one value a channel to train on (${x.shape}); use larger tiles or batches`,
      );
    }
    const { y, mean, variance } = batchNormTrain(x, gamma, beta, norm.epsilon, activation);
    tf.tidy(() => {
      const m = Math.max(norm.momentum, this.statisticsMomentum);
      const next = nextStatistics(norm, { mean, variance }, m, count);
      norm.mean.assign(next.mean);
      norm.variance.assign(next.variance);
      norm.batches.assign(next.batches);
    });
    return y;
  }

  relu(x: T4): T4 {
    return tf.relu(x);
  }
  relu6(x: T4): T4 {
    return relu6(x);
  }
  sigmoid(x: T4): T4 {
    return tf.sigmoid(x);
  }
  swish(x: T4): T4 {
    return swish(x);
  }
  add(a: T4, b: T4): T4 {
    return tf.add(a, b);
  }
  channelScale(x: T4, gate: T4): T4 {
    return channelScale(x, gate);
  }
  pixelScale(x: T4, gate: T4): T4 {
    return tf.mul(x, gate);
  }
  concat(xs: T4[]): T4 {
    return tf.concat(xs, 3);
  }
  upsample(x: T4): T4 {
    return tf.image.resizeNearestNeighbor(x, [2 * x.shape[1], 2 * x.shape[2]]);
  }
  maxPool(x: T4): T4 {
    return tf.maxPool(x, 3, 2, 1);
  }
  globalAverage(x: T4): T4 {
    return globalAverage(x);
  }

  upsampleConcat(x: T4, skips: T4[]): T4 {
    return upsampleConcat(x, skips);
  }

  squeezeExcite(x: T4, { reduce, widen, activation }: Squeeze): T4 {
    const bias = ({ bias, outChannels }: Conv) =>
      (bias ?? tf.zeros([outChannels])) as unknown as tf.Tensor1D;
    return squeezeExcite(
      x,
      {
        reduce: reduce.filter as unknown as T4,
        reduceBias: bias(reduce),
        widen: widen.filter as unknown as T4,
        widenBias: bias(widen),
      },
      activation,
    );
  }

  dropConnect(x: T4, rate: number): T4 {
    const random = this.random;
    if (!this.training || !random) return x;
    const scales = Array.from(
      { length: x.shape[0] },
      () => random.next() < rate ? 0 : 1 / (1 - rate),
    );
    return tf.mul(x, tf.tensor4d(scales, [x.shape[0], 1, 1, 1]));
  }

  positionAttention(x: T4, top: T4, center: T4, bottom: T4): T4 {
    const [batch, height, width, channels] = x.shape;
    const pixels = height * width;
    const flat = (t: T4) => tf.reshape(t, [batch, pixels, t.shape[3]]);
    const pairs = tf.matMul(flat(center), tf.transpose(flat(top), [0, 2, 1]));
    const map = tf.reshape(tf.softmax(tf.reshape(pairs, [batch, pixels * pixels])), pairs.shape);
    const attended = tf.matMul(map as tf.Tensor3D, flat(bottom));
    // The reference reshapes [B,HW,C] to [B,C,H,W] without transposing back; so do we.
    const asWritten = tf.transpose(
      tf.reshape(attended, [batch, channels, height, width]),
      [0, 2, 3, 1],
    );
    return tf.add(x, asWritten);
  }
}

/** Whether a gradient is being recorded: then weights must stay in the graph, unfolded. */
function recording(): boolean {
  return tf.engine().state.gradientDepth > 0;
}

function convolve(x: T4, conv: Conv, filter: T4): T4 {
  if (conv.layout === "depthwise") return tf.depthwiseConv2d(x, filter, conv.stride, conv.pad);
  if (conv.layout === "conv") return tf.conv2d(x, filter, conv.stride, conv.pad);
  const [batch, height, width] = x.shape;
  const shape = [batch, height * conv.stride, width * conv.stride, conv.outChannels];
  return tf.conv2dTranspose(x, filter, shape as [number, number, number, number], 2, "same");
}
