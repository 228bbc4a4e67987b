/** Outlines of masks: as closed rings of pixel corners, and drawn on images. */
import type { LabelMask, Mask, RgbImage } from "../image/mod.ts";

/** A closed outline between pixels; its points are pixel corners, so integers. */
export interface Contour {
  /** x, y, x, y, …; every point is a corner where the outline turns; the first is not repeated. */
  points: Int32Array;
  /** True for the outline of a hole. */
  hole: boolean;
  /** Pixels enclosed; for a hole those of the hole (and of what lies in it). */
  area: number;
}

/** x and y of a step to the right, down, left, up. */
const STEP_X = [1, 0, -1, 0], STEP_Y = [0, 1, 0, -1];

/**
 * Follows every outline of a mask along the cracks between pixels. Crypt lies on the right hand:
 * outer outlines run clockwise (as seen, y down), holes counter-clockwise. Filling the rings by the
 * even-odd rule gives the mask back exactly.
 *
 * @param connectivity 8 (default): crypt pixels that touch at a corner share an outline, as in
 *   `cv2.findContours`. 4: they do not, and no outline touches itself, so that the rings make
 *   geometries that are valid by the OGC's rules (JTS, QuPath, shapely).
 * @returns in the order of their topmost, then leftmost corner
 * @throws {RangeError} when the data do not fit the size
 */
export function traceContours(mask: Mask, connectivity: 4 | 8 = 8): Contour[] {
  const { data, height, width } = mask;
  if (data.length !== height * width) {
    throw new RangeError(
      `a mask of ${height} x ${width} needs ${height * width} pixels, got ${data.length}`,
    );
  }
  // A pixel whose upper edge is an outline is visited once for that edge.
  const done = new Uint8Array(data.length);
  const at = (x: number, y: number) =>
    x >= 0 && y >= 0 && x < width && y < height && data[y * width + x] !== 0;
  const contours: Contour[] = [];
  for (let y = 0; y <= height; y++) {
    for (let x = 0; x < width; x++) {
      const inside = y < height && data[y * width + x] !== 0;
      const above = y > 0 && data[(y - 1) * width + x] !== 0;
      if (inside === above) continue;
      // An outer outline begins at a top edge, walked to the right; a hole at the top edge of a
      // hole pixel, which is the bottom edge of the crypt above it, walked to the left.
      if (inside && !(done[y * width + x] & 1)) {
        contours.push(...follow(x, y, 0));
      } else if (above && !(done[(y - 1) * width + x] & 2)) {
        contours.push(...follow(x + 1, y, 2));
      }
    }
  }
  return contours;

  function follow(startX: number, startY: number, startDirection: number): Contour[] {
    const points: number[] = [];
    let x = startX, y = startY, direction = startDirection;
    do {
      if (direction === 0) done[y * width + x] |= 1;
      if (direction === 2) done[(y - 1) * width + x - 1] |= 2;
      x += STEP_X[direction];
      y += STEP_Y[direction];
      // Ahead of the corner lie two pixels. Turning left where only the left one is crypt joins
      // pixels that touch at corners.
      const [left, right] = ahead(at, x, y, direction);
      const turn = left && (right || connectivity === 8) ? 3 : right ? 0 : 1;
      if (turn !== 0) {
        points.push(x, y);
        direction = (direction + turn) % 4;
      }
    } while (x !== startX || y !== startY || direction !== startDirection);
    return (connectivity === 8 ? [points] : simpleRings(points)).map(contourOf);
  }
}

/** Whether the two pixels ahead of a corner are crypt. */
function ahead(
  at: (x: number, y: number) => boolean,
  x: number,
  y: number,
  direction: number,
): [left: boolean, right: boolean] {
  switch (direction) {
    case 0:
      return [at(x, y - 1), at(x, y)];
    case 1:
      return [at(x, y), at(x - 1, y)];
    case 2:
      return [at(x - 1, y), at(x - 1, y - 1)];
    default:
      return [at(x - 1, y - 1), at(x, y - 1)];
  }
}

function contourOf(points: number[]): Contour {
  let twice = 0;
  for (let i = 0, j = points.length - 2; i < points.length; j = i, i += 2) {
    twice += points[j] * points[i + 1] - points[i] * points[j + 1];
  }
  return { points: Int32Array.from(points), hole: twice < 0, area: Math.abs(twice) / 2 };
}

