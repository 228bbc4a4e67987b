/** The safetensors format: an 8-byte little-endian length, a JSON header, raw little-endian values. */
import { writeWhole } from "../base/mod.ts";
import { readValues, VALUE_BYTES, type ValueType } from "./values.ts";

/** A tensor as float32 values in row-major order. */
export interface NamedTensor {
  shape: number[];
  values: Float32Array;
}

/** What a weight file holds. */
export interface TensorFile {
  tensors: Map<string, NamedTensor>;
  metadata: Record<string, string>;
}

const TYPES: Record<string, ValueType> = {
  F64: "float64",
  F32: "float32",
  F16: "float16",
  BF16: "bfloat16",
  I64: "int64",
  I32: "int32",
};

/**
 * Reads a `.safetensors` file; values of other types become float32.
 *
 * @throws {Error} naming the file and what is wrong with it
 */
export async function readSafetensors(path: string): Promise<TensorFile> {
  const bytes = await Deno.readFile(path);
  const bad = (what: string) => new Error(`${path} is no valid safetensors file: ${what}`);
  if (bytes.length < 8) throw bad(`it has ${bytes.length} bytes`);
  const length = Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true));
  if (length > bytes.length - 8) {
    throw bad(`its header claims ${length} bytes, the file has ${bytes.length}`);
  }
  let header: Record<string, unknown>;
  try {
    header = JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + length)));
  } catch {
    throw bad("its header is not JSON");
  }
  const data = bytes.subarray(8 + length);
  const tensors = new Map<string, NamedTensor>();
  for (const [name, entry] of Object.entries(header)) {
    if (name === "__metadata__") continue;
    const { dtype, shape, data_offsets: offsets } = entry as {
      dtype: string;
      shape: number[];
      data_offsets: [number, number];
    };
    const whole = (list: unknown) =>
      Array.isArray(list) && list.every((n) => Number.isSafeInteger(n) && n >= 0);
    if (!whole(shape) || !whole(offsets) || offsets.length !== 2) {
      throw bad(`"${name}" has no type, shape and offsets`);
    }
    const type = TYPES[dtype];
    if (!type) throw bad(`"${name}" is of type ${dtype}; known: ${Object.keys(TYPES).join(", ")}`);
    const size = shape.reduce((a, b) => a * b, 1);
    const [from, to] = offsets;
    if (!(from >= 0 && to <= data.length && to - from === size * VALUE_BYTES[type])) {
      throw bad(`"${name}" of shape [${shape}] lies at bytes ${from} to ${to} of ${data.length}`);
    }
    tensors.set(name, { shape, values: readValues(data.subarray(from, to), type, size) });
  }
  return { tensors, metadata: (header.__metadata__ ?? {}) as Record<string, string> };
}

/** One tensor to be written; float32 unless marked. */
export interface TensorToWrite extends NamedTensor {
  name: string;
  /** One of PyTorch's int64 scalars (`num_batches_tracked`). */
  counter?: boolean;
  /** Rounded to float16: half the size, three significant digits. */
  half?: boolean;
}

function typeOf({ counter, half }: TensorToWrite): { dtype: string; bytes: number } {
  if (counter) return { dtype: "I64", bytes: 8 };
  return half ? { dtype: "F16", bytes: 2 } : { dtype: "F32", bytes: 4 };
}

/** Writes a `.safetensors` file, whole or not at all. */
export async function writeSafetensors(
  path: string,
  tensors: TensorToWrite[],
  metadata: Record<string, string> = {},
): Promise<void> {
  const header: Record<string, unknown> = { __metadata__: metadata };
  let at = 0;
  for (const tensor of tensors) {
    const { dtype, bytes } = typeOf(tensor);
    const end = at + tensor.values.length * bytes;
    header[tensor.name] = { dtype, shape: tensor.shape, data_offsets: [at, end] };
    at = end;
  }
  const json = JSON.stringify(header);
  const raw = new TextEncoder().encode(json);
  // Values start at a multiple of 8, as the reference writer has it: the header is padded with blanks.
  const padded = Math.ceil(raw.length / 8) * 8;
  const out = new Uint8Array(8 + padded + at).fill(32, 8 + raw.length, 8 + padded);
  const view = new DataView(out.buffer);
  view.setBigUint64(0, BigInt(padded), true);
  out.set(raw, 8);
  let position = 8 + padded;
  for (const { values, counter, half } of tensors) {
    if (counter) {
      for (const value of values) {
        view.setBigInt64(position, BigInt(Math.round(value)), true);
        position += 8;
      }
    } else if (half) {
      for (const value of values) {
        view.setFloat16(position, value, true);
        position += 2;
      }
    } else {
      out.set(new Uint8Array(values.buffer, values.byteOffset, values.byteLength), position);
      position += values.byteLength;
    }
  }
  await writeWhole(path, out);
}
