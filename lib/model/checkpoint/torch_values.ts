/**
 * What a pickle of `torch.save` may hold: the globals that PyTorch's own weights_only loader takes
 * (`torch/_weights_only_unpickler.py` of 2.13), and a few plain values that trainers put beside weights.
 */
import { VALUE_BYTES, type ValueType } from "../values.ts";
import { elements } from "./file_tensor.ts";
import {
  Opaque,
  type PickleCall,
  type PickleRules,
  type PickleValue,
  said,
} from "./pickle_value.ts";

const STORAGES: Record<string, ValueType> = {
  DoubleStorage: "float64",
  FloatStorage: "float32",
  HalfStorage: "float16",
  BFloat16Storage: "bfloat16",
  LongStorage: "int64",
  IntStorage: "int32",
  ShortStorage: "int16",
  CharStorage: "int8",
  ByteStorage: "uint8",
  BoolStorage: "bool",
};

/** A storage's type, as the pickle names it; null where its values are no real numbers. */
class StorageType {
  constructor(readonly name: string, readonly type: ValueType | null) {}
}

/** Values in the file. */
export class Storage {
  constructor(
    readonly name: string,
    readonly type: ValueType | null,
    readonly key: string,
    readonly length: number,
  ) {}
}

/** What a checkpoint holds: the unpickled value, and where its storages' bytes are. */
export interface TorchContents {
  root: unknown;
  /** The raw values of a storage; @throws {RangeError} when they are missing or damaged */
  open(storage: Storage): Uint8Array;
  /** Bytes of all storages together. */
  capacity: number;
}

/** A view of a storage, not yet read. */
export class LazyTensor {
  /** What is wrong with it, e.g. "a tensor of shape [9] that …"; null for one that can be read. */
  readonly flaw: string | null;

  constructor(
    readonly storage: Storage,
    readonly offset: number,
    readonly shape: number[],
    readonly strides: number[],
  ) {
    const { length } = storage;
    const size = elements(shape);
    const reach = shape.reduce((sum, n, i) => sum + (n - 1) * strides[i], offset);
    const what = `a tensor of shape [${shape}] that`;
    this.flaw = size > length
      ? `${what} claims ${size} values of a storage of ${length}`
      : size > 0 && reach >= length
      ? `${what} reaches beyond its storage of ${length} values`
      : null;
  }
}

/** PyTorch's own limit on the axes of a tensor. */
const MOST_AXES = 64;

const rebuildTensor: PickleCall = ([storage, offset, shape, strides], charge) => {
  if (!(storage instanceof Storage)) throw new RangeError("a tensor has no storage");
  const sizes = counts(shape), steps = counts(strides);
  charge(sizes.length + steps.length);
  if (sizes.length !== steps.length) {
    throw new RangeError(`a tensor of shape [${sizes}] has the strides [${steps}]`);
  }
  return storage.type === null
    ? new Opaque(`a tensor of ${storage.name}`, true)
    : new LazyTensor(storage, count(offset), sizes, steps);
};

/** Keys and values of a dictionary's argument: a list of pairs, or another dictionary. */
const dictionary: PickleCall = ([items], charge) => {
  if (items instanceof Map) {
    charge(items.size);
    return new Map(items);
  }
  if (!Array.isArray(items ?? [])) throw new RangeError("a dictionary is made of no list of pairs");
  const pairs = (items ?? []) as PickleValue[];
  charge(pairs.length);
  return new Map(pairs.map((pair) => {
    if (!Array.isArray(pair) || pair.length !== 2) {
      throw new RangeError("a dictionary is made of something else than pairs");
    }
    return [pair[0], pair[1]];
  }));
};

const first: PickleCall = ([value]) => value ?? null;
const list: PickleCall = ([items]) => Array.isArray(items) ? items : [];
const opaque = (what: string): PickleCall => () => new Opaque(what);
const otherTensor = (what: string): PickleCall => () => new Opaque(what, true);

/** `func(*args)` of a tensor with attributes or of a subclass, whose class and state are left aside. */
const rebuildFromType: PickleCall = ([call, , args], charge) => {
  if (call === rebuildFromType || typeof call !== "function" || !Array.isArray(args)) {
    throw new RangeError("a tensor subclass is not rebuilt from a tensor");
  }
  return (call as PickleCall)(args, charge);
};

