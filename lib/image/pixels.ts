/** Images and masks in memory: their types, sizes and windows. */

/** An 8-bit RGB image, row-major, interleaved: `data[(row * width + column) * 3 + channel]`. */
export interface RgbImage {
  data: Uint8Array;
  height: number;
  width: number;
}

/** A binary mask, row-major: 0 is background, 1 is crypt. */
export interface Mask {
  data: Uint8Array;
  height: number;
  width: number;
}

/**
 * A mask that tells crypts apart, row-major: 0 is background, every crypt has a value of its own
 * (1, 2, …, not necessarily without gaps).
 */
export interface LabelMask {
  data: Uint16Array;
  height: number;
  width: number;
}

/**
 * Resizes a mask by nearest neighbour (of pixel centres); the mask itself when nothing changes.
 *
 * @throws {RangeError} when a side is no positive integer
 */
export function resizeMask(mask: Mask, height: number, width: number): Mask {
  checkSides(height, width);
  if (height === mask.height && width === mask.width) return mask;
  const data = new Uint8Array(height * width);
  nearest(mask, data, height, width);
  return { data, height, width };
}

/** {@link resizeMask} for labels: values are picked, never mixed. A crypt may lose its last pixel. */
export function resizeLabels(labels: LabelMask, height: number, width: number): LabelMask {
  checkSides(height, width);
  if (height === labels.height && width === labels.width) return labels;
  const data = new Uint16Array(height * width);
  nearest(labels, data, height, width);
  return { data, height, width };
}

function nearest(
  from: Mask | LabelMask,
  to: Uint8Array | Uint16Array,
  height: number,
  width: number,
): void {
  const columns = Uint32Array.from(
    { length: width },
    (_, x) => Math.floor((x + 0.5) * from.width / width),
  );
  for (let y = 0, i = 0; y < height; y++) {
    const row = Math.floor((y + 0.5) * from.height / height) * from.width;
    for (let x = 0; x < width; x++) to[i++] = from.data[row + columns[x]];
  }
}

/**
 * A copied window of an image.
 *
 * @throws {RangeError} when the window leaves the image
 */
export function crop(
  image: RgbImage,
  top: number,
  left: number,
  height: number,
  width: number,
): RgbImage {
  const data = new Uint8Array(3 * windowArea(image, top, left, height, width));
  copyWindow(image, data, 3, top, left, height, width);
  return { data, height, width };
}

/** A copied window of a mask; fails as {@link crop} does. */
export function cropMask(
  mask: Mask,
  top: number,
  left: number,
  height: number,
  width: number,
): Mask {
  const data = new Uint8Array(windowArea(mask, top, left, height, width));
  copyWindow(mask, data, 1, top, left, height, width);
  return { data, height, width };
}

/** A copied window of labels, values unchanged; fails as {@link crop} does. */
export function cropLabels(
  labels: LabelMask,
  top: number,
  left: number,
  height: number,
  width: number,
): LabelMask {
  const data = new Uint16Array(windowArea(labels, top, left, height, width));
  copyWindow(labels, data, 1, top, left, height, width);
  return { data, height, width };
}

/** Pixels of a window. @throws {RangeError} when it leaves the image */
function windowArea(
  image: { height: number; width: number },
  top: number,
  left: number,
  height: number,
  width: number,
): number {
  checkSides(height, width);
  const inside = top >= 0 && left >= 0 && top + height <= image.height &&
    left + width <= image.width && Number.isInteger(top) && Number.isInteger(left);
  if (!inside) {
    throw new RangeError(
      `window of ${height} x ${width} at row ${top}, column ${left} leaves the image of ` +
        `${image.height} x ${image.width}`,
    );
  }
  return height * width;
}

function copyWindow(
  image: RgbImage | Mask | LabelMask,
  out: Uint8Array | Uint16Array,
  channels: number,
  top: number,
  left: number,
  height: number,
  width: number,
): void {
  for (let y = 0; y < height; y++) {
    const start = ((top + y) * image.width + left) * channels;
    out.set(image.data.subarray(start, start + width * channels), y * width * channels);
  }
}

/** The sides after scaling, rounded, at least one pixel. */
export function scaledSize(
  size: { height: number; width: number },
  scale = 1,
): { height: number; width: number } {
  if (!(scale > 0 && scale <= 1)) throw new RangeError(`scale must be in (0, 1], got ${scale}`);
  return {
    height: Math.max(1, Math.round(size.height * scale)),
    width: Math.max(1, Math.round(size.width * scale)),
  };
}

/** @throws {RangeError} when a side is no positive integer */
export function checkSides(height: number, width: number): void {
  if (!(Number.isInteger(height) && Number.isInteger(width) && height > 0 && width > 0)) {
    throw new RangeError(`sides must be positive integers, got ${height} x ${width}`);
  }
}

/** @throws {RangeError} naming `what` when the data do not fit the size */
export function checkLength(
  image: RgbImage | Mask | LabelMask,
  channels: number,
  what: string,
): void {
  checkSides(image.height, image.width);
  const expected = image.height * image.width * channels;
  if (image.data.length !== expected) {
    throw new RangeError(
      `${what}: ${image.height} x ${image.width} with ${channels} channels needs ${expected} ` +
        `${image.data instanceof Uint16Array ? "values" : "bytes"}, got ${image.data.length}`,
    );
  }
}
