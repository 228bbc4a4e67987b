/** Agreement by the size of crypts. */
import type { Crypt } from "../crypts/mod.ts";
import { bestPartner, overlapCrypts } from "./match.ts";

/** A true crypt and how well the best prediction fits it. */
export interface SizeScore {
  /** Pixels. */
  area: number;
  /** Dice with the predicted crypt that shares most of it; 0 when none does. */
  dice: number;
}

/** The Dice of every true crypt of an image, for curves of Dice against size. */
export function diceBySize(predicted: readonly Crypt[], truth: readonly Crypt[]): SizeScore[] {
  const { byTruth } = overlapCrypts(predicted, truth);
  return truth.map((crypt, t) => {
    const partner = bestPartner(byTruth[t]);
    const shared = partner >= 0 ? byTruth[t].get(partner)! : 0;
    const sizes = crypt.area + (partner >= 0 ? predicted[partner].area : 0);
    return { area: crypt.area, dice: 2 * shared / sizes };
  });
}
