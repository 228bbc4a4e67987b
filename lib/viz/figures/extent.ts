/** What part of the plane a scatter plot shows. */

/** Fewer points than this all get their place: no point is an outlier among so few. */
const MIN_POINTS = 20;
/** A point is far when it lies this many widths of the middle 96% beyond them. */
const FAR = 1.5;

/**
 * The range of every second coordinate from `offset` on, with a margin. Points far beyond the others
 * are left out of it, since one of them would shrink all others to a dot.
 *
 * @param offset 0 for x, 1 for y of interleaved coordinates
 * @param share the margin on either side as a share of the range; default 0.04
 * @throws {RangeError} naming a coordinate that is not finite
 */
export function extent(
  xy: ArrayLike<number>,
  offset: 0 | 1,
  share = 0.04,
): [number, number] {
  const values: number[] = [];
  for (let i = offset; i < xy.length; i += 2) {
    if (!Number.isFinite(xy[i])) throw new RangeError(`coordinate ${i} is ${xy[i]}`);
    values.push(xy[i]);
  }
  values.sort((a, b) => a - b);
  let low = values[0] ?? 0, high = values.at(-1) ?? 1;
  if (values.length >= MIN_POINTS) {
    const cut = Math.ceil(values.length * 0.02);
    const first = values[cut], last = values[values.length - 1 - cut];
    const reach = FAR * (last - first);
    if (reach > 0) {
      low = values.find((v) => v >= first - reach)!;
      high = values.findLast((v) => v <= last + reach)!;
    }
  }
  const margin = high > low ? share * (high - low) : 1;
  return [low - margin, high + margin];
}

/** The ranges grown to squares: one unit has the same length on both axes. */
export function equalScales(
  x: [number, number],
  y: [number, number],
): [[number, number], [number, number]] {
  const half = Math.max(x[1] - x[0], y[1] - y[0]) / 2;
  const around = ([a, b]: [number, number]): [number, number] => [
    (a + b) / 2 - half,
    (a + b) / 2 + half,
  ];
  return [around(x), around(y)];
}
