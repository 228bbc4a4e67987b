/** The header of a safetensors file, checked as the reference reader (safetensors 0.5) does. */
import type { ValueType } from "../values.ts";
import { VALUE_BYTES } from "../values.ts";
import { elements } from "./file_tensor.ts";
import { printable } from "./printable.ts";

const TYPES: Record<string, ValueType> = {
  F64: "float64",
  F32: "float32",
  F16: "float16",
  BF16: "bfloat16",
  I64: "int64",
  I32: "int32",
  I16: "int16",
  I8: "int8",
  U8: "uint8",
  BOOL: "bool",
};

/** Bytes of the longest header read: a model of 1000 layers has a few hundred thousand. */
const LONGEST = 2 ** 22;

/** Where a tensor lies in the data behind the header. */
export interface HeaderEntry {
  name: string;
  dtype: string;
  type: ValueType;
  shape: number[];
  from: number;
  to: number;
}

/** What a header says, and the data behind it. */
export interface Header {
  entries: HeaderEntry[];
  metadata: Record<string, string>;
  data: Uint8Array;
}

/** @throws {RangeError} saying what is wrong */
export function parseHeader(bytes: Uint8Array): Header {
  if (bytes.length < 8) throw new RangeError(`it has ${bytes.length} bytes`);
  const said = new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true);
  if (said > BigInt(bytes.length - 8)) {
    throw new RangeError(`its header claims ${said} bytes, the file has ${bytes.length}`);
  }
  const length = Number(said);
  if (length > LONGEST) {
    throw new RangeError(`its header has ${length} bytes, over the limit of ${LONGEST}`);
  }
  const text = new TextDecoder().decode(bytes.subarray(8, 8 + length));
  let header: unknown;
  try {
    header = JSON.parse(text);
  } catch {
    throw new RangeError("its header is not JSON");
  }
  if (!isObject(header)) throw new RangeError("its header is no JSON object");
  const twice = repeatedKey(text);
  if (twice !== null) throw new RangeError(`its header has two entries "${printable(twice)}"`);
  const { __metadata__: metadata = {}, ...rest } = header;
  if (!isObject(metadata) || Object.values(metadata).some((v) => typeof v !== "string")) {
    throw new RangeError("its metadata are no strings under names");
  }
  const data = bytes.subarray(8 + length);
  const entries = Object.entries(rest).map(([name, entry]) => parseEntry(name, entry, data.length));
  requireWhole(entries, data.length);
  return { entries, metadata: metadata as Record<string, string>, data };
}

function parseEntry(key: string, entry: unknown, available: number): HeaderEntry {
  const name = printable(key);
  const { dtype, shape, data_offsets: offsets } = isObject(entry) ? entry : {};
  if (typeof dtype !== "string" || !isCounts(shape) || !isCounts(offsets) || offsets.length !== 2) {
    throw new RangeError(`"${name}" has no type, shape and offsets`);
  }
  if (!Object.hasOwn(TYPES, dtype)) {
    throw new RangeError(
      `"${name}" is of type ${printable(dtype)}; known: ${Object.keys(TYPES).join(", ")}`,
    );
  }
  const [from, to] = offsets;
  const type = TYPES[dtype];
  if (!(from <= to && to <= available && to - from === elements(shape) * VALUE_BYTES[type])) {
    throw new RangeError(
      `"${name}" of shape [${shape}] lies at bytes ${from} to ${to} of ${available}`,
    );
  }
  return { name: key, dtype, type, shape, from, to };
}

/** The values lie one behind the other, without gaps, to the end of the file. */
function requireWhole(entries: readonly HeaderEntry[], length: number): void {
  let end = 0;
  for (const { name, from, to } of [...entries].sort((a, b) => a.from - b.from || a.to - b.to)) {
    if (from !== end) {
      throw new RangeError(
        `"${printable(name)}" begins at byte ${from} of the values, where ${end} was expected: ` +
          (from < end ? "entries overlap" : "something is missing"),
      );
    }
    end = to;
  }
  if (end !== length) {
    throw new RangeError(`its entries end at byte ${end} of the ${length} behind the header`);
  }
}

/** The first key that the outermost object of valid JSON has twice; `JSON.parse` keeps the last one. */
function repeatedKey(json: string): string | null {
  const keys = new Set<string>();
  let depth = 0, expectsKey = false;
  for (let at = 0; at < json.length; at++) {
    const character = json[at];
    if (character === "{" || character === "[") expectsKey = ++depth === 1 && character === "{";
    else if (character === "}" || character === "]") depth--;
    else if (character === ",") expectsKey = depth === 1;
    else if (character === '"') {
      const start = at++;
      while (json[at] !== '"') at += json[at] === "\\" ? 2 : 1;
      if (!expectsKey) continue;
      const key = JSON.parse(json.slice(start, at + 1));
      if (keys.has(key)) return key;
      keys.add(key);
      expectsKey = false;
    }
  }
  return null;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isCounts(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((n) => Number.isSafeInteger(n) && n >= 0);
}
