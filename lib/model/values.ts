/** Raw little-endian values of several number types to float32. */

/** A number type that checkpoints hold. */
export type ValueType =
  | "float64"
  | "float32"
  | "float16"
  | "bfloat16"
  | "int64"
  | "int32"
  | "int16"
  | "int8"
  | "uint8"
  | "bool";

/** Bytes per value. */
export const VALUE_BYTES: Record<ValueType, number> = {
  float64: 8,
  float32: 4,
  float16: 2,
  bfloat16: 2,
  int64: 8,
  int32: 4,
  int16: 2,
  int8: 1,
  uint8: 1,
  bool: 1,
};

/** `count` values from `bytes` as float32. */
export function readValues(
  bytes: Uint8Array,
  type: ValueType,
  count: number,
): Float32Array<ArrayBuffer> {
  const out = new Float32Array(count);
  if (type === "float32") {
    new Uint8Array(out.buffer).set(bytes.subarray(0, 4 * count));
    return out;
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const step = VALUE_BYTES[type];
  for (let i = 0, at = 0; i < count; i++, at += step) out[i] = readValue(view, at, type);
  return out;
}

const WORD = new Uint32Array(1);
const WORD_AS_FLOAT = new Float32Array(WORD.buffer);

/** The value at byte `at`; a bool is 0 or 1. */
export function readValue(view: DataView, at: number, type: ValueType): number {
  switch (type) {
    case "float64":
      return view.getFloat64(at, true);
    case "float32":
      return view.getFloat32(at, true);
    case "int32":
      return view.getInt32(at, true);
    case "int64":
      return Number(view.getBigInt64(at, true));
    case "int16":
      return view.getInt16(at, true);
    case "int8":
      return view.getInt8(at);
    case "uint8":
      return view.getUint8(at);
    case "bool":
      return view.getUint8(at) === 0 ? 0 : 1;
    case "bfloat16":
      WORD[0] = view.getUint16(at, true) << 16;
      return WORD_AS_FLOAT[0];
    case "float16":
      return view.getFloat16(at, true);
  }
}
