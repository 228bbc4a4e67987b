/** Raw little-endian values of several number types to float32. */

/** A number type that checkpoints hold. */
export type ValueType = "float64" | "float32" | "float16" | "bfloat16" | "int64" | "int32";

/** Bytes a value. */
export const VALUE_BYTES: Record<ValueType, number> = {
  float64: 8,
  float32: 4,
  float16: 2,
  bfloat16: 2,
  int64: 8,
  int32: 4,
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

function readValue(view: DataView, at: number, type: ValueType): number {
  switch (type) {
    case "float64":
      return view.getFloat64(at, true);
    case "float32":
      return view.getFloat32(at, true);
    case "int32":
      return view.getInt32(at, true);
    case "int64":
      return Number(view.getBigInt64(at, true));
    case "bfloat16":
      WORD[0] = view.getUint16(at, true) << 16;
      return WORD_AS_FLOAT[0];
    case "float16": {
      const half = view.getUint16(at, true);
      const sign = half & 0x8000 ? -1 : 1;
      const exponent = (half >> 10) & 31;
      const fraction = half & 1023;
      if (exponent === 0) return sign * fraction * 2 ** -24;
      if (exponent === 31) return fraction ? NaN : sign * Infinity;
      return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
    }
  }
}
