/** The encoder's last feature map of some tiles as vectors, by TensorFlow.js or by ONNX Runtime. */
import * as tf from "@tensorflow/tfjs-core";
import { normalizeRgb, type RgbImage } from "../../image/mod.ts";
import type { OnnxFeatures, SegmentationModel } from "../../model/mod.ts";
import { cutTile, type TilePosition } from "../../stitching/mod.ts";

/** How a feature map becomes a vector. */
export interface BottleneckOptions {
  /** Side of the tiles in pixels of `image`. */
  tile: number;
  pool: "flatten" | "average";
}

/** Features of some tiles of one image, [tiles, columns]; what lies outside the image is white. */
export async function bottleneck(
  encoder: SegmentationModel | OnnxFeatures,
  image: RgbImage,
  corners: readonly TilePosition[],
  { tile, pool }: BottleneckOptions,
): Promise<Float32Array> {
  const cuts = corners.map((corner) => cutTile(image, corner, tile));
  if ("extract" in encoder) {
    const maps = await encoder.extract(cuts, tile, tile);
    return pool === "average" ? means(maps, corners.length * encoder.channels) : maps;
  }
  const size = tile * tile * 3, floats = new Float32Array(corners.length * size);
  cuts.forEach((cut, t) => normalizeRgb(cut, encoder.preprocessing, floats, t * size));
  const features = tf.tidy(() => {
    const x = tf.tensor4d(floats, [corners.length, tile, tile, 3]);
    const last = encoder.features(x).at(-1)!;
    return pool === "average" ? tf.mean(last, [1, 2]) : tf.transpose(last, [0, 3, 1, 2]);
  });
  try {
    return await features.data() as Float32Array;
  } finally {
    features.dispose();
  }
}

/** The mean of each of `count` planes that lie one behind the other. */
function means(planes: Float32Array, count: number): Float32Array {
  const size = planes.length / count, out = new Float32Array(count);
  for (let p = 0; p < count; p++) {
    let sum = 0;
    for (let i = p * size; i < (p + 1) * size; i++) sum += planes[i];
    out[p] = sum / size;
  }
  return out;
}
