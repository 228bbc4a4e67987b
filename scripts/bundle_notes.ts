/** What the bundled model says of itself, measured on drawings that it was not trained on. */
import { type Crypt, cryptsOfLabels, findCrypts } from "crypts/crypts";
import { type ImageScores, poolScores, scoreCrypts } from "crypts/evaluation";
import type { LabelMask } from "crypts/image";
import { classesOf, modelPredictor, predictMaps, tissueDensity } from "crypts/inference";
import type { SegmentationModel } from "crypts/model";
import type { Decision } from "crypts/training";
import { drawTeaching } from "crypts/synthetic";

/** A series of drawings. */
export interface DrawingSeries {
  series: number;
  /** µm per pixel. */
  pixelSize: number;
}

const DRAWINGS = 48, SIDE = 384, MIN_AREA_UM2 = 200;

interface Predicted {
  labels: LabelMask;
  truth: Crypt[];
  probability: Float32Array;
  boundary: Float32Array | null;
}

/**
 * The threshold, the margin of the interior and the least mean probability with the best sum of object F1 and object Dice on 48
 * drawings, healthy and diseased.
 */
export async function chooseDecision(
  model: SegmentationModel,
  { series, pixelSize }: DrawingSeries,
) {
  const predictor = modelPredictor(model);
  const predicted: Predicted[] = [];
  for (let index = 0; index < DRAWINGS; index++) {
    const { image, labels } = drawTeaching(series, index, { side: SIDE, pixelSize });
    const options = { tile: 192, mode: "sliding", tta: "flips" } as const;
    const { probability, boundary } = await predictMaps(image, [predictor], options);
    predicted.push({ labels, truth: cryptsOfLabels(labels), probability, boundary });
  }
  const decisions = [0.35, 0.4, 0.45, 0.5].flatMap((threshold) =>
    [0, 0.2, 0.4, 0.6].flatMap((interior) =>
      [0, 0.6, 0.65, 0.7, 0.75].map((minProbability) => ({ threshold, interior, minProbability }))
    )
  );
  const rows = decisions.map((decision) => {
    const scores = predicted.map((one, i) => scoreWith(one, `${i}`, decision, pixelSize));
    return { ...decision, ...poolScores(scores) };
  });
  const worth = (row: typeof rows[number]) => row.f1 + row.objectDice;
  const best = rows.reduce((a, b) => worth(b) > worth(a) ? b : a);
  const line = (row: typeof rows[number]) => {
    const { threshold, interior, minProbability, dice, f1, objectDice } = row;
    return `${threshold} ${interior} ${minProbability}: Dice ${dice.toFixed(3)}, object F1 ${
      f1.toFixed(3)
    }, ` +
      `object Dice ${objectDice.toFixed(3)}`;
  };
  const { threshold, interior, minProbability } = best;
  return { decision: { threshold, interior, minProbability }, table: rows.map(line).join("\n") };
}

function scoreWith(
  { labels, truth, probability, boundary }: Predicted,
  name: string,
  { threshold, interior, minProbability }: Required<Omit<Decision, "minAreaUm2">>,
  pixelSize: number,
): ImageScores {
  const { height, width } = labels;
  const classes = classesOf(probability, boundary, threshold, interior);
  const mask = { data: classes.map((value) => value === 0 ? 0 : 1), height, width };
  const inner = boundary && classes.map((value) => value === 1 ? 1 : 0);
  const minArea = MIN_AREA_UM2 / pixelSize ** 2;
  const crypts = findCrypts(mask, { minArea, minProbability }, { probability, interior: inner });
  return scoreCrypts(name, mask, labels, crypts, truth);
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
