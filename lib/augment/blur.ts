/** Gaussian blur. */
import { type RgbImage, within } from "../image/mod.ts";
import { imageOnly } from "./image_only.ts";
import type { Augmentation } from "./types.ts";

/** OpenCV's kernels of sizes 3, 5 and 7 for bytes, in 256ths: the middle and outwards. */
const KERNELS: Readonly<Record<number, readonly [number, number, number, number]>> = {
  3: [128, 64, 0, 0],
  5: [96, 64, 16, 0],
  7: [72, 56, 28, 8],
};
/** Pixels on each side of the largest. */
const RADIUS = 3;

/**
 * `GaussianBlur` of albumentations 1.1 with its default blur limit (3, 7): a size drawn from 3 to 7,
 * even ones being made odd by adding one, so that 3, 5 and 7 come with 1/5, 2/5 and 2/5.
 */
export function gaussianBlur(probability = 0.5): Augmentation {
  return imageOnly("GaussianBlur", probability, (image, random) => {
    const size = 3 + random.int(5);
    return blurred(image, size % 2 ? size as 3 | 5 | 7 : size + 1 as 5 | 7);
  });
}

/** The image under OpenCV's Gaussian of `size` pixels, bit for bit; borders are reflect-101. */
export function blurred(image: RgbImage, size: 3 | 5 | 7): RgbImage {
  const { height, width } = image, [k0, k1, k2, k3] = KERNELS[size], stride = 3 * width;
  const across = alongRows(image, KERNELS[size]), out = new Uint8Array(image.data.length);
  for (let row = 0; row < height; row++) {
    const start = (offset: number) => within(row + offset, height, "reflect-101") * stride;
    const [a3, a2, a1, a0, b1, b2, b3] = [-3, -2, -1, 0, 1, 2, 3].map(start);
    for (let i = 0, to = row * stride; i < stride; i++, to++) {
      out[to] = (k0 * across[a0 + i] + k1 * (across[a1 + i] + across[b1 + i]) +
        k2 * (across[a2 + i] + across[b2 + i]) + k3 * (across[a3 + i] + across[b3 + i]) +
        (1 << 15)) >>> 16;
    }
  }
  return { data: out, height, width };
}

/** Rows blurred, in 256ths of a level. */
function alongRows({ data, height, width }: RgbImage, kernel: (typeof KERNELS)[3]): Uint16Array {
  const [k0, k1, k2, k3] = kernel, stride = 3 * width, margin = 3 * RADIUS;
  const out = new Uint16Array(data.length), padded = new Uint8Array(stride + 2 * margin);
  for (let row = 0; row < height; row++) {
    const start = row * stride;
    padded.set(data.subarray(start, start + stride), margin);
    for (let i = 1; i <= RADIUS; i++) {
      const left = start + 3 * within(-i, width, "reflect-101");
      const right = start + 3 * within(width - 1 + i, width, "reflect-101");
      padded.set(data.subarray(left, left + 3), margin - 3 * i);
      padded.set(data.subarray(right, right + 3), margin + stride + 3 * (i - 1));
    }
    for (let i = 0; i < stride; i++) {
      out[start + i] = k0 * padded[i + 9] + k1 * (padded[i + 6] + padded[i + 12]) +
        k2 * (padded[i + 3] + padded[i + 15]) + k3 * (padded[i] + padded[i + 18]);
    }
  }
  return out;
}
