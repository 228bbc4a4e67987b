/** The values that a mask file stores: indices of palettes, labels of any integer type. */
import type { MaskPixels } from "./mask_rule.ts";
import { type ImageHeader, samePages } from "./probe.ts";
import { pngIndices } from "./png_indices.ts";
import { decode, named, readSamples, type SampleType } from "./samples.ts";
import type { TiffDirectory } from "./tiff.ts";

/** TIFF's compressions that may change values: JPEG and WebP. */
const LOSSY = [6, 7, 50001];

/**
 * Decodes a mask file, its values unchanged.
 *
 * @throws {RangeError} naming the file when it has several pages, its values are no labels, or black and white are reversed
 *   by a program whose meaning is not known
 * @throws {Error} naming the file when it cannot be decoded to the end
 */
export async function maskValues(path: string, header: ImageHeader): Promise<MaskPixels> {
  const { palette, hasAlpha, format, tiff, depth } = header;
  const pages = samePages(header);
  if (pages > 1) {
    throw new RangeError(
      `mask ${path} has ${pages} pages of the same size, expected one: save one page with one value ` +
        "per crypt",
    );
  }
  const lossy = format === "jpeg" || LOSSY.includes(tiff?.[0].compression ?? 1);
  const shared = { path, width: header.width, palette, lossy };
  const one = (data: SampleType) => ({ ...shared, data, channels: 1, hasAlpha: false });
  if (palette) return one(await named(path, () => paletteIndices(path, header)));
  if (depth !== "uchar" && depth !== "ushort") return one(await wideLabels(path, header));
  const { data, channels } = await named(path, () => readSamples(path, header));
  if (channels > 1) return { ...shared, data, channels, hasAlpha };
  if (tiff?.[0].photometric === 0) return one(uninverted(path, data, tiff[0]));
  return one(header.bits === 2 || header.bits === 4 ? unscaled(data, header.bits) : data);
}

async function paletteIndices(path: string, header: ImageHeader): Promise<SampleType> {
  const file = await Deno.readFile(path);
  if (header.format === "png") return await pngIndices(file);
  const first = header.tiff?.[0];
  if (!first || first.photometricAt === null || header.bits !== 8) {
    throw new RangeError(`a palette of ${header.bits} bits is not read, expected 8`);
  }
  // Called grey, the file decodes to the indices.
  new DataView(file.buffer).setUint16(first.photometricAt, 1, first.little);
  const { data } = await readSamples(file, { ...header, channels: 1, grey: true });
  return data;
}

const WIDE = { char: Int8Array, short: Int16Array, int: Int32Array, uint: Uint32Array } as const;

/** Labels of 8 or 16 signed bits, or of 32 bits, as scikit-image and Cellpose have them. */
async function wideLabels(path: string, header: ImageHeader): Promise<Uint16Array> {
  const { depth, channels } = header;
  const refused = (found: string) =>
    new RangeError(`mask ${path} must hold whole numbers from 0 to 65535, found ${found}`);
  const kind = depth === "float"
    ? Float32Array
    : depth === "char" || depth === "short" || depth === "int" || depth === "uint"
    ? WIDE[depth]
    : null;
  if (kind === null || channels !== 1) throw refused(`${channels} channels of ${depth}`);
  const data = await named(
    path,
    () =>
      decode(
        path,
        (image) =>
          image.toColourspace(depth === "short" ? "grey16" : "b-w")
            .raw({ depth: depth as "float" }).toBuffer(),
      ),
  );
  const values = new kind(
    data.buffer as ArrayBuffer,
    data.byteOffset,
    data.length / kind.BYTES_PER_ELEMENT,
  );
  // libvips cuts signed 16 bits at 0 on the way here.
  const least = depth === "short"
    ? (await named(path, () => decode(path, (image) => image.stats()))).channels[0].min
    : 0;
  if (least < 0) throw refused(`${least}`);
  for (const value of values) {
    if (!(Number.isInteger(value) && value >= 0 && value <= 65535)) throw refused(`${value}`);
  }
  return Uint16Array.from(values);
}

/**
 * The stored values of a TIFF that calls 0 white. tifffile writes boolean arrays so, and means its
 * values; other programs mean the brightness, and nobody can tell which is crypt.
 */
function uninverted(path: string, data: SampleType, first: TiffDirectory): SampleType {
  if (!/^tifffile/i.test(first.software ?? "")) {
    throw new RangeError(
      `mask ${path} calls 0 white (TIFF's MinIsWhite): whether its white or its black is crypt ` +
        "cannot be decided, save it with 0 for background and MinIsBlack",
    );
  }
  const top = data instanceof Uint16Array ? 65535 : 255;
  return data.map((value) => top - value);
}

/** Values of 2 or 4 bits, which decoders stretch to 255. */
function unscaled(data: SampleType, bits: 2 | 4): SampleType {
  const step = 255 / (2 ** bits - 1);
  return data.every((value) => value % step === 0) ? data.map((value) => value / step) : data;
}
