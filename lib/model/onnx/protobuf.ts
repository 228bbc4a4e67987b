/** A writer for the protocol buffer wire format: as much of it as ONNX needs. */

const encoder = new TextEncoder();

/** One message; fields are appended in the order of the calls. */
export class Message {
  private readonly parts: Uint8Array[] = [];
  /** Encoded length in bytes. */
  length = 0;

  /** An integer field (int32, int64, enum); negative ones take ten bytes. */
  integer(field: number, value: number): this {
    return this.push(varint(field << 3)).push(varint(value));
  }

  /** A 32-bit floating-point field. */
  float(field: number, value: number): this {
    const bytes = new Uint8Array(4);
    new DataView(bytes.buffer).setFloat32(0, value, true);
    return this.push(varint((field << 3) | 5)).push(bytes);
  }

  /** A string field. */
  string(field: number, value: string): this {
    return this.bytes(field, encoder.encode(value));
  }

  /** Raw bytes; they are not copied before {@link encode}. */
  bytes(field: number, value: Uint8Array): this {
    return this.push(varint((field << 3) | 2)).push(varint(value.length)).push(value);
  }

  /** A nested message; it must be complete. */
  message(field: number, value: Message): this {
    this.push(varint((field << 3) | 2)).push(varint(value.length));
    for (const part of value.parts) this.push(part);
    return this;
  }

  /** A packed list of integers. */
  integers(field: number, values: readonly number[]): this {
    const packed = new Message();
    for (const value of values) packed.push(varint(value));
    return this.message(field, packed);
  }

  /** A packed list of floats. */
  floats(field: number, values: readonly number[]): this {
    return this.bytes(field, new Uint8Array(Float32Array.from(values).buffer));
  }

  /** The whole message. */
  encode(): Uint8Array<ArrayBuffer> {
    const out = new Uint8Array(this.length);
    let at = 0;
    for (const part of this.parts) {
      out.set(part, at);
      at += part.length;
    }
    return out;
  }

  private push(bytes: Uint8Array): this {
    this.parts.push(bytes);
    this.length += bytes.length;
    return this;
  }
}

function varint(value: number): Uint8Array {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  do {
    const low = Number(rest & 127n);
    rest >>= 7n;
    bytes.push(rest > 0n ? low | 128 : low);
  } while (rest > 0n);
  return Uint8Array.from(bytes);
}
