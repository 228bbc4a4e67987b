/** Reading zip archives held in memory: as much of the format as PyTorch checkpoints use. */
import { inflateRawSync } from "node:zlib";

const END = 0x06054b50;
const ENTRY = 0x02014b50;
const LOCAL = 0x04034b50;
const STORED = 0;
const DEFLATED = 8;

/** Lazily read entries by name. */
export type ZipEntries = ReadonlyMap<string, () => Uint8Array>;

/**
 * Lists an archive; stored entries are views of `bytes`, deflated ones are inflated when called.
 *
 * @throws {RangeError} saying what is malformed or not supported (encryption, zip64)
 */
export function readZip(bytes: Uint8Array): ZipEntries {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const end = findEnd(view);
  const count = view.getUint16(end + 10, true);
  let at = view.getUint32(end + 16, true);
  if (count === 0xffff || at === 0xffffffff) {
    throw new RangeError("zip64 archives (over 4 GB) are not supported");
  }
  const entries = new Map<string, () => Uint8Array>();
  for (let i = 0; i < count; i++) {
    if (at + 46 > bytes.length || view.getUint32(at, true) !== ENTRY) {
      throw new RangeError(`its directory ends after ${i} of ${count} entries`);
    }
    const flags = view.getUint16(at + 8, true);
    const method = view.getUint16(at + 10, true);
    const packed = view.getUint32(at + 20, true);
    const size = view.getUint32(at + 24, true);
    const [nameLength, extra, comment] = [28, 30, 32].map((o) => view.getUint16(at + o, true));
    const local = view.getUint32(at + 42, true);
    const name = new TextDecoder().decode(bytes.subarray(at + 46, at + 46 + nameLength));
    entries.set(name, () => {
      if (flags & 1) throw new RangeError(`entry ${name} is encrypted`);
      if (local + 30 > bytes.length || view.getUint32(local, true) !== LOCAL) {
        throw new RangeError(`entry ${name} is not where the directory says`);
      }
      const start = local + 30 + view.getUint16(local + 26, true) +
        view.getUint16(local + 28, true);
      if (start + packed > bytes.length) throw new RangeError(`entry ${name} is cut off`);
      const data = bytes.subarray(start, start + packed);
      if (method === STORED) return data;
      if (method !== DEFLATED) throw new RangeError(`entry ${name} uses method ${method}`);
      return inflateRawSync(data, { maxOutputLength: size });
    });
    at += 46 + nameLength + extra + comment;
  }
  return entries;
}

/** Offset of the end record: the last one whose comment reaches to the end. */
function findEnd(view: DataView): number {
  const last = view.byteLength - 22;
  for (let at = last; at >= Math.max(0, last - 0xffff); at--) {
    if (view.getUint32(at, true) === END && view.getUint16(at + 20, true) === last - at) return at;
  }
  throw new RangeError("it has no zip directory: cut off, or no zip archive");
}
