/** Pad an image to whole tiles, cut it up, put results together again and remove the padding. */
import { type RgbImage, within } from "../image/mod.ts";

/** As random crops of training see what lies beyond a small patch. */
const BORDER = "reflect-101";

/** Top-left pixel of a tile. */
export interface TilePosition {
  row: number;
  column: number;
}

/**
 * Tiles edge to edge that cover an image, row-major; the last ones may reach beyond it.
 *
 * @param tile side of the square tiles in pixels
 * @throws {RangeError} when a side or the tile is no positive integer
 */
export function tilePositions(height: number, width: number, tile: number): TilePosition[] {
  check(height, width, tile);
  const positions: TilePosition[] = [];
  for (let row = 0; row < height; row += tile) {
    for (let column = 0; column < width; column += tile) positions.push({ row, column });
  }
  return positions;
}

/**
 * The image with `value` added on the right and at the bottom up to multiples of `tile`, as the
 * original pads (255, the colour of empty glass); the image itself when it fits already.
 *
 * @throws {RangeError} when the tile is no positive integer
 */
export function padToTiles(image: RgbImage, tile: number, value = 255): RgbImage {
  check(image.height, image.width, tile);
  const height = Math.ceil(image.height / tile) * tile;
  const width = Math.ceil(image.width / tile) * tile;
  if (height === image.height && width === image.width) return image;
  const data = new Uint8Array(height * width * 3).fill(value);
  const line = image.width * 3;
  for (let row = 0; row < image.height; row++) {
    data.set(image.data.subarray(row * line, (row + 1) * line), row * width * 3);
  }
  return { data, height, width };
}

/**
 * One tile of an image, `tile * tile * 3` bytes; what lies outside of the image is `value`, which is
 * the same as cutting {@link padToTiles}' result without the padded copy, or (`"mirror"`) the image
 * reflected at its border, as often as it takes.
 */
export function cutTile(
  image: RgbImage,
  position: TilePosition,
  tile: number,
  value: number | "mirror" = 255,
): Uint8Array {
  const { row, column } = position;
  if (value === "mirror") return cutMirrored(image, position, tile);
  const out = new Uint8Array(tile * tile * 3);
  const rows = Math.min(tile, image.height - row), columns = Math.min(tile, image.width - column);
  if (rows < tile || columns < tile) out.fill(value);
  for (let y = 0; y < rows; y++) {
    const start = ((row + y) * image.width + column) * 3;
    out.set(image.data.subarray(start, start + columns * 3), y * tile * 3);
  }
  return out;
}

function cutMirrored(image: RgbImage, { row, column }: TilePosition, tile: number): Uint8Array {
  const { data, height, width } = image, out = new Uint8Array(tile * tile * 3);
  const columns = Int32Array.from({ length: tile }, (_, x) => within(column + x, width, BORDER));
  for (let y = 0, to = 0; y < tile; y++) {
    const line = within(row + y, height, BORDER) * width;
    for (let x = 0; x < tile; x++, to += 3) {
      const from = 3 * (line + columns[x]);
      out[to] = data[from];
      out[to + 1] = data[from + 1];
      out[to + 2] = data[from + 2];
    }
  }
  return out;
}

/**
 * Puts one tile of results where it belongs; what lies outside of the image is dropped (unpadding).
 *
 * @param values one value a pixel, `tile * tile`
 * @param target one value a pixel of the unpadded image, `height * width`
 * @throws {RangeError} when the tile's or the target's length does not fit
 */
export function placeTile<T extends Uint8Array | Float32Array>(
  values: T,
  position: TilePosition,
  tile: number,
  target: T,
  height: number,
  width: number,
): void {
  if (values.length !== tile * tile) {
    throw new RangeError(`a tile of side ${tile} has ${tile * tile} values, got ${values.length}`);
  }
  if (target.length !== height * width) {
    throw new RangeError(`${height} x ${width} needs ${height * width} values: ${target.length}`);
  }
  const rows = Math.min(tile, height - position.row);
  const columns = Math.min(tile, width - position.column);
  for (let y = 0; y < rows; y++) {
    target.set(
      values.subarray(y * tile, y * tile + columns) as T & ArrayLike<number>,
      (position.row + y) * width + position.column,
    );
  }
}

/**
 * Stitches the results of all tiles, in the order of {@link tilePositions}, and removes the padding.
 *
 * @returns one value a pixel of the unpadded image
 * @throws {RangeError} when the number of tiles or a tile's length does not fit
 */
export function stitchTiles(
  tiles: readonly Float32Array[],
  height: number,
  width: number,
  tile: number,
): Float32Array {
  const positions = tilePositions(height, width, tile);
  if (tiles.length !== positions.length) {
    throw new RangeError(
      `${height} x ${width} in tiles of ${tile} are ${positions.length} tiles, got ${tiles.length}`,
    );
  }
  const out = new Float32Array(height * width);
  tiles.forEach((values, i) => placeTile(values, positions[i], tile, out, height, width));
  return out;
}

function check(height: number, width: number, tile: number): void {
  for (const [name, value] of Object.entries({ height, width, tile })) {
    if (!(Number.isInteger(value) && value > 0)) {
      throw new RangeError(`${name} must be a positive integer, got ${value}`);
    }
  }
}
