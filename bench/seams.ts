/**
 * Original tiling against sliding windows against sliding windows with test-time augmentation, on the
 * test images of a data set: `DATA MODELS…` (default: the built-in data and models/*.safetensors).
 * Pixel and object scores, and Dice in a band of 16 px along the original's tile borders against
 * elsewhere.
 */
import { glob } from "node:fs/promises";
import { selectBackend } from "crypts/backend";
import { openDataset } from "crypts/dataset";
import { openEnsemble, predictDataset, type TestTimeAugmentation } from "crypts/inference";
import { diceOf, type Overlap } from "crypts/annotation";
import { type ImageScores, scoreImage } from "crypts/evaluation";
import { PROJECT_ROOT } from "crypts/base";
import { BUILT_IN_DATA } from "crypts/notebook";
import { printMachine, printTable } from "./machine.ts";

const BAND = 16;

printMachine();
const [data = `${PROJECT_ROOT}/${BUILT_IN_DATA}`, ...files] = Deno.args;
const paths = files.length > 0 ? files : [];
if (paths.length === 0) {
  for await (const path of glob(`${PROJECT_ROOT}/models/*.safetensors`)) paths.push(path);
}
console.log((await selectBackend()).line);
const ensemble = await openEnsemble(paths.sort());
const tile = ensemble.tile ?? 512, scale = ensemble.scale ?? 1;
const { test } = await openDataset(data);
console.log(
  `${paths.length} models, tiles of ${tile} px at scale ${scale}, ${test.length} images\n`,
);

type Way = {
  name: string;
  mode: "original" | "sliding";
  overlap?: number;
  tta?: TestTimeAugmentation;
};
const ways: Way[] = [
  { name: "original", mode: "original" },
  { name: "sliding 0.25", mode: "sliding" },
  { name: "sliding 0.5", mode: "sliding", overlap: 0.5 },
  { name: "sliding 0.5 + D4", mode: "sliding", overlap: 0.5, tta: "d4" },
];
const perImage: string[][] = [["image", ...ways.map((w) => w.name)]];
const summary: string[][] = [
  ["way", "Dice", "at seams", "elsewhere", "object F1", "object Dice", "Hausdorff px", "s"],
];
for (const [w, way] of ways.entries()) {
  const scores: ImageScores[] = [], start = performance.now();
  const seams = zero(), elsewhere = zero();
  for await (
    const { record, mask, truth } of predictDataset(test, ensemble.predictors, {
      tile,
      scale,
      ...way,
    })
  ) {
    if (!truth) continue;
    const options = { minArea: 500 * scale ** 2 };
    const score = scoreImage(record.id, mask, truth, options);
    scores.push(score);
    countBySeam(mask.data, truth.data, record.width, tile / scale, seams, elsewhere);
    if (w === 0) perImage.push([record.id]);
    perImage[scores.length].push(
      `${score.dice.toFixed(3)} / F1 ${score.f1.toFixed(2)} / oD ${score.objectDice.toFixed(3)}`,
    );
  }
  const mean = (of: (s: ImageScores) => number) =>
    scores.reduce((sum, s) => sum + of(s), 0) / scores.length;
  summary.push([
    way.name,
    mean((s) => s.dice).toFixed(4),
    diceOf(seams).toFixed(4),
    diceOf(elsewhere).toFixed(4),
    mean((s) => s.f1).toFixed(3),
    mean((s) => s.objectDice).toFixed(4),
    mean((s) => s.objectHausdorff).toFixed(1),
    ((performance.now() - start) / 1000).toFixed(1),
  ]);
}
printTable(summary);
console.log();
printTable(perImage);

function zero(): Overlap {
  return { both: 0, predicted: 0, truth: 0 };
}

/** Adds each pixel's counts to the band along inner tile borders, or to the rest. */
function countBySeam(
  predicted: Uint8Array,
  truth: Uint8Array,
  width: number,
  tile: number,
  seams: Overlap,
  elsewhere: Overlap,
): void {
  const near = (at: number) => {
    const from = at % tile;
    return at >= tile / 2 && Math.min(from, tile - from) < BAND / 2;
  };
  for (let i = 0; i < truth.length; i++) {
    const y = Math.floor(i / width), x = i % width;
    const counts = near(y) || near(x) ? seams : elsewhere;
    const p = predicted[i] ? 1 : 0, t = truth[i] ? 1 : 0;
    counts.both += p & t;
    counts.predicted += p;
    counts.truth += t;
  }
}
