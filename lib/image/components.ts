/** Binary masks to labels: one value per connected component. */
import { labelRuns, RunCollector } from "./runs.ts";
import { checkLength, type LabelMask, type Mask } from "./pixels.ts";

/**
 * Numbers the 8-connected components of a mask from 1, in the order of their first pixel row by row
 * (as `skimage.measure.label` with its default connectivity).
 *
 * @param mask every non-zero pixel is crypt
 * @throws {RangeError} when the data do not fit the size, or for more than 65,535 components
 * @example
 * const labels = labelComponents({ data: Uint8Array.of(1, 0, 1), height: 1, width: 3 });
 * console.log(labels.data); // 1, 0, 2
 */
export function labelComponents(mask: Mask): LabelMask {
  checkLength(mask, 1, "mask");
  const { height, width } = mask, collector = new RunCollector(width);
  collector.push(mask.data);
  const runs = collector.finish(), { labels, count } = labelRuns(runs);
  if (count > 65535) {
    throw new RangeError(
      `a mask of ${count} separate regions exceeds the 65,535 that labels can tell apart: is it noise?`,
    );
  }
  const data = new Uint16Array(height * width);
  for (let y = 0; y < height; y++) {
    const row = y * width;
    for (let i = runs.rowStart[y]; i < runs.rowStart[y + 1]; i++) {
      data.fill(labels[i] + 1, row + runs.start[i], row + runs.end[i]);
    }
  }
  return { data, height, width };
}
