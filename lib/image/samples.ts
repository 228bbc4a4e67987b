/** Pixels of a file as the samples that it stores: no colour conversion, no scaling of levels. */
import sharp, { type Sharp, type SharpOptions } from "sharp";

/** Samples of 8 or 16 bits. */
export type SampleType = Uint8Array | Uint16Array;

/** Interleaved samples of an image: `data[(row * width + column) * channels + channel]`. */
export interface Samples {
  data: SampleType;
  channels: number;
}

/** What of an image's header decides how it is decoded. */
export interface SampleFormat {
  depth: string;
  channels: number;
  grey: boolean;
}

/** Warnings of libtiff about fields that no pixel depends on. */
const HARMLESS = [
  /^Invalid TIFF directory; tags are not sorted/,
  /^ASCII value for tag "/,
  /^Unknown field with tag/,
  /"(ImageDescription|Software|DateTime|Artist|HostComputer|Make|Model|Copyright|DocumentName|PageName|PageNumber|[XY]Resolution|ResolutionUnit|XMLPacket|Photoshop|RichTIFFIPTC|ICC Profile)".*ignored/,
];

/**
 * Decodes an image file by `run`: without sharp's limit of pixels, made for web servers, which slides
 * exceed, and without conversion by an embedded colour profile, since pixels are measurements here.
 * Any warning ends the decoding, except those about a TIFF's fields that no pixel depends on.
 */
export async function decode<T>(
  source: string | Uint8Array,
  run: (image: Sharp) => Promise<T>,
  options: SharpOptions = {},
): Promise<T> {
  const open = (failOn: "warning" | "error") =>
    sharp(source, { limitInputPixels: false, ignoreIcc: true, failOn, ...options });
  try {
    return await run(open("warning"));
  } catch (error) {
    if (!isHarmless((error as Error).message)) throw error;
    return await run(open("error"));
  }
}

function isHarmless(message: string): boolean {
  const [head, ...lines] = message.split("\n");
  const warnings = lines.filter((line) => !/^error in (tile|strip) |^\s*$/.test(line));
  return head.startsWith("Warning treated as error") && warnings.length > 0 &&
    warnings.every((line) => HARMLESS.some((pattern) => pattern.test(line)));
}

/** Reads all samples of a file of 8 or 16 bits; errors are sharp's. */
export async function readSamples(
  source: string | Uint8Array,
  format: SampleFormat,
): Promise<Samples> {
  return await decode(source, (image) => samplesOf(image, format));
}

/** The samples that come out of a pipeline on an image of that format; errors are sharp's. */
export async function samplesOf(pipeline: Sharp, format: SampleFormat): Promise<Samples> {
  const wide = format.depth === "ushort";
  // sharp would triple the only channel of a grey image, and cut 16 bits to 8. Called grey, an image
  // would lose its alpha: with it, grey comes in three channels.
  if (format.grey && format.channels === 1) pipeline.toColourspace(wide ? "grey16" : "b-w");
  else if (wide) pipeline.toColourspace("rgb16");
  const { data, info } = await pipeline.raw({ depth: wide ? "ushort" : "uchar" })
    .toBuffer({ resolveWithObject: true });
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
    throw new Error(`cannot read image ${path}: ${decodingError(cause)}`, { cause });
  }
}

/** What only says that there is an error, or which part of libvips met it. */
const EMPTY_LINE =
  /^(Warning treated as error due to failOn setting|error in (tile|strip) .*|tiff2vips: read error|\s*)$/;
const PART = /^(tiff2vips|VipsJpeg|vipspng|jpeg2vips|png2vips|tiff2vips_\w+): /;

/** The message of sharp's error in one line. */
export function decodingError(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  const lines = message.split("\n").filter((line) => !EMPTY_LINE.test(line))
    .map((line) => line.replace(PART, ""));
  return lines.length > 0 ? [...new Set(lines)].join("; ") : message.replaceAll("\n", "; ");
}

/** sharp's buffer without copying it. */
export function bytes(buffer: Uint8Array): Uint8Array {
  return new Uint8Array(buffer.buffer as ArrayBuffer, buffer.byteOffset, buffer.byteLength);
}
