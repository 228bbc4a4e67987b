/** How many maps inference keeps of a model's classes. */

/**
 * Channels of a model's prediction: the probability of crypt, and for models of three classes
 * (background, crypt interior, crypt boundary) that of the boundary too.
 *
 * @example
 * ```ts
 * import { boundaryChannels } from "crypts/model";
 * console.log([1, 2, 3].map(boundaryChannels)); // [1, 1, 2]
 * ```
 */
export function boundaryChannels(classes: number): 1 | 2 {
  return classes === 3 ? 2 : 1;
}
