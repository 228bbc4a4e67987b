/** Contours, components and object metrics of one full-size mask with 200 crypts: bound 2 s. */
import { drawContours, traceContours } from "crypts/annotation";
import type { Mask, RgbImage } from "crypts/image";
import { cryptFeature, cryptRow, findCrypts } from "crypts/crypts";
import { overlapCrypts, scoreObjects } from "crypts/evaluation";
import { createRandom } from "crypts/base";
import { printMachine, printTable, time } from "./machine.ts";

const HEIGHT = 4536, WIDTH = 4704, COLUMNS = 20, ROWS = 10;

/** 200 ellipses on a jittered grid; `shift` moves and swells each a little, as a prediction would. */
function crypts(shift: number): Mask {
  const data = new Uint8Array(HEIGHT * WIDTH), random = createRandom(1);
  for (let n = 0; n < COLUMNS * ROWS; n++) {
    const angle = random.uniform(0, Math.PI),
      a = random.uniform(70, 100),
      b = random.uniform(45, 70);
    const cx = (n % COLUMNS + random.uniform(0.45, 0.55)) * WIDTH / COLUMNS + shift;
    const cy = (Math.floor(n / COLUMNS) + random.uniform(0.3, 0.7)) * HEIGHT / ROWS + shift;
    const cos = Math.cos(angle), sin = Math.sin(angle);
    for (let y = Math.max(0, Math.floor(cy - 110)); y < Math.min(HEIGHT, cy + 110); y++) {
      for (let x = Math.max(0, Math.floor(cx - 110)); x < Math.min(WIDTH, cx + 110); x++) {
        const u = (x - cx) * cos + (y - cy) * sin, v = (y - cy) * cos - (x - cx) * sin;
        const wave = 1 + 0.04 * Math.sin(9 * Math.atan2(v, u) + shift);
        if ((u / a) ** 2 + (v / b) ** 2 <= wave) data[y * WIDTH + x] = 1;
      }
    }
  }
  return { data, height: HEIGHT, width: WIDTH };
}

printMachine();
const truth = crypts(0), predicted = crypts(7);
const image: RgbImage = {
  data: new Uint8Array(HEIGHT * WIDTH * 3),
  height: HEIGHT,
  width: WIDTH,
};
const ours = findCrypts(predicted), theirs = findCrypts(truth);
const scores = scoreObjects(overlapCrypts(ours, theirs));
const steps: [string, () => unknown][] = [
  ["contours traced", () => traceContours(predicted)],
  ["components, holes filled", () => findCrypts(predicted)],
  ["touching crypts split", () => findCrypts(predicted, { split: true })],
  ["measurements", () => ours.map((c) => cryptRow("a", c, 0.5))],
  ["GeoJSON features", () => ours.map((c) => JSON.stringify(cryptFeature(c)))],
  ["F1, object Dice, object Hausdorff", () => scoreObjects(overlapCrypts(ours, theirs))],
  ["contours drawn on the image", () => drawContours(image, predicted, [0, 255, 0])],
];
const rows: [string, string][] = [];
for (const [name, run] of steps) rows.push([name, (await time(run, 3)).toFixed(0)]);
const whole = await time(() => {
  traceContours(predicted);
  return scoreObjects(overlapCrypts(findCrypts(predicted), findCrypts(truth)));
}, 3);
console.log(
  `${HEIGHT} x ${WIDTH}, ${ours.length} predicted and ${theirs.length} true crypts: ` +
    `F1 ${scores.f1.toFixed(3)}, object Dice ${scores.objectDice.toFixed(3)}, ` +
    `object Hausdorff ${scores.objectHausdorff.toFixed(1)} px\n`,
);
printTable([["step", "ms"], ...rows, ["contours, components, metrics", whole.toFixed(0)]]);
console.log(`\nbound 2000 ms: ${whole < 2000 ? "kept" : "MISSED"}`);
