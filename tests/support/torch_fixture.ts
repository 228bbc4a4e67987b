/** Writes PyTorch checkpoints for tests: a zip archive with a pickle, as `torch.save` lays it out. */
import { crc32 } from "node:zlib";

/** A tensor to be written; `strides` and `offset` describe a view of `values`. */
export interface FixtureTensor {
  shape: number[];
  /** "FloatStorage", "HalfStorage", … */
  storage: string;
  /** Raw little-endian values. */
  values: Uint8Array;
  /** Number of values in the storage. */
  length: number;
  strides?: number[];
  offset?: number;
}

/** What a fixture may hold; a {@link Global} is called with the arguments. */
export type FixtureValue =
  | number
  | string
  | boolean
  | null
  | FixtureValue[]
  | { dictionary: [string, FixtureValue][] }
  | { tensor: FixtureTensor }
  | { call: [module: string, name: string]; args: FixtureValue[] };

/** Float32 values as a contiguous tensor. */
export function floats(shape: number[], values: ArrayLike<number>): { tensor: FixtureTensor } {
  const raw = new Uint8Array(Float32Array.from(values).buffer);
  return { tensor: { shape, storage: "FloatStorage", values: raw, length: values.length } };
}

/** The bytes of a checkpoint that holds `root`. */
export function torchFile(root: FixtureValue): Uint8Array<ArrayBuffer> {
  const storages: Uint8Array[] = [];
  const pickle = Uint8Array.from([0x80, 2, ...pickled(root, storages), 0x2e]);
  return zip([
    ["archive/data.pkl", pickle],
    ["archive/byteorder", bytesOf("little")],
    ...storages.map((raw, i): [string, Uint8Array] => [`archive/data/${i}`, raw]),
    ["archive/version", bytesOf("3\n")],
  ]);
}

const bytesOf = (text: string) => new TextEncoder().encode(text);

function int32(value: number): number[] {
  return [value & 255, (value >> 8) & 255, (value >> 16) & 255, (value >> 24) & 255];
}

function global(module: string, name: string): number[] {
  return [0x63, ...bytesOf(`${module}\n${name}\n`)];
}

/** Opcodes that leave `value` on the stack; raw storages are appended to `storages`. */
function pickled(value: FixtureValue, storages: Uint8Array[]): number[] {
  const tuple = (...items: number[][]) => [0x28, ...items.flat(), 0x74];
  if (value === null) return [0x4e];
  if (typeof value === "boolean") return [value ? 0x88 : 0x89];
  if (typeof value === "string") {
    const text = bytesOf(value);
    return [0x58, ...int32(text.length), ...text];
  }
  if (typeof value === "number") {
    if (Number.isInteger(value)) return [0x4a, ...int32(value)];
    const raw = new DataView(new ArrayBuffer(8));
    raw.setFloat64(0, value);
    return [0x47, ...new Uint8Array(raw.buffer)];
  }
  if (Array.isArray(value)) return tuple(...value.map((item) => pickled(item, storages)));
  if ("dictionary" in value) {
    const items = value.dictionary.flatMap(([key, item]) => [
      ...pickled(key, storages),
      ...pickled(item, storages),
    ]);
    return [0x7d, 0x28, ...items, 0x75];
  }
  if ("call" in value) {
    const args = tuple(...value.args.map((item) => pickled(item, storages)));
    return [...global(...value.call), ...args, 0x52];
  }
  const { shape, storage, values, length, offset = 0 } = value.tensor;
  const strides = value.tensor.strides ??
    shape.map((_, i) => shape.slice(i + 1).reduce((a, b) => a * b, 1));
  const id = tuple(
    pickled("storage", storages),
    global("torch", storage),
    pickled(String(storages.push(values) - 1), storages),
    pickled("cpu", storages),
    pickled(length, storages),
  );
  const rest = [offset, shape, strides, false].flatMap((item) => pickled(item, storages));
  const hooks = [...global("collections", "OrderedDict"), 0x29, 0x52];
  return [
    ...global("torch._utils", "_rebuild_tensor_v2"),
    ...tuple([...id, 0x51], rest, hooks),
    0x52,
  ];
}

/** A zip archive of stored entries. */
export function zip(entries: [string, Uint8Array][]): Uint8Array<ArrayBuffer> {
  const parts: Uint8Array[] = [];
  const directory: Uint8Array[] = [];
  let at = 0;
  const record = (size: number, fields: [number, number, 2 | 4][], name: string) => {
    const head = new DataView(new ArrayBuffer(size));
    for (const [offset, value, width] of fields) {
      if (width === 2) head.setUint16(offset, value, true);
      else head.setUint32(offset, value, true);
    }
    return Uint8Array.from([...new Uint8Array(head.buffer), ...bytesOf(name)]);
  };
  for (const [name, data] of entries) {
    const common = (o: number): [number, number, 2 | 4][] => [
      [o + 6, crc32(data), 4],
      [o + 10, data.length, 4],
      [o + 14, data.length, 4],
      [o + 18, bytesOf(name).length, 2],
    ];
    const local = record(30, [[0, 0x04034b50, 4], ...common(8)], name);
    directory.push(record(46, [[0, 0x02014b50, 4], ...common(10), [42, at, 4]], name));
    parts.push(local, data);
    at += local.length + data.length;
  }
  const size = directory.reduce((sum, d) => sum + d.length, 0);
  parts.push(
    ...directory,
    record(22, [
      [0, 0x06054b50, 4],
      [8, entries.length, 2],
      [10, entries.length, 2],
      [12, size, 4],
      [16, at, 4],
    ], ""),
  );
  const out = new Uint8Array(parts.reduce((sum, p) => sum + p.length, 0));
  let position = 0;
  for (const part of parts) {
    out.set(part, position);
    position += part.length;
  }
  return out;
}
