/** What the pixels of a mask file mean: the rule that docs/data.md has as a table. */
import { notice } from "../base/mod.ts";
import type { SampleType } from "./samples.ts";
import { shareVoid } from "./void.ts";

/** Pixels of a mask file and what its header says of them. */
export interface MaskPixels {
  path: string;
  width: number;
  /** Interleaved. */
  data: SampleType;
  channels: number;
  hasAlpha: boolean;
  /** Whether values are indices into a palette. */
  palette: boolean;
  /** Whether the compression changes values (JPEG). */
  lossy: boolean;
}

/** Crypt or not, and which crypt. */
export interface MaskMeaning {
  /** 0/1. */
  mask: Uint8Array;
  /** One value per crypt; null where the file has one value only and so tells none apart. */
  labels: Uint16Array | null;
}

/** Shares of an image between which a mask is usual. */
const USUAL_SHARE = [0.0001, 0.95] as const;

/**
 * The meaning of a mask's pixels.
 *
 * @throws {RangeError} naming the file when it cannot be decided which pixels are crypt
 */
export function maskMeaning(pixels: MaskPixels): MaskMeaning {
  const { path, width, palette, lossy } = pixels;
  const values = onlyChannel(pixels);
  if (values === null) return colourMeaning(pixels);
  return lossy ? lossyMeaning(path, values) : valueMeaning(path, values, width, palette);
}

/** Tells of a mask that covers nearly all or nothing of its image. */
export function noticeShare(what: string, mask: Uint8Array): void {
  const crypt = sumOf(mask);
  const share = crypt / mask.length, percent = `${(100 * share).toFixed(2)} %`;
  if (share > USUAL_SHARE[1]) {
    notice(`${what} covers ${percent} of its image: is what is 0 there the background?`);
  } else if (share < USUAL_SHARE[0]) {
    notice(
      crypt === 0
        ? `${what} has no crypt pixel`
        : `${what} covers ${percent} of its image (${crypt} pixels): is it of this image?`,
    );
  }
}

/** The sum of 0/1 bytes, four at a time where they lie so. */
function sumOf(mask: Uint8Array): number {
  const words = mask.byteOffset % 4 === 0
    ? new Uint32Array(mask.buffer, mask.byteOffset, mask.length >> 2)
    : new Uint32Array();
  let sum = 0;
  for (let i = 0; i < words.length;) {
    // A byte of the accumulator holds up to 255.
    let bytes = 0;
    for (const end = Math.min(words.length, i + 255); i < end; i++) bytes += words[i];
    sum += (bytes & 255) + (bytes >>> 8 & 255) + (bytes >>> 16 & 255) + (bytes >>> 24);
  }
  for (let i = words.length * 4; i < mask.length; i++) sum += mask[i];
  return sum;
}

/** The one channel that carries the mask; null where colours do. */
function onlyChannel({ data, channels, hasAlpha }: MaskPixels): SampleType | null {
  const colours = hasAlpha ? channels - 1 : channels;
  if (channels === 1) return data;
  const alpha = hasAlpha ? channel(data, channels, colours) : null;
  const seen = alpha !== null && !isConstant(alpha);
  if (seen && coloursAreConstant(data, channels, colours)) return alpha;
  for (let p = 0; p < data.length; p += channels) {
    for (let c = 1; c < colours; c++) if (data[p + c] !== data[p]) return null;
  }
  const grey = channel(data, channels, 0);
  // What is not seen is background, whatever its colour.
  if (seen) { for (let i = 0; i < grey.length; i++) if (alpha[i] === 0) grey[i] = 0; }
  return grey;
}

function channel(data: SampleType, channels: number, index: number): SampleType {
  const length = data.length / channels;
  const out = data instanceof Uint16Array ? new Uint16Array(length) : new Uint8Array(length);
  for (let i = 0, p = index; i < length; i++, p += channels) out[i] = data[p];
  return out;
}

function isConstant(values: SampleType): boolean {
  for (let i = 1; i < values.length; i++) if (values[i] !== values[0]) return false;
  return true;
}

function coloursAreConstant(data: SampleType, channels: number, colours: number): boolean {
  for (let p = channels; p < data.length; p += channels) {
    for (let c = 0; c < colours; c++) if (data[p + c] !== data[c]) return false;
  }
  return true;
}

/** A mask of several colours: black and what is transparent is background. */
function colourMeaning({ path, data, channels, hasAlpha, lossy }: MaskPixels): MaskMeaning {
  const colours = hasAlpha ? channels - 1 : channels, mask = new Uint8Array(data.length / channels);
  const least = lossy ? 128 : 1;
  let background = false;
  for (let i = 0, p = 0; i < mask.length; i++, p += channels) {
    for (let c = 0; c < colours; c++) if (data[p + c] >= least) mask[i] = 1;
    if (hasAlpha && data[p + colours] === 0) mask[i] = 0;
    if (mask[i] === 0) background = true;
  }
  if (!background) {
    throw new RangeError(
      `mask ${path} has several colours but no black: which one is background cannot be decided, ` +
        "save it with 0 for background",
    );
  }
  return { mask, labels: null };
}

/** JPEG blurs a mask of 0/255: what is brighter than the middle is crypt. */
function lossyMeaning(path: string, data: SampleType): MaskMeaning {
  let brightest = 0;
  for (let i = 0; i < data.length; i++) if (data[i] > brightest) brightest = data[i];
  if (brightest > 0 && brightest < 128) {
    throw new RangeError(
      `mask ${path} is compressed with losses and at most ${brightest} bright, expected 0/255: ` +
        "save it as TIFF or PNG",
    );
  }
  return { mask: threshold(data, 128), labels: null };
}

/** One channel of exact values. */
function valueMeaning(
  path: string,
  data: SampleType,
  width: number,
  palette: boolean,
): MaskMeaning {
  const counts = new Uint32Array(data instanceof Uint16Array ? 65536 : 256);
  for (let i = 0; i < data.length; i++) counts[data[i]]++;
  const values: number[] = [];
  for (let v = 1; v < counts.length; v++) if (counts[v] > 0) values.push(v);
  if (values.length <= 1) return { mask: threshold(data, 1), labels: null };
  // 16 bits are labels; in 8 bits, 255 has meanings of its own.
  const top = 255, others = values.filter((v) => v !== top);
  const labels = data instanceof Uint16Array || others.length === top - 1;
  if (labels || values.at(-1) !== top) return labelMeaning(data);
  // Pascal VOC and its followers: 255 is void, neither object nor background.
  const isVoid = palette ? counts[top - 1] === 0 : others.length === others.at(-1);
  if (isVoid) return labelMeaning(shareVoid(data, width, top), others.length > 1);
  const marked = data.length - counts[0];
  if (others.length >= 8 && counts[top] > marked / 2) {
    notice(`mask ${path} has soft edges: what is 128 or brighter counts as crypt`);
    return { mask: threshold(data, 128), labels: null };
  }
  if (values.length <= 4) {
    throw new RangeError(
      `mask ${path} has the values 0, ${values.join(", ")}: which of them are crypt cannot be ` +
        "decided, expected 0 and one other value, or one value per crypt",
    );
  }
  return labelMeaning(data);
}

function labelMeaning(data: SampleType, several = true): MaskMeaning {
  return {
    mask: threshold(data, 1),
    labels: several ? (data instanceof Uint16Array ? data : new Uint16Array(data)) : null,
  };
}

function threshold(data: SampleType, least: number): Uint8Array {
  const mask = new Uint8Array(data.length);
  for (let i = 0; i < mask.length; i++) mask[i] = data[i] >= least ? 1 : 0;
  return mask;
}
