/** The rule by which patches without crypt are dropped: scanner artefacts and empty glass. */
import type { RgbImage } from "../image/mod.ts";

/** When a patch counts as an artefact. */
export interface TissueRule {
  /** Values below it are dark. */
  darkBelow: number;
  /** A patch with a larger share of dark pixels is dropped, in [0, 1]. */
  darkShare: number;
  /** Values above it are bright. */
  brightAbove: number;
  /** A patch with a larger share of bright pixels is dropped, in [0, 1]. */
  brightShare: number;
  /**
   * `"red"` looks at the red channel alone, as the original does; `"all"` calls a pixel dark or
   * bright only when all three channels are, so that strongly stained nuclei are not taken for
   * black artefacts.
   */
  channels: "red" | "all";
}

/** The original's rule. */
export const ORIGINAL_RULE: Readonly<TissueRule> = {
  darkBelow: 60,
  darkShare: 0.2,
  brightAbove: 220,
  brightShare: 0.6,
  channels: "red",
};

/** What {@link judgeTissue} found. */
export interface TissueVerdict {
  verdict: "tissue" | "dark" | "bright";
  /** Share of dark pixels, in [0, 1]. */
  dark: number;
  /** Share of bright pixels, in [0, 1]. */
  bright: number;
}

/**
 * Judges whether a patch shows tissue. Too much dark comes before too much bright.
 *
 * @throws {RangeError} when the patch has no pixels
 */
export function judgeTissue(
  patch: RgbImage,
  rule: Readonly<TissueRule> = ORIGINAL_RULE,
): TissueVerdict {
  const { data } = patch, pixels = patch.height * patch.width;
  if (pixels === 0 || data.length !== pixels * 3) {
    throw new RangeError(`a patch of ${patch.height} x ${patch.width} has ${data.length} bytes`);
  }
  let darkCount = 0, brightCount = 0;
  const { darkBelow, brightAbove } = rule;
  if (rule.channels === "red") {
    for (let i = 0; i < data.length; i += 3) {
      if (data[i] < darkBelow) darkCount++;
      if (data[i] > brightAbove) brightCount++;
    }
  } else {
    for (let i = 0; i < data.length; i += 3) {
      const r = data[i], g = data[i + 1], b = data[i + 2];
      if (r < darkBelow && g < darkBelow && b < darkBelow) darkCount++;
      if (r > brightAbove && g > brightAbove && b > brightAbove) brightCount++;
    }
  }
  const dark = darkCount / pixels, bright = brightCount / pixels;
  const verdict = dark > rule.darkShare ? "dark" : bright > rule.brightShare ? "bright" : "tissue";
  return { verdict, dark, bright };
}
