/** A checksum of what a weight file says, whatever the order in which it says it. */
import { createHash } from "node:crypto";
import { crc32 } from "node:zlib";

/** The metadata key of the checksum in `.safetensors` files that this project writes. */
export const CHECKSUM_KEY = "crypts.checksum";

/** One tensor as it lies in a file. */
export interface RawTensor {
  name: string;
  /** "F32", "I64", … */
  dtype: string;
  shape: readonly number[];
  raw: Uint8Array;
}

/** 32 hexadecimal digits of the names, types, shapes, values and metadata, in no order. */
export function checksum(
  tensors: readonly RawTensor[],
  metadata: Readonly<Record<string, string>>,
): string {
  const lines = [
    ...tensors.map(({ name, dtype, shape, raw }) =>
      JSON.stringify([name, dtype, shape, crc32(raw)])
    ),
    ...Object.entries(metadata).map((entry) => JSON.stringify(entry)),
  ];
  return createHash("sha256").update(lines.sort().join("\n")).digest("hex").slice(0, 32);
}
