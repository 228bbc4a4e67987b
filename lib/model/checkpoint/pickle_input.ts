/** The bytes of a pickle, read from front to back; every read is checked against their end. */

const DECODER = new TextDecoder();

/** A position in a pickle. */
export class PickleInput {
  private readonly view: DataView;
  /** The next byte to be read. */
  at: number;
  /** Bytes from the start of the pickle to the end of the data. */
  readonly length: number;
  private readonly end: number;

  /** @param largest bytes behind `start` that may be read, at most */
  constructor(private readonly bytes: Uint8Array, start: number, private readonly largest: number) {
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.at = start;
    this.length = Math.min(bytes.length - start, largest);
    this.end = start + this.length;
  }

  /** One unsigned byte. */
  byte(): number {
    this.skip(1);
    return this.bytes[this.at - 1];
  }

  /** Goes `count` bytes on. */
  skip(count: number): true {
    if (this.at + count > this.end) {
      throw new RangeError(
        this.end < this.bytes.length
          ? `the pickle is longer than ${this.largest} bytes: no list of tensors is`
          : "the pickle is cut off",
      );
    }
    this.at += count;
    return true;
  }

  /** The next `count` bytes, not copied. */
  take(count: number): Uint8Array {
    this.skip(count);
    return this.bytes.subarray(this.at - count, this.at);
  }

  /** An unsigned little-endian integer. */
  unsigned(size: 2 | 4 | 8): number {
    this.skip(size);
    const at = this.at - size;
    if (size === 2) return this.view.getUint16(at, true);
    if (size === 4) return this.view.getUint32(at, true);
    return Number(this.view.getBigUint64(at, true));
  }

  /** A big-endian float64. */
  double(): number {
    this.skip(8);
    return this.view.getFloat64(this.at - 8);
  }

  /** A little-endian two's complement integer of up to 255 bytes; beyond 2^53 its last digits are lost. */
  long(size: number): number {
    const bytes = this.take(size);
    let value = 0n;
    for (let i = size - 1; i >= 0; i--) value = (value << 8n) | BigInt(bytes[i]);
    return Number(BigInt.asIntN(8 * size, value));
  }

  /** `length` bytes as text. */
  text(length: number): string {
    return DECODER.decode(this.take(length));
  }

  /** Text up to the next line feed. */
  line(): string {
    const end = this.bytes.subarray(this.at, this.end).indexOf(10);
    if (end < 0) throw new RangeError("the pickle is cut off");
    const text = this.text(end);
    this.at++;
    return text;
  }
}
