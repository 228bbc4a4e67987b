/** Label images as pictures: a colour for each crypt. */
import type { LabelMask, RgbImage } from "../../image/mod.ts";

/** Turns of the colour circle between two labels: neighbours in number are far apart in hue. */
const GOLDEN = 0.381966;

/**
 * A picture of labels on black: every crypt in a colour of its own, so that crypts which touch are seen
 * apart. The colours say nothing else.
 *
 * @example
 * ```ts
 * import { labelMap } from "crypts/viz";
 * labelMap({ data: Uint16Array.of(0, 1, 2, 2), height: 2, width: 2 }).data.length; // 12
 * ```
 */
export function labelMap({ data, height, width }: LabelMask): RgbImage {
  const out = new Uint8Array(data.length * 3);
  for (let i = 0; i < data.length; i++) {
    if (data[i] > 0) out.set(colourOf(data[i]), 3 * i);
  }
  return { data: out, height, width };
}

/** A light, saturated colour; no channel is below 60, so that none is taken for background. */
function colourOf(label: number): [number, number, number] {
  const hue = 2 * Math.PI * ((label * GOLDEN) % 1);
  const channel = (turn: number) => Math.round(157 + 97 * Math.cos(hue - turn * 2 * Math.PI / 3));
  return [channel(0), channel(1), channel(2)];
}
