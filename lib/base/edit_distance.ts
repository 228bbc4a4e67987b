/** How far two spellings are apart. */

/** Letters to insert, remove, replace, or swap with their neighbours (optimal string alignment). */
export function editDistance(a: string, b: string): number {
  const rows = [Array.from({ length: b.length + 1 }, (_, j) => j)];
  for (let i = 1; i <= a.length; i++) {
    rows.push([i]);
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1;
      let least = Math.min(rows[i - 1][j] + 1, rows[i][j - 1] + 1, rows[i - 1][j - 1] + same);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        least = Math.min(least, rows[i - 2][j - 2] + 1);
      }
      rows[i].push(least);
    }
  }
  return rows[a.length][b.length];
}

/**
 * The name that `text` was most likely to be, or null where none is near: upper and lower case, hyphens
 * and the like do not count; up to a third of its letters, at most three, may be wrong.
 *
 * @example
 * ```ts
 * import { nearestName } from "crypts/base";
 * nearestName("epoch", ["epochs", "epochSteps"]); // "epochs"
 * ```
 */
export function nearestName(text: string, names: readonly string[]): string | null {
  const plain = (name: string) => name.toLowerCase().replaceAll(/[^a-z0-9]/g, "");
  const most = Math.min(3, Math.floor(plain(text).length / 3));
  const distances = names.map((name) => editDistance(plain(text), plain(name)));
  const least = Math.min(...distances);
  return least <= most ? names[distances.indexOf(least)] : null;
}
