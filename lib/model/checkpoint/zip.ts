/** Reading zip archives held in memory: as much of the format as PyTorch checkpoints use. */
import { crc32, inflateRawSync } from "node:zlib";

const END = 0x06054b50;
const ENTRY = 0x02014b50;
const LOCAL = 0x04034b50;
const STORED = 0;
const DEFLATED = 8;

/**
 * How often the archive's size all entries together may have. PyTorch stores entries as they are;
 * archives that were packed again hold weights, which shrink by a tenth.
 */
const LARGEST_RATIO = 16;
/** Bytes allowed beyond that, for small archives. */
const ALLOWANCE = 2 ** 20;

/** An archive's entries. */
export interface Zip {
  /** Entries by name; reading one again gives the same bytes. */
  entries: ReadonlyMap<string, () => Uint8Array>;
  /** Bytes of all entries when unpacked. */
  size: number;
}

interface Entry {
  name: string;
  flags: number;
  method: number;
  checksum: number;
  packed: number;
  size: number;
  local: number;
}

/**
 * Lists an archive; stored entries are views of `bytes`, deflated ones are inflated when first read.
 * Checksums are compared when an entry is read (0 says that PyTorch was told not to compute one).
 *
 * @throws {RangeError} saying what is malformed or not supported (encryption, zip64), that two entries
 *   have one name, or that the entries claim more bytes than such an archive can hold
 */
export function readZip(bytes: Uint8Array): Zip {
  const entries = new Map<string, () => Uint8Array>();
  let packed = 0, size = 0;
  for (const entry of directory(bytes)) {
    if (entries.has(entry.name)) throw new RangeError(`it has two entries ${entry.name}`);
    packed += entry.packed;
    size += entry.size;
    let read: Uint8Array | null = null;
    entries.set(entry.name, () => read ??= readEntry(bytes, entry));
  }
  if (packed > bytes.length) {
    throw new RangeError(
      `its entries claim ${packed} bytes, the file has ${bytes.length}: they overlap`,
    );
  }
  if (size > LARGEST_RATIO * bytes.length + ALLOWANCE) {
    throw new RangeError(
      `its entries claim ${size} bytes when unpacked, over ${LARGEST_RATIO} times the file's ` +
        `${bytes.length}: no weights shrink like that`,
    );
  }
  return { entries, size };
}

/** The entries of the archive's directory. */
function* directory(bytes: Uint8Array): Generator<Entry> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const end = findEnd(view);
  const count = view.getUint16(end + 10, true);
  let at = view.getUint32(end + 16, true);
  if (count === 0xffff || at === 0xffffffff) {
    throw new RangeError("zip64 archives (over 4 GB) are not supported");
  }
  for (let i = 0; i < count; i++) {
    if (at + 46 > bytes.length || view.getUint32(at, true) !== ENTRY) {
      throw new RangeError(`its directory ends after ${i} of ${count} entries`);
    }
    const [nameLength, extra, comment] = [28, 30, 32].map((o) => view.getUint16(at + o, true));
    yield {
      name: new TextDecoder().decode(bytes.subarray(at + 46, at + 46 + nameLength)),
      flags: view.getUint16(at + 8, true),
      method: view.getUint16(at + 10, true),
      checksum: view.getUint32(at + 16, true),
      packed: view.getUint32(at + 20, true),
      size: view.getUint32(at + 24, true),
      local: view.getUint32(at + 42, true),
    };
    at += 46 + nameLength + extra + comment;
  }
}

function readEntry(bytes: Uint8Array, entry: Entry): Uint8Array {
  const { name, flags, method, checksum, packed, size, local } = entry;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (flags & 1) throw new RangeError(`entry ${name} is encrypted`);
  if (local + 30 > bytes.length || view.getUint32(local, true) !== LOCAL) {
    throw new RangeError(`entry ${name} is not where the directory says`);
  }
  const start = local + 30 + view.getUint16(local + 26, true) + view.getUint16(local + 28, true);
  if (start + packed > bytes.length) throw new RangeError(`entry ${name} is cut off`);
  const data = bytes.subarray(start, start + packed);
  if (method !== STORED && method !== DEFLATED) {
    throw new RangeError(`entry ${name} uses method ${method}`);
  }
  const raw = method === STORED ? data : inflate(name, data, size);
  if (raw.length !== size) {
    throw new RangeError(`entry ${name} holds ${raw.length} bytes instead of ${size}`);
  }
  if (checksum !== 0 && crc32(raw) !== checksum) {
    throw new RangeError(`entry ${name} is damaged: its checksum differs`);
  }
  return raw;
}

function inflate(name: string, data: Uint8Array, size: number): Uint8Array {
  try {
    return inflateRawSync(data, { maxOutputLength: Math.max(1, size) });
  } catch (cause) {
    throw new RangeError(`entry ${name} cannot be unpacked to ${size} bytes`, { cause });
  }
}

/** Offset of the end record: the last one whose comment reaches to the end. */
function findEnd(view: DataView): number {
  const last = view.byteLength - 22;
  for (let at = last; at >= Math.max(0, last - 0xffff); at--) {
    if (view.getUint32(at, true) === END && view.getUint16(at + 20, true) === last - at) return at;
  }
  throw new RangeError("it has no zip directory: cut off, or no zip archive");
}
