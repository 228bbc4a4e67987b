/** Test-time augmentation by the symmetries of the square. */

/** `"flips"`: identity, both flips and the half turn. `"d4"`: all eight flips and rotations. */
export type TestTimeAugmentation = "none" | "flips" | "d4";

/** A symmetry as a table: pixel `i` of the transformed tile is pixel `table[i]` of the tile. */
export type Symmetry = Uint32Array;

const COUNT: Record<TestTimeAugmentation, number> = { none: 1, flips: 4, d4: 8 };

/**
 * The tables of a kind of augmentation for tiles of a side, the identity first.
 *
 * @throws {RangeError} for an unknown kind, listing the known ones
 */
export function symmetries(kind: TestTimeAugmentation, side: number): Symmetry[] {
  if (!Object.hasOwn(COUNT, kind)) {
    throw new RangeError(
      `test-time augmentation must be one of ${Object.keys(COUNT).join(", ")}, got "${kind}"`,
    );
  }
  // Bit 0 flips left-right, bit 1 upside down, bit 2 transposes: the eight elements of D4.
  return Array.from({ length: COUNT[kind] }, (_, bits) => {
    const table = new Uint32Array(side * side);
    for (let y = 0, i = 0; y < side; y++) {
      for (let x = 0; x < side; x++) {
        const column = bits & 1 ? side - 1 - x : x, row = bits & 2 ? side - 1 - y : y;
        table[i++] = bits & 4 ? column * side + row : row * side + column;
      }
    }
    return table;
  });
}

/** A transformed copy of a tile of interleaved RGB bytes. */
export function transformRgb(rgb: Uint8Array, table: Symmetry): Uint8Array {
  const out = new Uint8Array(rgb.length);
  for (let i = 0, o = 0; i < table.length; i++, o += 3) {
    const from = table[i] * 3;
    out[o] = rgb[from];
    out[o + 1] = rgb[from + 1];
    out[o + 2] = rgb[from + 2];
  }
  return out;
}

/**
 * Puts values of a transformed tile back where the tile has them: the inverse transformation, of each
 * channel where there are several (one after another).
 */
export function restoreValues(values: Float32Array, table: Symmetry): Float32Array {
  const out = new Float32Array(values.length), pixels = table.length;
  for (let first = 0; first < values.length; first += pixels) {
    for (let i = 0; i < pixels; i++) out[first + table[i]] = values[first + i];
  }
  return out;
}
