/** Masks that tell crypts apart, from files and into files. */
import { maskMeaning, noticeShare } from "./mask_rule.ts";
import { maskValues } from "./mask_values.ts";
import { probeImage } from "./probe.ts";
import { labelComponents } from "./components.ts";
import type { LabelMask, Mask } from "./pixels.ts";

/** What is known of a mask file: the size that it must have, and what it is of. */
export interface ExpectedSize {
  height?: number;
  width?: number;
  /** It is of a patch, which may well be all background or all crypt: no share of crypt is told. */
  patch?: boolean;
}

/**
 * Reads a mask file as labels. A grey image of several values is a label image and is taken as it is;
 * a mask of one value (0/255, 0/1, colours) becomes its 8-connected components. The whole rule is the
 * table of docs/data.md.
 *
 * @throws {Deno.errors.NotFound} when there is no such file
 * @throws {RangeError} naming the file and both sizes when they differ, or when it cannot
 *   be decided what is crypt
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
  const { mask, labels } = maskMeaning(await maskValues(path, header));
  if (!expected.patch) noticeShare(`mask ${path}`, mask);
  return {
    mask: { data: mask, height, width },
    labels: labels && { data: labels, height, width },
  };
}
