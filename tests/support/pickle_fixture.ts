/** Pickles written opcode by opcode, for files that no tool would write. */
import { zip } from "./torch_fixture.ts";

const encoder = new TextEncoder();

/** Opcodes by their names in Python's `pickle` module; numbers are raw bytes, strings names or text. */
export const OPCODES = {
  mark: [0x28],
  stop: [0x2e],
  dict: [0x7d],
  list: [0x5d],
  tuple: [0x74],
  append: [0x61],
  setItem: [0x73],
  setItems: [0x75],
  reduce: [0x52],
  build: [0x62],
  persistent: [0x51],
  none: [0x4e],
  pop: [0x30],
  put: (index: number) => [0x72, ...int32(index)],
  get: (index: number) => [0x6a, ...int32(index)],
  text: (value: string) => [0x58, ...int32(encoder.encode(value).length), ...encoder.encode(value)],
  int: (value: number) => [0x4a, ...int32(value)],
  long: (value: bigint) => [0x8a, 8, ...int64(value)],
  double: (value: number) => {
    const view = new DataView(new ArrayBuffer(8));
    view.setFloat64(0, value);
    return [0x47, ...new Uint8Array(view.buffer)];
  },
  global: (module: string, name: string) => [0x63, ...encoder.encode(`${module}\n${name}\n`)],
};

function int32(value: number): number[] {
  return [...new Uint8Array(Int32Array.of(value).buffer)];
}

function int64(value: bigint): number[] {
  return [...new Uint8Array(BigInt64Array.of(value).buffer)];
}

/** A whole pickle of protocol 2. */
export function pickle(...parts: number[][]): Uint8Array<ArrayBuffer> {
  return Uint8Array.from([0x80, 2, ...parts.flat(), ...OPCODES.stop]);
}

/** A checkpoint in the zip format around a pickle; `storages` by key. */
export function archive(
  data: Uint8Array,
  storages: Record<string, Uint8Array> = {},
): Uint8Array<ArrayBuffer> {
  return zip([
    ["archive/data.pkl", data],
    ...Object.entries(storages).map(([key, raw]): [string, Uint8Array] => [
      `archive/data/${key}`,
      raw,
    ]),
  ]);
}

/** Opcodes of a float32 tensor with any numbers for offset, shape and strides. */
export function tensor(
  length: number[],
  offset: number[],
  shape: number[][],
  strides: number[][],
): number[] {
  const { mark, tuple, global, text, persistent, reduce, none } = OPCODES;
  return [
    ...global("torch._utils", "_rebuild_tensor_v2"),
    ...mark,
    ...[...mark, ...text("storage"), ...global("torch", "FloatStorage"), ...text("0")],
    ...[...text("cpu"), ...length, ...tuple, ...persistent],
    ...offset,
    ...[...mark, ...shape.flat(), ...tuple],
    ...[...mark, ...strides.flat(), ...tuple],
    ...[...none, ...none, ...tuple, ...reduce],
  ];
}

/** A checkpoint with one entry "a" and a storage of 512 float32 values. */
export function oneTensor(entry: number[]): Uint8Array<ArrayBuffer> {
  const { dict, text, setItem } = OPCODES;
  return archive(pickle(dict, text("a"), entry, setItem), { 0: new Uint8Array(2048) });
}
