/** The safetensors format: an 8-byte little-endian length, a JSON header, raw little-endian values. */
import { writeWhole } from "../base/mod.ts";
import { readBytes } from "./checkpoint/bytes.ts";
import { elements, type FileTensor, type WeightFile } from "./checkpoint/file_tensor.ts";
import { parseHeader } from "./checkpoint/safetensors_header.ts";
import { checksum, CHECKSUM_KEY } from "./checkpoint/checksum.ts";
import { readValues } from "./values.ts";

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

/**
 * The entries of a `.safetensors` file's bytes; values of other types become float32 when read.
 *
 * @throws {RangeError} saying what is wrong: a header that is cut off or no header, names that occur
 *   twice, values that overlap, leave gaps or reach beyond the file, or (in files that this project
 *   wrote) a checksum that differs
 */
export function openSafetensors(bytes: Uint8Array): Omit<WeightFile, "path"> {
  const { entries, metadata, data } = parseHeader(bytes);
  const raw = entries.map((entry) => ({ ...entry, raw: data.subarray(entry.from, entry.to) }));
  const { [CHECKSUM_KEY]: said, ...rest } = metadata;
  if (said !== undefined && said !== checksum(raw, rest)) {
    throw new RangeError(
      `its content is not what was written: the checksum differs (a tool that changed the weights ` +
        `has to leave the metadata "${CHECKSUM_KEY}" out)`,
    );
  }
  const tensors = new Map<string, FileTensor>();
  for (const { name, type, shape, from, to, raw: values } of raw) {
    tensors.set(name, {
      shape,
      bytes: to - from,
      place: String(from),
      read: () => readValues(values, type, elements(shape)),
    });
  }
  return { tensors, metadata: rest, capacity: data.length, notices: [] };
}

/**
 * Reads a `.safetensors` file whole; values of other types become float32.
 *
 * @throws {Error} naming the file and what is wrong with it, see {@link openSafetensors}
 */
export async function readSafetensors(path: string): Promise<TensorFile> {
  const bytes = await readBytes(path);
  try {
    const { tensors, metadata } = openSafetensors(bytes);
    const read = [...tensors].map(([name, tensor]): [string, NamedTensor] => [
      name,
      { shape: [...tensor.shape], values: tensor.read() },
    ]);
    return { tensors: new Map(read), metadata };
  } catch (cause) {
    throw new Error(`${path} is no valid safetensors file: ${(cause as Error).message}`, { cause });
  }
}

/**
 * The shapes and the metadata of a `.safetensors` file, without reading its values.
 *
 * @throws {Error} naming the file when it cannot be read or has no such header
 */
export async function readSafetensorsHeader(
  path: string,
): Promise<{ shapes: Map<string, number[]>; metadata: Record<string, string> }> {
  try {
    using file = await Deno.open(path);
    const { size } = await file.stat();
    const prefix = await readPart(file, 8);
    const length = Number(new DataView(prefix.buffer).getBigUint64(0, true));
    if (length > size - 8) throw new Error(`its header claims ${length} of ${size} bytes`);
    const header = JSON.parse(new TextDecoder().decode(await readPart(file, length)));
    const { __metadata__: metadata = {}, ...tensors } = header;
    const shapes = Object.entries(tensors).map(([name, entry]): [string, number[]] => {
      const { shape } = entry as { shape: unknown };
      if (!Array.isArray(shape)) throw new Error(`"${name}" has no shape`);
      return [name, shape];
    });
    return { shapes: new Map(shapes), metadata };
  } catch (cause) {
    throw new Error(`${path} is no valid safetensors file: ${(cause as Error).message}`, { cause });
  }
}

async function readPart(file: Deno.FsFile, length: number): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length;) {
    const read = await file.read(bytes.subarray(at));
    if (read === null) throw new Error(`it ends after ${at} of ${length} bytes`);
    at += read;
  }
  return bytes;
}

/** One tensor to be written; float32 unless marked. */
export interface TensorToWrite extends NamedTensor {
  name: string;
  /** One of PyTorch's int64 scalars (`num_batches_tracked`). */
  counter?: boolean;
  /** Rounded to float16: half the size, three significant digits. */
  half?: boolean;
}

/** Writes a `.safetensors` file with a checksum of its content, whole or not at all. */
export async function writeSafetensors(
  path: string,
  tensors: TensorToWrite[],
  metadata: Record<string, string> = {},
): Promise<void> {
  const entries = tensors.map((tensor) => ({
    name: tensor.name,
    shape: tensor.shape,
    dtype: tensor.counter ? "I64" : tensor.half ? "F16" : "F32",
    raw: rawValues(tensor),
  }));
  const header: Record<string, unknown> = {
    __metadata__: { ...metadata, [CHECKSUM_KEY]: checksum(entries, metadata) },
  };
  let at = 0;
  for (const { name, shape, dtype, raw } of entries) {
    header[name] = { dtype, shape, data_offsets: [at, at += raw.length] };
  }
  const json = new TextEncoder().encode(JSON.stringify(header));
  // Values start at a multiple of 8, as the reference writer has it: the header is padded with blanks.
  const padded = Math.ceil(json.length / 8) * 8;
  const out = new Uint8Array(8 + padded + at).fill(32, 8 + json.length, 8 + padded);
  new DataView(out.buffer).setBigUint64(0, BigInt(padded), true);
  out.set(json, 8);
  let position = 8 + padded;
  for (const { raw } of entries) {
    out.set(raw, position);
    position += raw.length;
  }
  await writeWhole(path, out);
}

function rawValues({ values, counter, half }: TensorToWrite): Uint8Array {
  const { buffer, byteOffset, byteLength } = counter
    ? BigInt64Array.from(values, (value) => BigInt(Math.round(value)))
    : half
    ? Float16Array.from(values)
    : values;
  return new Uint8Array(buffer as ArrayBuffer, byteOffset, byteLength);
}
