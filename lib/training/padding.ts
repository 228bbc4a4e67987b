/** Images brought to sides that a model can take. */
import type { RgbImage } from "../image/mod.ts";

/**
 * The image with rows and columns added below and to the right, mirrored without repeating the edge
 * (`np.pad(…, "reflect")`), until its sides are multiples of `multiple`; itself where they are.
 */
export function mirroredToMultiple(image: RgbImage, multiple: number): RgbImage {
  const [height, width] = [image.height, image.width].map((side) =>
    Math.ceil(side / multiple) * multiple
  );
  if (height === image.height && width === image.width) return image;
  const data = new Uint8Array(height * width * 3);
  for (let y = 0, out = 0; y < height; y++) {
    const row = mirrored(y, image.height) * image.width;
    for (let x = 0; x < width; x++, out += 3) {
      const from = 3 * (row + (x < image.width ? x : mirrored(x, image.width)));
      data[out] = image.data[from];
      data[out + 1] = image.data[from + 1];
      data[out + 2] = image.data[from + 2];
    }
  }
  return { data, height, width };
}

function mirrored(i: number, length: number): number {
  if (length === 1) return 0;
  const k = i % (2 * (length - 1));
  return k < length ? k : 2 * (length - 1) - k;
}
