/** The indices of a palette PNG, which decoders hand out as colours only. */
import { promisify } from "node:util";
import { inflate } from "node:zlib";

const decompress = promisify(inflate);

/**
 * Reads one index per pixel.
 *
 * @throws {RangeError} when the file is no palette PNG, interlaced or damaged
 */
export async function pngIndices(file: Uint8Array): Promise<Uint8Array> {
  const chunks = chunksOf(file), head = chunks.find(({ type }) => type === "IHDR")?.body;
  if (!head || head.length < 13) throw new RangeError("it has no header");
  const view = new DataView(head.buffer, head.byteOffset, head.length);
  const width = view.getUint32(0), height = view.getUint32(4);
  const [bits, colour, , , interlaced] = head.subarray(8);
  if (colour !== 3) throw new RangeError(`colour type ${colour} is no palette`);
  if (interlaced !== 0) throw new RangeError("an interlaced palette is not read: save it without");
  const line = Math.ceil(width * bits / 8), expected = height * (line + 1);
  const packed = chunks.filter(({ type }) => type === "IDAT").map(({ body }) => body);
  const rows: Uint8Array = await decompress(joined(packed), { maxOutputLength: expected });
  if (rows.length !== expected) {
    throw new RangeError(`it holds ${rows.length} of ${expected} bytes`);
  }
  unfilter(rows, height, line);
  const out = new Uint8Array(height * width), mask = (1 << bits) - 1;
  for (let y = 0, o = 0; y < height; y++) {
    const start = y * (line + 1) + 1;
    for (let x = 0; x < width; x++) {
      const bit = x * bits;
      out[o++] = (rows[start + (bit >> 3)] >> (8 - bits - (bit & 7))) & mask;
    }
  }
  return out;
}

function chunksOf(file: Uint8Array): { type: string; body: Uint8Array }[] {
  const view = new DataView(file.buffer, file.byteOffset, file.length);
  const found: { type: string; body: Uint8Array }[] = [];
  for (let at = 8; at + 12 <= file.length;) {
    const length = view.getUint32(at);
    if (at + 12 + length > file.length) break;
    const type = String.fromCharCode(...file.subarray(at + 4, at + 8));
    found.push({ type, body: file.subarray(at + 8, at + 8 + length) });
    at += 12 + length;
  }
  return found;
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const out = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

/** PNG's five filters of rows, undone in place; a pixel of a palette has at most one byte. */
function unfilter(rows: Uint8Array, height: number, line: number): void {
  for (let y = 0; y < height; y++) {
    const start = y * (line + 1) + 1, filter = rows[start - 1];
    if (filter > 4) throw new RangeError(`row ${y} has the filter ${filter}`);
    for (let x = 0; filter !== 0 && x < line; x++) {
      const i = start + x;
      const left = x > 0 ? rows[i - 1] : 0;
      const up = y > 0 ? rows[i - line - 1] : 0;
      const corner = x > 0 && y > 0 ? rows[i - line - 2] : 0;
      rows[i] += filter === 1
        ? left
        : filter === 2
        ? up
        : filter === 3
        ? (left + up) >> 1
        : paeth(left, up, corner);
    }
  }
}

function paeth(left: number, up: number, corner: number): number {
  const guess = left + up - corner;
  const [a, b, c] = [Math.abs(guess - left), Math.abs(guess - up), Math.abs(guess - corner)];
  return a <= b && a <= c ? left : b <= c ? up : corner;
}