/** Cuts a ring at every point that it passes twice. */
function simpleRings(points: number[]): number[][] {
  const rings: number[][] = [], path: number[] = [], seen = new Map<string, number>();
  for (let i = 0; i < points.length; i += 2) {
    const key = `${points[i]},${points[i + 1]}`, before = seen.get(key);
    if (before !== undefined) {
      const ring = path.splice(before);
      for (let k = 0; k < ring.length; k += 2) seen.delete(`${ring[k]},${ring[k + 1]}`);
      rings.push(ring);
    }
    seen.set(key, path.length);
    path.push(points[i], points[i + 1]);
  }
  return [...rings, path];
}

/** Red, green and blue, 0 to 255. */
export type Colour = readonly [red: number, green: number, blue: number];

/** How {@link drawContours} draws. */
export interface LineOptions {
  /** Of the line in pixels; default 3, as the original. */
  width?: number;
  /** Length of dashes and of the gaps between them, in pixels along the outline; default 0: solid. */
  dash?: number;
}

/**
 * Draws the outline of a mask into a copy of an image: the crypt pixels that touch what is not
 * their crypt, thickened to the line's width, as `cv2.drawContours` on `cv2.findContours`. Where a
 * crypt is cut by the image's border there is no outline: nobody knows where it ends.
 *
 * @param mask non-zero is crypt; a label mask has an outline around every label, touching or not
 * @throws {RangeError} when the sizes differ, the width is not positive or the dash negative
 */
export function drawContours(
  image: RgbImage,
  mask: Mask | LabelMask,
  colour: Colour,
  options: LineOptions = {},
): RgbImage {
  const { width = 3, dash = 0 } = options;
  if (image.height !== mask.height || image.width !== mask.width) {
    throw new RangeError(
      `image of ${image.height} x ${image.width} (height x width) and mask of ` +
        `${mask.height} x ${mask.width} must have the same size`,
    );
  }
  if (!(width > 0)) throw new RangeError(`line width must be > 0, got ${width}`);
  if (!(dash >= 0)) throw new RangeError(`dash must be >= 0, got ${dash}`);
  const { height, width: columns } = image;
  const out = Uint8Array.from(image.data), pen = penOf(width);
  for (const part of maskPerLabel(mask)) {
    for (const { points } of traceContours(part)) {
      let along = 0;
      for (let i = 0, j = points.length - 2; i < points.length; j = i, i += 2) {
        const stepX = Math.sign(points[i] - points[j]),
          stepY = Math.sign(points[i + 1] - points[j + 1]);
        for (let x = points[j], y = points[j + 1]; x !== points[i] || y !== points[i + 1];) {
          // The crypt's pixel lies on the right hand of the step; so does the image, at its border.
          const px = x - (stepX < 0 || stepY > 0 ? 1 : 0),
            py = y - (stepX < 0 || stepY < 0 ? 1 : 0);
          const border = stepX > 0
            ? y === 0
            : stepX < 0
            ? y === height
            : stepY > 0
            ? x === columns
            : x === 0;
          const drawn = dash === 0 || Math.floor(along++ / dash) % 2 === 0;
          if (!border && drawn) stamp(px, py);
          x += stepX;
          y += stepY;
        }
      }
    }
  }
  return { data: out, height, width: columns };

  function stamp(x: number, y: number): void {
    for (const [dx, dy] of pen) {
      const px = x + dx, py = y + dy;
      if (px < 0 || py < 0 || px >= columns || py >= height) continue;
      out.set(colour, (py * columns + px) * 3);
    }
  }
}

/** Offsets of the pixels of a round pen. */
function penOf(width: number): [dx: number, dy: number][] {
  const reach = Math.floor(width / 2), pen: [number, number][] = [];
  for (let dy = -reach; dy <= reach; dy++) {
    for (let dx = -reach; dx <= reach; dx++) {
      if (dx * dx + dy * dy <= width * width / 4) pen.push([dx, dy]);
    }
  }
  return pen;
}

/** A mask as it is; a label mask as one mask per label. */
function* maskPerLabel({ data, height, width }: Mask | LabelMask): Generator<Mask> {
  if (data instanceof Uint8Array) return yield { data, height, width };
  for (const label of new Set(data)) {
    if (label === 0) continue;
    yield { data: Uint8Array.from(data, (value) => value === label ? 1 : 0), height, width };
  }
}
