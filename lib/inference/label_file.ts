/** Crypts as a label TIFF: one value per crypt. */
import type { Crypt } from "../crypts/mod.ts";
import { TiffStream } from "../image/mod.ts";

/** Rows that are drawn at a time. */
const ROWS = 512;

/**
 * Writes crypts as a 16-bit tiled TIFF: 0 is background, every crypt has its `id`, the number that it
 * has in the table and in QuPath. There is no pyramid, since halved levels would mix the numbers.
 *
 * @param pixelSize µm per pixel; null writes no resolution
 * @throws {RangeError} when there are more than 65,535 crypts
 * @throws {Error} naming the file when it cannot be written
 */
export async function writeLabelFile(
  path: string,
  crypts: readonly Crypt[],
  size: { height: number; width: number; pixelSize: number | null },
): Promise<void> {
  const highest = crypts.reduce((most, { id }) => Math.max(most, id), 0);
  if (highest > 65_535) {
    throw new RangeError(`${path}: a label image holds at most 65535 crypts, got ${highest}`);
  }
  const { height, width } = size;
  const stream = await TiffStream.create(path, { ...size, channels: 1, bits: 16 });
  try {
    for (let top = 0; top < height; top += ROWS) {
      const band = new Uint16Array(Math.min(ROWS, height - top) * width);
      for (const crypt of crypts) drawRows(crypt, band, top, width);
      await stream.push(new Uint8Array(band.buffer));
    }
    await stream.finish();
  } catch (error) {
    await stream.abort();
    throw error;
  }
}

function drawRows(crypt: Crypt, band: Uint16Array, top: number, width: number): void {
  const from = Math.max(crypt.top, top);
  const to = Math.min(crypt.top + crypt.height, top + band.length / width);
  for (let y = from; y < to; y++) {
    const row = (y - crypt.top) * crypt.width, out = (y - top) * width + crypt.left;
    for (let x = 0; x < crypt.width; x++) if (crypt.mask[row + x]) band[out + x] = crypt.id;
  }
}
