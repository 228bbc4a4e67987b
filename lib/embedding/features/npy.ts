/** NumPy's `.npy` files: float32 matrices that `numpy.load` reads, memory-mapped too. */

const MAGIC = "\x93NUMPY\x01\x00";

/**
 * The `.npy` bytes (format 1.0, little-endian float32, C order) of a [rows, columns] matrix.
 *
 * @throws {RangeError} when the number of values does not fit
 */
export function encodeNpy(values: Float32Array, rows: number, columns: number): Uint8Array {
  if (values.length !== rows * columns) {
    throw new RangeError(
      `${rows} x ${columns} needs ${rows * columns} values, got ${values.length}`,
    );
  }
  const fields = `{'descr': '<f4', 'fortran_order': False, 'shape': (${rows}, ${columns}), }`;
  // NumPy aligns the data to 64 bytes, which memory mapping relies on.
  const length = Math.ceil((MAGIC.length + 2 + fields.length + 1) / 64) * 64;
  const header = fields.padEnd(length - MAGIC.length - 2 - 1) + "\n";
  const out = new Uint8Array(length + 4 * values.length), view = new DataView(out.buffer);
  for (let i = 0; i < MAGIC.length; i++) out[i] = MAGIC.charCodeAt(i);
  view.setUint16(MAGIC.length, header.length, true);
  for (let i = 0; i < header.length; i++) out[MAGIC.length + 2 + i] = header.charCodeAt(i);
  // The header is a multiple of four bytes long, so that the values can be laid over the buffer.
  new Float32Array(out.buffer, length).set(values);
  return out;
}

/**
 * The matrix in the bytes of an `.npy` file as {@link encodeNpy} (or `numpy.save`) writes it.
 *
 * @throws {RangeError} for other files, types or orders, and for a truncated file; names `path`
 */
export function decodeNpy(bytes: Uint8Array<ArrayBuffer>, path: string) {
  const text = (from: number, to: number) => String.fromCharCode(...bytes.subarray(from, to));
  if (text(0, 8) !== MAGIC) throw new RangeError(`${path} is no .npy file of format 1.0`);
  const start = 10 + (bytes[8] | bytes[9] << 8), header = text(10, start);
  const shape = /'shape': \((\d+), (\d+)\)/.exec(header);
  if (!/'descr': '<f4'/.test(header) || !/'fortran_order': False/.test(header) || !shape) {
    throw new RangeError(`${path} must hold a float32 matrix in C order, got ${header.trim()}`);
  }
  const rows = Number(shape[1]), columns = Number(shape[2]), wanted = start + 4 * rows * columns;
  if (bytes.length !== wanted) {
    throw new RangeError(`${path} must have ${wanted} bytes, got ${bytes.length}: truncated?`);
  }
  const aligned = (bytes.byteOffset + start) % 4 === 0;
  const values = aligned
    ? new Float32Array(bytes.buffer, bytes.byteOffset + start, rows * columns)
    : new Float32Array(bytes.slice(start).buffer);
  return { values, rows, columns };
}
