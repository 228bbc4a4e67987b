/** What lies beyond the border of a picture. */

/**
 * `reflect` repeats the edge pixel (`cba|abc|cba`, OpenCV's BORDER_REFLECT), `reflect-101` does not
 * (`cb|abc|ba`, BORDER_REFLECT_101, NumPy's `pad` in mode `"reflect"`).
 */
export type Border = "reflect" | "reflect-101";

/** The index inside `0..size - 1` that an index outside stands for, however far outside. */
export function within(index: number, size: number, border: Border): number {
  if (index >= 0 && index < size) return index;
  const around = border === "reflect" ? 2 * size : Math.max(1, 2 * (size - 1));
  const folded = ((index % around) + around) % around;
  if (folded < size) return folded;
  return border === "reflect" ? around - 1 - folded : around - folded;
}
