/** Which pixels a model's answer for a crypt hangs on: the gradient of the answer by the image. */
import * as tf from "@tensorflow/tfjs-core";
import { createRandom } from "../base/mod.ts";
import { type Mask, normalizeRgb, type RgbImage } from "../image/mod.ts";
import type { SegmentationModel } from "../model/mod.ts";

/** Settings of {@link cryptSaliency}. */
export interface SaliencyOptions {
  /** Noisy copies of the image over which the gradient is averaged; default 8. */
  samples?: number;
  /** Deviation of their noise in units of the normalized input; default 0.15. 0: one copy, no noise. */
  noise?: number;
  /** Default 0. */
  seed?: number;
}

/**
 * How strongly each pixel moves what the model says of a region: the greatest absolute gradient over
 * the three channels (Simonyan, Vedaldi and Zisserman, "Deep Inside Convolutional Networks", 2014),
 * averaged over noisy copies of the image (SmoothGrad, Smilkov et al. 2017).
 *
 * What the model says is the mean log odds of crypt, `log(p / (1 - p))`, over the region's pixels.
 *
 * @param image its sides multiples of `model.sideMultiple`
 * @param region non-zero pixels are asked about
 * @returns one value >= 0 per pixel, row-major; its unit is log odds per unit of normalized input
 * @throws {RangeError} when the sizes differ, do not fit the model, or the region is empty
 * @example
 * ```ts
 * import { createModel } from "crypts/model";
 * import { cryptSaliency } from "crypts/inference";
 * const model = createModel({ architecture: "Unet", encoder: "resnet18", seed: 0 });
 * const image = { data: new Uint8Array(32 * 32 * 3).fill(200), height: 32, width: 32 };
 * const region = { data: new Uint8Array(32 * 32).fill(1), height: 32, width: 32 };
 * const map = await cryptSaliency(model, image, region, { samples: 1, noise: 0 });
 * console.log(map.length); // 1024
 * ```
 */
export async function cryptSaliency(
  model: SegmentationModel,
  image: RgbImage,
  region: Mask,
  options: SaliencyOptions = {},
): Promise<Float32Array> {
  const { noise = 0.15, seed = 0 } = options, samples = noise === 0 ? 1 : options.samples ?? 8;
  const { height, width } = image, pixels = height * width;
  check(model, image, region, samples, noise);
  const input = new Float32Array(3 * pixels), random = createRandom(seed).fork("saliency");
  normalizeRgb(image.data, model.preprocessing, input, 0);
  const mask = Float32Array.from(region.data, (value) => value === 0 ? 0 : 1);
  const sum = new Float32Array(pixels);
  for (let i = 0; i < samples; i++) {
    const noisy = noise === 0 ? input : input.map((value) => value + random.normal(0, noise));
    const gradient = tf.tidy(() => {
      const x = tf.tensor4d(noisy, [1, height, width, 3]);
      const weights = tf.tensor3d(mask, [1, height, width]);
      const slope = tf.grad((at) => meanLogOdds(model, at as tf.Tensor4D, weights))(x);
      return tf.max(tf.abs(slope), 3);
    });
    try {
      const values = await gradient.data();
      for (let p = 0; p < pixels; p++) sum[p] += values[p] / samples;
    } finally {
      gradient.dispose();
    }
  }
  return sum;
}

/**
 * The mean over the region of log odds of crypt, differentiable by `x`.
 *
 * @param x [1,H,W,3], normalized
 * @param region [1,H,W], 0 or 1
 */
export function meanLogOdds(
  model: SegmentationModel,
  x: tf.Tensor4D,
  region: tf.Tensor3D,
): tf.Scalar {
  return tf.tidy(() => {
    const logits = model.forward(x), [batch, height, width, classes] = logits.shape;
    const part = (from: number, count: number) =>
      tf.slice(logits, [0, 0, 0, from], [batch, height, width, count]);
    // 1 - p(background) over p(background), with no probability that could round to 0.
    const odds = classes === 1
      ? tf.squeeze(logits, [3])
      : tf.sub(tf.logSumExp(part(1, classes - 1), 3), tf.squeeze(part(0, 1), [3]));
    return tf.div(tf.sum(tf.mul(odds, region)), tf.sum(region)) as tf.Scalar;
  });
}

function check(
  model: SegmentationModel,
  image: RgbImage,
  region: Mask,
  samples: number,
  noise: number,
): void {
  const { height, width } = image, multiple = model.sideMultiple;
  if (region.height !== height || region.width !== width) {
    throw new RangeError(
      `image of ${height} x ${width} (height x width) and region of ` +
        `${region.height} x ${region.width} must have the same size`,
    );
  }
  if (height % multiple !== 0 || width % multiple !== 0) {
    throw new RangeError(
      `sides must be multiples of ${multiple} for this model, got ${height} x ${width}`,
    );
  }
  if (!region.data.some((value) => value !== 0)) {
    throw new RangeError("the region holds no pixel to ask about");
  }
  if (!(Number.isInteger(samples) && samples > 0)) {
    throw new RangeError(`samples must be a positive integer, got ${samples}`);
  }
  if (!(noise >= 0 && noise < Infinity)) throw new RangeError(`noise must be >= 0, got ${noise}`);
}
