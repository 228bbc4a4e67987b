/** Features for benchmarks of embeddings. */
import { createRandom } from "crypts/base";
import type { Matrix } from "crypts/embedding";

/** Normal clouds around three centres that are about as far apart as the clouds are wide; row i is of i % 3. */
export function clusters(rows: number, columns: number): Matrix {
  const random = createRandom(11);
  const centres = Array.from(
    { length: 3 },
    () => Array.from({ length: columns }, () => random.normal(0, 0.2)),
  );
  const values = new Float32Array(rows * columns);
  for (let i = 0; i < rows; i++) {
    for (let c = 0; c < columns; c++) {
      // Falling deviations give the cloud directions that matter, as features have.
      values[i * columns + c] = centres[i % 3][c] + random.normal(0, 4 / (1 + c / 4));
    }
  }
  return { values, rows, columns };
}
