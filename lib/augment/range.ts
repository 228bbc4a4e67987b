/** Ranges from which parameters are drawn. */

/** From the first to the second number; one number r means from -r to r. */
export type Range = number | readonly [low: number, high: number];

/**
 * The two ends of a range (albumentations' `to_tuple`).
 *
 * @throws {RangeError} naming `what` when an end is not finite or the ends are in the wrong order
 */
export function ends(range: Range, what: string): [number, number] {
  const [low, high] = typeof range === "number" ? [-range, range] : range;
  if (!(Number.isFinite(low) && Number.isFinite(high) && low <= high)) {
    throw new RangeError(`${what}: expected low <= high, got ${low} to ${high}`);
  }
  return [low, high];
}
