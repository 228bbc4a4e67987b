/** Masks that tell crypts apart, from files and into files. */
import { readSamples, type SampleType } from "./samples.ts";
import { probeImage } from "./probe.ts";
import { labelComponents } from "./components.ts";
import type { LabelMask, Mask } from "./pixels.ts";

/** The size that a mask file must have, where it is known. */
export interface ExpectedSize {
  height?: number;
  width?: number;
}

/**
 * Reads a mask file as labels. A grey image of several values (8 or 16 bit) is a label image and is
 * taken as it is; a mask of one value (0/255, 0/1, colours) becomes its 8-connected components.
 *
 * @throws {Deno.errors.NotFound} when there is no such file
 * @throws {RangeError} naming the file and both sizes when they differ, or pixels of another depth
 * @throws {Error} naming the file when it cannot be decoded to the end
 * @example
 * const { data, height, width } = await readLabels("train_mask/a.tiff");
 */
export async function readLabels(path: string, expected: ExpectedSize = {}): Promise<LabelMask> {
  const { labels, mask } = await readMaskFile(path, expected);
  return labels ?? labelComponents(mask);
}

/** A mask file as what it is: labels (null where it has one value only), and crypt or not. */
export async function readMaskFile(
  path: string,
  expected: ExpectedSize,
): Promise<{ labels: LabelMask | null; mask: Mask }> {
  const header = await probeImage(path);
  const { height = header.height, width = header.width } = expected;
  if (header.height !== height || header.width !== width) {
    throw new RangeError(
      `mask ${path} is ${header.height} x ${header.width} (height x width), ` +
        `its image ${height} x ${width}`,
    );
  }
  if (header.depth !== "uchar" && header.depth !== "ushort") {
    throw new RangeError(
      `mask ${path} must have 8 or 16 whole bits a pixel, found ${header.depth}`,
    );
  }
  const { data, channels } = await readSamples(path, header);
  const colours = header.hasAlpha ? channels - 1 : channels;
  const mask = { data: anyChannel(data, channels, colours), height, width };
  const several = channels === 1 && hasSeveralValues(data);
  return { labels: several ? { data: Uint16Array.from(data), height, width } : null, mask };
}

/** 1 where a colour channel is not zero. */
function anyChannel(data: SampleType, channels: number, colours: number): Uint8Array {
  const out = new Uint8Array(data.length / channels);
  for (let i = 0, p = 0; i < out.length; i++, p += channels) {
    for (let c = 0; c < colours; c++) if (data[p + c] !== 0) out[i] = 1;
  }
  return out;
}

/** Whether there are two values beside 0. */
function hasSeveralValues(data: SampleType): boolean {
  let first = 0;
  for (let i = 0; i < data.length; i++) {
    if (data[i] === 0 || data[i] === first) continue;
    if (first !== 0) return true;
    first = data[i];
  }
  return false;
}
