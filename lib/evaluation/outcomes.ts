/** Where the prediction fails: the outcome of each crypt, and what can be measured of it. */
import type { RgbImage } from "../image/mod.ts";
import { haematoxylin } from "../stain/mod.ts";
import { type Crypt, measureCrypt } from "../crypts/mod.ts";
import { bestPartner, overlapCrypts } from "./match.ts";

/** What became of a crypt. */
export type Outcome =
  /** True and predicted: more than half of it is covered by a prediction of its own. */
  | "found"
  /** True: no prediction covers more than half of it. */
  | "missed"
  /** True: covered by a prediction that covers another crypt better; two crypts seen as one. */
  | "merged"
  /** Predicted: it covers less than half of any true crypt, but touches one. */
  | "fragment"
  /** Predicted: where there is no crypt. */
  | "spurious";

/** A true or predicted crypt, its outcome, and what may have caused it. */
export interface CryptOutcome {
  image: string;
  /** Which side's crypt it is. */
  side: "truth" | "predicted";
  crypt: number;
  outcome: Outcome;
  /** Share of its pixels that the other side has as crypt, too. */
  covered: number;
  /** Pixels. */
  area: number;
  circularity: number;
  /** Touches the image's border, so that part of it is not seen. */
  border: boolean;
  /** Distance to the nearest other crypt of its side, in pixels; Infinity if alone. */
  gap: number;
  /** Mean luma in it, 0 (black) to 255. */
  brightness: number;
  /** Mean haematoxylin in it, see `lib/stain/haematoxylin.ts`. */
  haematoxylin: number;
  /** How much darker (in haematoxylin) its rim is than the tissue around: contrast of the outline. */
  rimContrast: number;
}

/** Pixels by which a crypt's rim and its surroundings are measured, as a share of its equal disc's radius. */
const RIM = 0.25;

/**
 * The outcome of every true and every predicted crypt of an image, by the GlaS challenge's 50% rule.
 *
 * @param image of the same size as the masks the crypts come from
 */
export function cryptOutcomes(
  id: string,
  image: RgbImage,
  predicted: readonly Crypt[],
  truth: readonly Crypt[],
): CryptOutcome[] {
  const overlaps = overlapCrypts(predicted, truth);
  const stain = haematoxylin(image);
  const rims = new Map([...predicted, ...truth].map((crypt) => [crypt, rimOf(crypt)]));
  // The truth that each prediction detects: at most one, see `scoreObjects`.
  const detects = overlaps.byPredicted.map((shared) => {
    const partner = bestPartner(shared);
    return partner >= 0 && shared.get(partner)! > 0.5 * truth[partner].area ? partner : -1;
  });
  const total = (shared: Map<number, number>) => [...shared.values()].reduce((a, b) => a + b, 0);
  const rows: CryptOutcome[] = [];
  truth.forEach((crypt, t) => {
    const shared = overlaps.byTruth[t], most = bestPartner(shared);
    const covered = most >= 0 && shared.get(most)! > 0.5 * crypt.area;
    const outcome = detects.includes(t) ? "found" : covered ? "merged" : "missed";
    rows.push({
      ...describe(id, "truth", crypt, truth, rims, image, stain),
      outcome,
      covered: total(shared) / crypt.area,
    });
  });
  predicted.forEach((crypt, p) => {
    const shared = overlaps.byPredicted[p];
    const outcome = detects[p] >= 0 ? "found" : shared.size > 0 ? "fragment" : "spurious";
    rows.push({
      ...describe(id, "predicted", crypt, predicted, rims, image, stain),
      outcome,
      covered: total(shared) / crypt.area,
    });
  });
  return rows;
}

