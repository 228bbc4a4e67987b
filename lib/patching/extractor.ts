/** Overlapping windows over images and masks. */
import { crop, cropMask, type Mask, type RgbImage } from "../image/mod.ts";

/** How the border is patched: stay inside of the image, or reflect it first. */
export type PatchMode = "valid" | "mirror";

/** Top-left pixel of a window; for `"mirror"` in the reflected frame. */
export interface WindowPosition {
  row: number;
  column: number;
}

/**
 * Cuts images into windows, row by row.
 *
 * `"valid"`: windows at rows 0, step, … as long as they fit; what is left at the right and at the
 * bottom is not patched. `"mirror"`: the image is first padded by reflection (without repeating the
 * border pixel, like `np.pad(…, "reflect")`) by `floor((window - step) / 2)` above and left and the
 * rest of `window - step` below and right, then patched the same way. Source: the original's
 * `PatchExtractor`, which comes from HoVer-Net.
 */
export class PatchExtractor {
  /**
   * @param window height and width of a patch in pixels
   * @param step rows and columns between neighbouring patches
   * @throws {RangeError} when one is no positive integer
   */
  constructor(
    readonly window: readonly [height: number, width: number],
    readonly step: readonly [rows: number, columns: number],
  ) {
    for (const [name, pair] of Object.entries({ window, step })) {
      if (pair.length !== 2 || !pair.every((side) => Number.isInteger(side) && side > 0)) {
        throw new RangeError(`${name} must be two positive integers, got [${pair.join(", ")}]`);
      }
    }
  }

  /**
   * The windows' top-left pixels, row-major; for `"mirror"` in the padded frame.
   *
   * @throws {RangeError} naming both sizes when the (padded) image is smaller than a window
   */
  positions(height: number, width: number, mode: PatchMode): WindowPosition[] {
    const pad = this.padding(mode);
    const frame = [height + pad.top + pad.bottom, width + pad.left + pad.right];
    if (frame[0] < this.window[0] || frame[1] < this.window[1]) {
      throw new RangeError(
        `an image of ${height} x ${width} is smaller than a patch of ` +
          `${this.window[0]} x ${this.window[1]} (height x width, mode "${mode}")`,
      );
    }
    const count = (axis: 0 | 1) =>
      Math.floor((frame[axis] - this.window[axis]) / this.step[axis]) + 1;
    const [rows, columns] = [count(0), count(1)];
    return Array.from({ length: rows * columns }, (_, i) => ({
      row: Math.floor(i / columns) * this.step[0],
      column: (i % columns) * this.step[1],
    }));
  }

  /** The patches of an image in the order of {@link positions}, one at a time. */
  *extract(image: RgbImage, mode: PatchMode): Generator<RgbImage, void, unknown> {
    const padded = mode === "mirror" ? { ...image, ...this.reflect(image, 3) } : image;
    for (const { row, column } of this.positions(image.height, image.width, mode)) {
      yield crop(padded, row, column, this.window[0], this.window[1]);
    }
  }

  /** The patches of a mask in the order of {@link positions}, one at a time. */
  *extractMask(mask: Mask, mode: PatchMode): Generator<Mask, void, unknown> {
    const padded = mode === "mirror" ? { ...mask, ...this.reflect(mask, 1) } : mask;
    for (const { row, column } of this.positions(mask.height, mask.width, mode)) {
      yield cropMask(padded, row, column, this.window[0], this.window[1]);
    }
  }

  private padding(mode: PatchMode) {
    if (mode === "valid") return { top: 0, bottom: 0, left: 0, right: 0 };
    if (mode !== "mirror") {
      throw new RangeError(`patch mode must be "valid" or "mirror", got "${mode}"`);
    }
    const [rows, columns] = [0, 1].map((i) => Math.max(0, this.window[i] - this.step[i]));
    const [top, left] = [Math.floor(rows / 2), Math.floor(columns / 2)];
    return { top, bottom: rows - top, left, right: columns - left };
  }

  private reflect(image: RgbImage | Mask, channels: number): RgbImage {
    const pad = this.padding("mirror");
    const height = image.height + pad.top + pad.bottom;
    const width = image.width + pad.left + pad.right;
    const data = new Uint8Array(height * width * channels);
    const columns = Uint32Array.from(
      { length: width },
      (_, x) => reflected(x - pad.left, image.width),
    );
    for (let y = 0, out = 0; y < height; y++) {
      const row = reflected(y - pad.top, image.height) * image.width;
      for (let x = 0; x < width; x++) {
        const from = (row + columns[x]) * channels;
        for (let c = 0; c < channels; c++) data[out++] = image.data[from + c];
      }
    }
    return { data, height, width };
  }
}

/** `… 2 1 0 1 2 … n-1 n-2 …`, over and over. */
function reflected(i: number, n: number): number {
  if (n === 1) return 0;
  const period = 2 * (n - 1), k = ((i % period) + period) % period;
  return k < n ? k : period - k;
}
