/** PyTorch checkpoints (`torch.save`, zip format): tensors and containers, nothing else. */
import type { NamedTensor } from "../safetensors.ts";
import { readValues, VALUE_BYTES, type ValueType } from "../values.ts";
import { type PickleCall, type PickleValue, unpickle } from "./pickle.ts";
import { readZip } from "./zip.ts";

const STORAGES: Record<string, ValueType> = {
  DoubleStorage: "float64",
  FloatStorage: "float32",
  HalfStorage: "float16",
  BFloat16Storage: "bfloat16",
  LongStorage: "int64",
  IntStorage: "int32",
};

/** A storage's type, as the pickle names it. */
class StorageType {
  constructor(readonly type: ValueType) {}
}

/** Values in the archive. */
class Storage {
  constructor(readonly type: ValueType, readonly key: string, readonly length: number) {}
}

/** A view of a storage, not yet read. */
class LazyTensor {
  constructor(
    readonly storage: Storage,
    readonly offset: number,
    readonly shape: number[],
    readonly strides: number[],
  ) {}
}

/**
 * Reads the state_dict of a `.pth` or `.pt` file as float32 tensors in row-major order. It may be the
 * file's top level or lie in a dictionary ("state_dict", "model", "model_state_dict"); prefixes that
 * wrappers add (`module.`, `_orig_mod.`) are taken off.
 *
 * @throws {Error} naming the file and what is wrong: cut off, written before PyTorch 1.6, holding
 *   anything but tensors and containers, or no state_dict
 */
export async function readTorch(path: string): Promise<Map<string, NamedTensor>> {
  const bytes = await Deno.readFile(path);
  try {
    return readArchive(bytes);
  } catch (cause) {
    throw new Error(`${path} cannot be read as a PyTorch checkpoint: ${(cause as Error).message}`, {
      cause,
    });
  }
}

function readArchive(bytes: Uint8Array): Map<string, NamedTensor> {
  if (bytes[0] === 0x80) {
    throw new RangeError(
      "it is in the format of PyTorch before 1.6; open it there and save it again " +
        "(torch.save(torch.load(path, map_location='cpu'), path))",
    );
  }
  const entries = readZip(bytes);
  const pickle = [...entries.keys()].find((name) => name.endsWith("/data.pkl"));
  if (!pickle) throw new RangeError("it has no data.pkl");
  const folder = pickle.slice(0, -"data.pkl".length);
  const order = entries.get(`${folder}byteorder`)?.();
  if (order && new TextDecoder().decode(order).trim() !== "little") {
    throw new RangeError("its values are big-endian");
  }
  const root = unpickle(entries.get(pickle)!(), { globals: GLOBALS, persistent });
  const tensors = new Map<string, NamedTensor>();
  for (const [name, lazy] of stateDict(root)) {
    tensors.set(name, materialize(name, lazy, (key) => entries.get(`${folder}data/${key}`)?.()));
  }
  return tensors;
}

const GLOBALS: ReadonlyMap<string, PickleCall> = new Map<string, PickleCall>([
  ["collections OrderedDict", ([pairs]) => new Map((pairs ?? []) as [PickleValue, PickleValue][])],
  ["torch Size", ([sizes]) => sizes],
  ["torch._utils _rebuild_tensor_v2", ([storage, offset, shape, strides]) => {
    if (!(storage instanceof Storage)) throw new RangeError("a tensor has no storage");
    return new LazyTensor(storage, count(offset), counts(shape), counts(strides));
  }],
  ["torch._utils _rebuild_parameter", ([tensor]) => tensor],
  ...Object.keys(STORAGES).map((name): [string, PickleCall] => [
    `torch ${name}`,
    Object.assign(() => {
      throw new RangeError(`the pickle calls torch.${name}`);
    }, { storage: new StorageType(STORAGES[name]) }),
  ]),
]);

/** `("storage", type, key, device, length)` */
function persistent(id: PickleValue): PickleValue {
  const [kind, type, key, , length] = Array.isArray(id) ? id : [];
  const storage = (type as { storage?: unknown } | undefined)?.storage;
  if (kind !== "storage" || !(storage instanceof StorageType) || typeof key !== "string") {
    throw new RangeError("it refers to something outside that is no storage of numbers");
  }
  return new Storage(storage.type, key, count(length));
}

function count(value: PickleValue): number {
  if (typeof value !== "number" || !Number.isSafeInteger(value) || value < 0) {
    throw new RangeError(`a tensor has the size or offset ${value}`);
  }
  return value;
}

function counts(values: PickleValue): number[] {
  if (!Array.isArray(values)) throw new RangeError("a tensor has no shape");
  return values.map(count);
}

const WRAPPERS = ["module.", "_orig_mod."];

/** The tensors by name, wherever the state_dict lies. */
function stateDict(root: PickleValue): Map<string, LazyTensor> {
  const found = findStateDict(root);
  if (!found) throw new RangeError("it holds no state_dict: no dictionary from names to tensors");
  let entries = [...found];
  for (let stripped = true; stripped;) {
    const wrapper = WRAPPERS.find((w) => entries.every(([name]) => name.startsWith(w)));
    stripped = wrapper !== undefined;
    if (wrapper) entries = entries.map(([name, t]) => [name.slice(wrapper.length), t]);
  }
  return new Map(entries);
}

/** The outermost dictionary of tensors alone; well-known names first, then the order in the file. */
function findStateDict(value: PickleValue): Map<string, LazyTensor> | null {
  if (!(value instanceof Map)) return null;
  const values = [...value.values()];
  if (values.length > 0 && values.every((v) => v instanceof LazyTensor)) {
    return value as Map<string, LazyTensor>;
  }
  const names = ["state_dict", "model_state_dict", "model", ...value.keys()];
  for (const name of names) {
    const inner = findStateDict(value.get(name) ?? null);
    if (inner) return inner;
  }
  return null;
}

/** Copies a view, contiguous or not, into row-major float32 values. */
function materialize(
  name: string,
  { storage, offset, shape, strides }: LazyTensor,
  open: (key: string) => Uint8Array | undefined,
): NamedTensor {
  const raw = open(storage.key);
  if (!raw || raw.length < storage.length * VALUE_BYTES[storage.type]) {
    throw new RangeError(`the values of "${name}" are missing or cut off`);
  }
  const size = shape.reduce((a, b) => a * b, 1);
  const reach = shape.reduce((sum, n, i) => sum + (n - 1) * strides[i], offset);
  if (shape.length !== strides.length || (size > 0 && reach >= storage.length)) {
    throw new RangeError(`"${name}" of shape [${shape}] reaches beyond its storage`);
  }
  const step = VALUE_BYTES[storage.type];
  const contiguous = shape.every((n, i) =>
    n === 1 || strides[i] === shape.slice(i + 1).reduce((a, b) => a * b, 1)
  );
  if (contiguous) {
    return { shape, values: readValues(raw.subarray(offset * step), storage.type, size) };
  }
  const all = readValues(raw, storage.type, storage.length);
  const values = new Float32Array(size);
  const index = shape.map(() => 0);
  for (let i = 0, at = offset; i < size; i++) {
    values[i] = all[at];
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      at += strides[axis];
      if (++index[axis] < shape[axis]) break;
      at -= strides[axis] * shape[axis];
      index[axis] = 0;
    }
  }
  return { shape, values };
}