function describe(
  image: string,
  side: "truth" | "predicted",
  crypt: Crypt,
  others: readonly Crypt[],
  rims: Map<Crypt, Int32Array>,
  rgb: RgbImage,
  stain: Float32Array,
): Omit<CryptOutcome, "outcome" | "covered"> {
  const m = measureCrypt(crypt), { data, width } = rgb;
  let luma = 0, blue = 0;
  for (let y = 0; y < crypt.height; y++) {
    for (let x = 0; x < crypt.width; x++) {
      if (crypt.mask[y * crypt.width + x] === 0) continue;
      const p = (crypt.top + y) * width + crypt.left + x;
      luma += 0.299 * data[3 * p] + 0.587 * data[3 * p + 1] + 0.114 * data[3 * p + 2];
      blue += stain[p];
    }
  }
  return {
    image,
    side,
    crypt: crypt.id,
    area: m.area,
    circularity: m.circularity,
    border: crypt.border,
    gap: gapOf(crypt, others, rims),
    brightness: luma / m.area,
    haematoxylin: blue / m.area,
    rimContrast: rimContrast(crypt, rgb, stain),
  };
}

/** Distance to the nearest other crypt; boxes that are further apart than the best are not looked at. */
function gapOf(crypt: Crypt, others: readonly Crypt[], rims: Map<Crypt, Int32Array>): number {
  const near = others.filter((other) => other !== crypt)
    .map((other) => ({ other, bound: boxGap(crypt, other) }))
    .sort((a, b) => a.bound - b.bound);
  const own = rims.get(crypt)!;
  let best = Infinity;
  for (const { other, bound } of near) {
    if (bound >= best) break;
    const theirs = rims.get(other)!;
    for (let i = 0; i < own.length; i += 2) {
      for (let j = 0; j < theirs.length; j += 2) {
        const distance = (own[i] - theirs[j]) ** 2 + (own[i + 1] - theirs[j + 1]) ** 2;
        if (distance < best * best) best = Math.sqrt(distance);
      }
    }
  }
  return best;
}

/** x, y, x, y, … of the pixels that touch background, in the image. */
function rimOf(crypt: Crypt): Int32Array {
  const { mask, height, width, top, left } = crypt, rim: number[] = [];
  for (let y = 0, i = 0; y < height; y++) {
    for (let x = 0; x < width; x++, i++) {
      const inner = x > 0 && x < width - 1 && y > 0 && y < height - 1 && mask[i - 1] &&
        mask[i + 1] && mask[i - width] && mask[i + width];
      if (mask[i] !== 0 && !inner) rim.push(left + x, top + y);
    }
  }
  return Int32Array.from(rim);
}

/** Distance between the nearest pixels of two boxes: 1 where they are side by side. */
function boxGap(a: Crypt, b: Crypt): number {
  const dx = Math.max(0, a.left - b.left - b.width + 1, b.left - a.left - a.width + 1);
  const dy = Math.max(0, a.top - b.top - b.height + 1, b.top - a.top - a.height + 1);
  return Math.hypot(dx, dy);
}

/** Mean haematoxylin just inside of the outline less that just outside of it. */
function rimContrast(crypt: Crypt, image: RgbImage, stain: Float32Array): number {
  const reach = Math.max(2, Math.round(RIM * Math.sqrt(crypt.area / Math.PI)));
  const at = (y: number, x: number) =>
    y >= 0 && x >= 0 && y < crypt.height && x < crypt.width &&
    crypt.mask[y * crypt.width + x] !== 0;
  let inside = 0, insides = 0, outside = 0, outsides = 0;
  const sample = (y: number, x: number, crossed: boolean) => {
    const iy = crypt.top + y, ix = crypt.left + x;
    if (iy < 0 || ix < 0 || iy >= image.height || ix >= image.width || at(y, x) !== crossed) return;
    if (crossed) [inside, insides] = [inside + stain[iy * image.width + ix], insides + 1];
    else [outside, outsides] = [outside + stain[iy * image.width + ix], outsides + 1];
  };
  for (let y = 0; y < crypt.height; y++) {
    for (let x = 0; x < crypt.width; x++) {
      if (!at(y, x)) continue;
      for (const [dy, dx] of [[-1, 0], [1, 0], [0, -1], [0, 1]]) {
        if (at(y + dy, x + dx)) continue;
        for (let k = 0; k < reach; k++) {
          sample(y - k * dy, x - k * dx, true);
          sample(y + (k + 1) * dy, x + (k + 1) * dx, false);
        }
      }
    }
  }
  return insides > 0 && outsides > 0 ? inside / insides - outside / outsides : 0;
}
