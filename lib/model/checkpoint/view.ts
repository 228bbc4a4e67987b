/** A strided view of raw values, as PyTorch's tensors are. */
import { readValue, readValues, VALUE_BYTES, type ValueType } from "../values.ts";
import { elements } from "./file_tensor.ts";

/** Where a tensor's values lie in its storage; offset and strides count values. */
export interface View {
  offset: number;
  shape: readonly number[];
  strides: readonly number[];
}

/** The values of a view, contiguous or not, as row-major float32; only these are read. */
export function readView(
  raw: Uint8Array,
  type: ValueType,
  { offset, shape, strides }: View,
): Float32Array<ArrayBuffer> {
  const size = elements(shape);
  const step = VALUE_BYTES[type];
  const contiguous = shape.every((n, i) => n === 1 || strides[i] === elements(shape.slice(i + 1)));
  if (contiguous) return readValues(raw.subarray(offset * step), type, size);
  const view = new DataView(raw.buffer, raw.byteOffset, raw.byteLength);
  const values = new Float32Array(size);
  const index = shape.map(() => 0);
  for (let i = 0, at = offset; i < size; i++) {
    values[i] = readValue(view, at * step, type);
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      at += strides[axis];
      if (++index[axis] < shape[axis]) break;
      at -= strides[axis] * shape[axis];
      index[axis] = 0;
    }
  }
  return values;
}
