/** Pixels of a file as the samples that it stores: no colour conversion, no scaling of levels. */
import sharp, { type Sharp, type SharpOptions } from "sharp";

/** Samples of 8 or 16 bits. */
export type SampleType = Uint8Array | Uint16Array;

/** Interleaved samples of an image: `data[(row * width + column) * channels + channel]`. */
export interface Samples {
  data: SampleType;
  channels: number;
}

/**
 * An image file for sharp: without its limit of pixels, made for web servers, which slides exceed,
 * and without conversion by an embedded colour profile, since pixels are measurements here.
 */
export function openImage(path: string, options: SharpOptions = {}): Sharp {
  return sharp(path, { limitInputPixels: false, ignoreIcc: true, ...options });
}

/**
 * Reads all samples of a file of 8 or 16 bits.
 *
 * @throws {Error} naming the file when it cannot be decoded to the end
 */
export async function readSamples(
  path: string,
  header: { depth: string; channels: number },
): Promise<Samples> {
  const wide = header.depth === "ushort", pipeline = openImage(path);
  // sharp would triple the only channel of a grey image.
  if (header.channels === 1) pipeline.toColourspace(wide ? "grey16" : "b-w");
  else if (wide) pipeline.toColourspace("rgb16");
  const { data, info } = await named(
    path,
    () => pipeline.raw({ depth: wide ? "ushort" : "uchar" }).toBuffer({ resolveWithObject: true }),
  );
  return {
    data: wide
      ? new Uint16Array(data.buffer as ArrayBuffer, data.byteOffset, data.length / 2)
      : bytes(data),
    channels: info.channels,
  };
}

/** Calls `read`; its errors name the file. */
export async function named<T>(path: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (cause) {
    throw new Error(`cannot read image ${path}: ${(cause as Error).message}`, { cause });
  }
}

/** sharp's buffer without copying it. */
export function bytes(buffer: Uint8Array): Uint8Array {
  return new Uint8Array(buffer.buffer as ArrayBuffer, buffer.byteOffset, buffer.byteLength);
}
