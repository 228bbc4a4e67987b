/** Which configurations are averaged. */
import type { Seen } from "./images.ts";
import { quickDice } from "./scores.ts";

/**
 * Greedy forward selection (Caruana and others, "Ensemble Selection from Libraries of Models", 2004):
 * the best configuration, then whichever raises the mean Dice most, while one does.
 */
export function chooseEnsemble(
  images: readonly Seen[],
  names: readonly string[],
  largest: number,
): string[] {
  let chosen: string[] = [], best = -Infinity;
  while (chosen.length < largest) {
    const tried = names.filter((name) => !chosen.includes(name)).map((name) => {
      const together = [...chosen, name];
      const total = images.reduce((sum, image) => sum + quickDice(image, together), 0);
      return { together, dice: total / images.length };
    });
    const next = tried.reduce((a, b) => b.dice > a.dice ? b : a, { together: chosen, dice: best });
    if (next.together === chosen) break;
    [chosen, best] = [next.together, next.dice];
  }
  return chosen;
}
