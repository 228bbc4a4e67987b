/** What the bundled model says of itself, measured on drawings that it was not trained on. */
import {
  type DecisionGrid,
  DecisionSearch,
  modelPredictor,
  predictMaps,
  tissueDensity,
} from "crypts/inference";
import type { SegmentationModel } from "crypts/model";
import { drawTeaching } from "crypts/synthetic";

/** A series of drawings. */
export interface DrawingSeries {
  series: number;
  /** µm per pixel. */
  pixelSize: number;
}

const DRAWINGS = 48, SIDE = 384;

/**
 * Decisions that are tried. The least area belongs to the task. The margin of the interior stays 0:
 * chosen on drawings too, it parted more on real malignant tissue than there is (docs/synthetic.md).
 */
const GRID: DecisionGrid = {
  threshold: [0.35, 0.4, 0.45, 0.5],
  interior: [0],
  minProbability: [0, 0.6, 0.65, 0.7, 0.75],
  minAreaUm2: [200],
};

/**
 * The threshold and the least mean probability with the best sum of object F1 and object Dice on 48
 * drawings, healthy and diseased.
 */
export async function chooseDecision(
  model: SegmentationModel,
  { series, pixelSize }: DrawingSeries,
) {
  const predictor = modelPredictor(model), search = new DecisionSearch(GRID);
  for (let index = 0; index < DRAWINGS; index++) {
    const { image, labels } = drawTeaching(series, index, { side: SIDE, pixelSize });
    const options = { tile: 192, mode: "sliding", tta: "flips" } as const;
    const { probability, boundary } = await predictMaps(image, [predictor], options);
    search.add({ image: `${index}`, group: "drawings", labels, probability, boundary, pixelSize });
  }
  const { decision: { threshold, minProbability } } = search.best();
  const table = search.decisions.map((decision) => {
    const { dice, f1, objectDice } = search.scores(decision);
    const digits = [dice, f1, objectDice].map((value) => value.toFixed(3));
    return `${decision.threshold} ${decision.minProbability}: ` +
      `Dice ${digits[0]}, object F1 ${digits[1]}, object Dice ${digits[2]}`;
  });
  return { decision: { threshold, minProbability }, table: table.join("\n") };
}

/** Mean and standard deviation, between drawings, of the tissue's optical density. */
export function stainOfDrawings({ series, pixelSize }: DrawingSeries) {
  const densities = Array.from(
    { length: 200 },
    (_, index) => tissueDensity(drawTeaching(series, index, { side: 128, pixelSize }).image),
  ).filter((density) => density !== null);
  const mean = [0, 1, 2].map((c) => densities.reduce((s, d) => s + d[c], 0) / densities.length);
  const deviation = [0, 1, 2].map((c) =>
    Math.sqrt(densities.reduce((s, d) => s + (d[c] - mean[c]) ** 2, 0) / densities.length)
  );
  return { mean, deviation };
}
