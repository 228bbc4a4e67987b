/** A tensor that lies in a file: its shape is known, its values are read when they are wanted. */

/** One entry of a weight file. */
export interface FileTensor {
  readonly shape: readonly number[];
  /** Bytes that its values take, counted once for each value. */
  readonly bytes: number;
  /** Where its values lie; two entries of one file with the same place are one tensor. */
  readonly place: string;
  /** Why there are no values to be read ("a quantized tensor"); undefined for ordinary tensors. */
  readonly unreadable?: string;
  /** The values as float32, row-major; @throws {RangeError} when they are cut off or damaged */
  read(): Float32Array<ArrayBuffer>;
}

/** A weight file that has been opened. */
export interface WeightFile {
  readonly path: string;
  /** Entries by their names in the file. */
  readonly tensors: ReadonlyMap<string, FileTensor>;
  /** The metadata of a `.safetensors` file, else empty. */
  readonly metadata: Record<string, string>;
  /** Bytes of values that the file holds: no model of more bytes can be in it. */
  readonly capacity: number;
  /** What was left aside while opening it, as sentences. */
  readonly notices: readonly string[];
}

/** Number of elements of a shape. */
export function elements(shape: readonly number[]): number {
  return shape.reduce((a, b) => a * b, 1);
}
