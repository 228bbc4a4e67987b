/** Overlapping windows over images and masks. */
import { crop, cropMask, type LabelMask, type Mask, type RgbImage, within } from "../image/mod.ts";

/** How the border is patched: stay inside, reflect the image first, or cover it without a rest. */
export type PatchMode = "valid" | "mirror" | "cover";

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
 * `PatchExtractor`, which comes from HoVer-Net. `"cover"`: as few windows as lie at most `step` apart,
 * spread evenly from edge to edge, so that every pixel is in one; where the image is smaller than the
 * window, the patch is as small as the image (for random crops, which mirror what is missing).
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
   * @throws {RangeError} naming both sizes when the (padded) image is smaller than a window (never for
   *   `"cover"`)
   */
  positions(height: number, width: number, mode: PatchMode): WindowPosition[] {
    const pad = this.padding(mode);
    const frame = [height + pad.top + pad.bottom, width + pad.left + pad.right];
    const window = this.windowIn(height, width, mode);
    if (frame[0] < window[0] || frame[1] < window[1]) {
      throw new RangeError(
        `an image of ${height} x ${width} is smaller than a patch of ` +
          `${this.window[0]} x ${this.window[1]} (height x width, mode "${mode}")`,
      );
    }
    const along = (axis: 0 | 1) => {
      const rest = frame[axis] - window[axis], step = this.step[axis];
      if (mode !== "cover") {
        return Array.from({ length: Math.floor(rest / step) + 1 }, (_, i) => i * step);
      }
      const gaps = Math.ceil(rest / step);
      return Array.from(
        { length: gaps + 1 },
        (_, i) => gaps === 0 ? 0 : Math.round(i * rest / gaps),
      );
    };
    const columns = along(1);
    return along(0).flatMap((row) => columns.map((column) => ({ row, column })));
  }

  /** Height and width of the patches of an image: the window, for `"cover"` at most the image. */
  windowIn(height: number, width: number, mode: PatchMode): readonly [number, number] {
    if (mode !== "cover") return this.window;
    return [Math.min(height, this.window[0]), Math.min(width, this.window[1])];
  }

  /** The patches of an image in the order of {@link positions}, one at a time. */
  *extract(image: RgbImage, mode: PatchMode): Generator<RgbImage, void, unknown> {
    const padded = mode === "mirror" ? { ...image, ...this.reflect(image, 3) } : image;
    const window = this.windowIn(image.height, image.width, mode);
    for (const { row, column } of this.positions(image.height, image.width, mode)) {
      yield crop(padded, row, column, ...window);
    }
  }

  /** The patches of a mask in the order of {@link positions}, one at a time. */
  *extractMask(mask: Mask, mode: PatchMode): Generator<Mask, void, unknown> {
    const padded = mode === "mirror" ? { ...mask, ...this.reflect(mask, 1) } : mask;
    const window = this.windowIn(mask.height, mask.width, mode);
    for (const { row, column } of this.positions(mask.height, mask.width, mode)) {
      yield cropMask(padded, row, column, ...window);
    }
  }

  /**
   * The patches of labels in the order of {@link positions}, one at a time. The labels are those of the
   * image before scaling; pixels are taken by nearest neighbour as `resizeMask` does.
   *
   * @param size of the scaled image
   * @returns masks whose values, 1, 2, … in the order of their first pixel, tell crypts apart
   * @throws {RangeError} when a patch holds more than 255 crypts
   */
  *extractLabels(
    labels: LabelMask,
    size: { height: number; width: number },
    mode: PatchMode,
  ): Generator<Mask, void, unknown> {
    const [height, width] = this.windowIn(size.height, size.width, mode);
    const pad = this.padding(mode);
    const source = (i: number, before: number, length: number, whole: number) =>
      Math.floor((within(i - before, length, "reflect-101") + 0.5) * whole / length);
    for (const { row, column } of this.positions(size.height, size.width, mode)) {
      const data = new Uint8Array(height * width), known = new Map<number, number>();
      const columns = Array.from(
        { length: width },
        (_, x) => source(column + x, pad.left, size.width, labels.width),
      );
      for (let y = 0, i = 0; y < height; y++) {
        const from = source(row + y, pad.top, size.height, labels.height) * labels.width;
        for (let x = 0; x < width; x++, i++) {
          const label = labels.data[from + columns[x]];
          if (label === 0) continue;
          let value = known.get(label);
          if (value === undefined) known.set(label, value = known.size + 1);
          data[i] = value;
        }
      }
      if (known.size > 255) {
        throw new RangeError(
          `a patch of ${height} x ${width} at row ${row}, column ${column} holds ${known.size} ` +
            "crypts, at most 255 fit: use smaller patches, or look whether the mask is noise",
        );
      }
      yield { data, height, width };
    }
  }

  private padding(mode: PatchMode) {
    if (mode === "valid" || mode === "cover") return { top: 0, bottom: 0, left: 0, right: 0 };
    if (mode !== "mirror") {
      throw new RangeError(`patch mode must be "valid", "mirror" or "cover", got "${mode}"`);
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
      (_, x) => within(x - pad.left, image.width, "reflect-101"),
    );
    for (let y = 0, out = 0; y < height; y++) {
      const row = within(y - pad.top, image.height, "reflect-101") * image.width;
      for (let x = 0; x < width; x++) {
        const from = (row + columns[x]) * channels;
        for (let c = 0; c < channels; c++) data[out++] = image.data[from + c];
      }
    }
    return { data, height, width };
  }
}