const CALLS: Record<string, PickleCall> = {
  "collections OrderedDict": dictionary,
  "collections Counter": dictionary,
  "collections defaultdict": () => new Map(),
  "builtins set": list,
  "builtins frozenset": list,
  "builtins bytearray": first,
  "builtins complex": opaque("a complex number"),
  "_codecs encode": first,
  "torch Size": list,
  "torch device": opaque("a device"),
  "torch.serialization _get_layout": opaque("a memory layout"),
  "torch.nn.parameter Parameter": first,
  "torch._utils _rebuild_tensor": rebuildTensor,
  "torch._utils _rebuild_tensor_v2": rebuildTensor,
  "torch._utils _rebuild_parameter": first,
  "torch._utils _rebuild_parameter_with_state": first,
  "torch._tensor _rebuild_from_type_v2": rebuildFromType,
  "torch._utils _rebuild_tensor_v3": otherTensor(
    "a tensor of unsigned integers or of 8-bit floats",
  ),
  "torch._utils _rebuild_qtensor": otherTensor("a quantized tensor"),
  "torch._utils _rebuild_sparse_tensor": otherTensor("a sparse tensor"),
  "torch._utils _rebuild_nested_tensor": otherTensor("a nested tensor"),
  "torch._utils _rebuild_meta_tensor_no_storage": otherTensor("a tensor without values (meta)"),
  "torch._utils _rebuild_wrapper_subclass": otherTensor("a tensor subclass"),
  "torch._utils _rebuild_device_tensor_from_numpy": otherTensor("a tensor of another device"),
  "torch._utils _rebuild_device_tensor_from_cpu_tensor": first,
};

/** Plain values that trainers and loggers leave in checkpoints; they are passed over. */
const PASSED_OVER =
  /^(numpy dtype|numpy\.(_core|core)\.multiarray scalar|argparse Namespace|pathlib\S* (Pure)?(Posix|Windows)Path|lightning\S*\.data AttributeDict|builtins (list|dict|tuple|int|float|str|bool|object)|torch (float|bfloat|double|half|u?int|long|short|bool|complex|q[iu]|bits|per_)\w*|torch \w*Tensor|torch\.sparse \w+Tensor|torch\.cuda\S* \w+Tensor)$/;

/** The rules of a `torch.save` pickle. */
export const TORCH_RULES: PickleRules = {
  global(module, name) {
    const full = `${module.replace(/^__builtin__$/, "builtins")} ${name}`;
    if (Object.hasOwn(CALLS, full)) return CALLS[full];
    const storage = /^torch(?:\.cuda|\.storage)? (\w+Storage)$/.exec(full)?.[1];
    if (storage) return new StorageType(storage, STORAGES[storage] ?? null);
    return PASSED_OVER.test(full) ? new Opaque(full.replace(" ", ".")) : undefined;
  },
  /** `("storage", type, key, device, length)`, and in the old format a view, which is null. */
  persistent(id) {
    const [kind, type, key, , length, view] = Array.isArray(id) ? id : [];
    if (kind === "module") {
      throw new RangeError("it is a pickled model: save model.state_dict() instead of the model");
    }
    if (kind !== "storage" || !(type instanceof StorageType) || typeof key !== "string") {
      throw new RangeError("it refers to something outside that is no storage of numbers");
    }
    if (view !== undefined && view !== null) {
      throw new RangeError("it holds a view of a storage, as only PyTorch before 0.4 wrote it");
    }
    return new Storage(type.name, type.type, key, count(length));
  },
};

/** Bytes per value of a storage; 1 where the type is unknown. */
export function storageBytes({ type, length }: Storage): number {
  return length * (type === null ? 1 : VALUE_BYTES[type]);
}

function count(value: PickleValue | undefined): number {
  if (typeof value !== "number" || !Number.isSafeInteger(value) || value < 0) {
    throw new RangeError(`a tensor has the size, stride or offset ${said(value)}`);
  }
  return value;
}

function counts(values: PickleValue | undefined): number[] {
  if (!Array.isArray(values)) throw new RangeError("a tensor has no shape");
  if (values.length > MOST_AXES) {
    throw new RangeError(`a tensor has ${values.length} axes; PyTorch has at most ${MOST_AXES}`);
  }
  return values.map(count);
}
