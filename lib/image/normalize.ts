/** From 8-bit pixels to what a model was trained on: divided by 255, less a mean, over a deviation. */

/** How a model's input is made from pixels; part of the model, as its weights are. */
export interface Preprocessing {
  /** Mean of each channel, of values in [0, 1]. */
  readonly mean: readonly [number, number, number];
  /** Standard deviation of each channel, of values in [0, 1]. */
  readonly std: readonly [number, number, number];
  /** Which channel comes first; no encoder here takes another order. */
  readonly channelOrder: "RGB";
}

/** Mean of each channel in [0, 1] (RGB); torchvision and segmentation_models_pytorch. */
export const IMAGENET_MEAN = [0.485, 0.456, 0.406] as const;
/** Standard deviation of each channel in [0, 1] (RGB). */
export const IMAGENET_STD = [0.229, 0.224, 0.225] as const;

/** What torchvision's and efficientnet_pytorch's encoders were trained with. */
export const IMAGENET: Preprocessing = {
  mean: IMAGENET_MEAN,
  std: IMAGENET_STD,
  channelOrder: "RGB",
};

/** To [-1, 1]: EfficientNet-Lite's and the adversarially trained EfficientNets'. */
export const CENTERED: Preprocessing = {
  mean: [0.5, 0.5, 0.5],
  std: [0.5, 0.5, 0.5],
  channelOrder: "RGB",
};

/**
 * Checks what a file or a caller gives as preprocessing.
 *
 * @throws {RangeError} naming `source` and what is wrong
 */
export function checkPreprocessing(value: unknown, source: string): Preprocessing {
  const { mean, std, channelOrder = "RGB" } = (value ?? {}) as Partial<Preprocessing>;
  const three = (list: unknown): list is readonly [number, number, number] =>
    Array.isArray(list) && list.length === 3 && list.every((v) => Number.isFinite(v));
  if (!three(mean) || !three(std) || !std.every((v) => v > 0)) {
    throw new RangeError(
      `${source}: preprocessing needs three means and three deviations above zero, ` +
        `got ${JSON.stringify(value)}`,
    );
  }
  if (channelOrder !== "RGB") {
    throw new RangeError(`${source}: channels must come as RGB, got "${channelOrder}"`);
  }
  return { mean, std, channelOrder };
}

const TABLES = new Map<string, Float32Array[]>();

/** The normalized value of each byte, by channel. */
function tablesOf({ mean, std }: Preprocessing): Float32Array[] {
  const key = [...mean, ...std].join();
  let tables = TABLES.get(key);
  if (!tables) {
    tables = mean.map((m, c) =>
      Float32Array.from({ length: 256 }, (_, v) => (v / 255 - m) / std[c])
    );
    TABLES.set(key, tables);
  }
  return tables;
}

/**
 * Normalizes interleaved RGB bytes into `out` (same order, so NHWC stays NHWC).
 *
 * @param rgb bytes, length a multiple of 3
 * @param preprocessing the model's own (`model.preprocessing`)
 * @param out receives the floats from `offset` on; made when absent
 * @throws {RangeError} when the length is no multiple of 3 or `out` is too short
 */
export function normalizeRgb(
  rgb: Uint8Array,
  preprocessing: Preprocessing,
  out: Float32Array<ArrayBuffer> = new Float32Array(rgb.length),
  offset = 0,
): Float32Array<ArrayBuffer> {
  if (rgb.length % 3 !== 0) {
    throw new RangeError(`RGB bytes must come in threes, got ${rgb.length} bytes`);
  }
  if (out.length < offset + rgb.length) {
    throw new RangeError(`output holds ${out.length} values, needs ${offset + rgb.length}`);
  }
  const [r, g, b] = tablesOf(preprocessing);
  for (let i = 0; i < rgb.length; i += 3) {
    out[offset + i] = r[rgb[i]];
    out[offset + i + 1] = g[rgb[i + 1]];
    out[offset + i + 2] = b[rgb[i + 2]];
  }
  return out;
}
