/**
 * Decoding, encoding and scoring of full-size masks (4536 x 4704): `deno run -A bench/masks.ts`.
 *
 * Input: the real encodings of `../shared/colonic-rle` where they are there, else drawn crypts. The
 * baseline is the definition written down pixel by pixel, in the same run.
 */
import { readTextRows } from "crypts/tables";
import { decodeRle, diceScore, encodeRle, polygonsToMask } from "crypts/annotation";
import { createRandom } from "crypts/base";
import { hasShared, sharedPath } from "../tests/support/shared.ts";
import { printMachine, printTable, time } from "./machine.ts";

const HEIGHT = 4536, WIDTH = 4704, REPEATS = 15;

function plainDecode(rle: string): Uint8Array {
  const mask = new Uint8Array(HEIGHT * WIDTH), values = rle.split(" ").map(Number);
  for (let i = 0; i < values.length; i += 2) {
    for (let p = values[i] - 1; p < values[i] - 1 + values[i + 1]; p++) {
      mask[(p % HEIGHT) * WIDTH + Math.floor(p / HEIGHT)] = 1;
    }
  }
  return mask;
}

function plainEncode(mask: Uint8Array): string {
  const runs: number[] = [];
  let before = 0;
  for (let p = 0; p < mask.length; p++) {
    const value = mask[(p % HEIGHT) * WIDTH + Math.floor(p / HEIGHT)];
    if (value && !before) runs.push(p + 1, 0);
    if (value) runs[runs.length - 1]++;
    before = value;
  }
  return runs.join(" ");
}

function plainDice(predicted: Uint8Array, truth: Uint8Array): number {
  let both = 0, sum = 0;
  for (let i = 0; i < truth.length; i++) {
    if (predicted[i] && truth[i]) both++;
    sum += predicted[i] + truth[i];
  }
  return 2 * both / sum;
}

/** Two hundred discs where a data set is missing. */
function drawnCrypts(seed: number): string {
  const random = createRandom(seed);
  const polygons = Array.from({ length: 200 }, () => {
    const [x, y, r] = [
      random.uniform(0, WIDTH),
      random.uniform(0, HEIGHT),
      random.uniform(60, 140),
    ];
    const ring = Array.from({ length: 90 }, (_, i): [number, number] => {
      const angle = i * Math.PI / 45;
      return [x + r * Math.cos(angle), y + r * Math.sin(angle)];
    });
    return { rings: [ring], classification: null };
  });
  return encodeRle(polygonsToMask(polygons, HEIGHT, WIDTH), HEIGHT, WIDTH);
}

function encodings(): [truth: string, predicted: string, source: string] {
  if (!hasShared) return [drawnCrypts(1), drawnCrypts(2), "drawn crypts"];
  const truth = readTextRows(sharedPath("colonic-rle/test.csv"), ["id", "predicted"]);
  const published = readTextRows(sharedPath("colonic-rle/submission.csv"), ["img", "pixels"]);
  return [truth[0].predicted!, published[0].pixels!, truth[0].id!];
}

const [rle, predictedRle, source] = encodings();
const mask = decodeRle(rle, HEIGHT, WIDTH), predicted = decodeRle(predictedRle, HEIGHT, WIDTH);
if (plainEncode(mask) !== encodeRle(mask, HEIGHT, WIDTH)) throw new Error("the baseline differs");

const work: [string, number, () => unknown, () => unknown][] = [
  ["decode", 30, () => decodeRle(rle, HEIGHT, WIDTH), () => plainDecode(rle)],
  ["encode", 60, () => encodeRle(mask, HEIGHT, WIDTH), () => plainEncode(mask)],
  ["Dice", 20, () => diceScore(predicted, mask), () => plainDice(predicted, mask)],
];

printMachine();
const share = mask.reduce((a, b) => a + b) / mask.length;
console.log(
  `${source}: ${rle.split(" ").length / 2} runs, ${(100 * share).toFixed(1)} % crypt; ` +
    `median of ${REPEATS}\n`,
);
const rows = [["work", "ms", "bound ms", "pixel by pixel ms", "times faster"]];
for (const [name, bound, ours, plain] of work) {
  const [a, b] = [await time(ours, REPEATS), await time(plain, 5)];
  rows.push([name, a.toFixed(1), `< ${bound}`, b.toFixed(1), (b / a).toFixed(1)]);
}
printTable(rows);
