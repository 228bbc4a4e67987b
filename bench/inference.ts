/**
 * One image of 4536 x 4704 px through Unet efficientnet-b2 in tiles of 512 px, one model: time, tiles
 * a second, memory, and what share is spent outside of the network (bound: 10%). `[--quick] [BACKEND…]`,
 * by default the best TensorFlow.js backend here and ONNX Runtime; quick is a ninth of the image.
 */
import { selectBackend } from "crypts/backend";
import type { RgbImage } from "crypts/image";
import { modelPredictor, predictImage, type TilePredictor } from "crypts/inference";
import { createModel, onnxPredictor } from "crypts/model";
import { createRandom } from "crypts/base";
import { peakMegabytes, printMachine, printTable } from "./machine.ts";

/** PyTorch 1.13.1 on two cores, one 512 px tile in evaluation mode, in ms (../shared/NOTES.md). */
const PYTORCH = 144;
const quick = Deno.args.includes("--quick");
const [HEIGHT, WIDTH] = quick ? [1536, 1536] : [4536, 4704];

printMachine();
const asked = Deno.args.filter((name) => name !== "--quick");
const names = asked.length > 0 ? asked : ["", "onnx"];
const model = await (async () => {
  const report = await selectBackend(names.find((name) => name && name !== "onnx"));
  console.log(report.line + "\n");
  return createModel({ architecture: "Unet", encoder: "efficientnet-b2", seed: 1 });
})();
const image = picture();
const rows: (string | number)[][] = [
  ["engine", "mode", "tiles", "s", "tiles/s", "ms/tile", "x PyTorch", "outside", "peak MiB"],
];
for (const name of names) {
  const onnx = name === "onnx";
  const timed = stopwatch(onnx ? await onnxPredictor(model) : modelPredictor(model));
  for (const mode of ["original", "sliding"] as const) {
    if (mode === "sliding" && !onnx && names.length > 1) continue;
    // Compiles, and fills the caches.
    const warm = { data: image.data.subarray(0, 512 * 512 * 3), height: 512, width: 512 };
    await predictImage(warm, [timed], { tile: 512, mode });
    timed.reset();
    let tiles = 0;
    const start = performance.now();
    await predictImage(image, [timed], { tile: 512, mode, onTile: (_, total) => tiles = total });
    const seconds = (performance.now() - start) / 1000;
    const each = seconds * 1000 / tiles;
    rows.push([
      onnx ? "ONNX Runtime" : "TensorFlow.js",
      mode,
      tiles,
      seconds.toFixed(1),
      (tiles / seconds).toFixed(2),
      each.toFixed(0),
      (PYTORCH / each).toFixed(2),
      `${(100 * (1 - timed.seconds() / seconds)).toFixed(1)}%`,
      peakMegabytes(),
    ]);
  }
}
printTable(rows);
console.log(
  `\n"x PyTorch": ${PYTORCH} ms a tile (1.13.1, two cores, batch 1), so above 1 is faster; ` +
    `"outside": share of the time not spent in the network, bound 10%`,
);

/** Counts the time spent in a predictor. */
function stopwatch(inner: TilePredictor): TilePredictor & { reset(): void; seconds(): number } {
  let spent = 0;
  return {
    ...{ name: inner.name, engine: inner.engine, sideMultiple: inner.sideMultiple },
    ...{ classes: inner.classes, channels: inner.channels },
    async predict(rgb, height, width) {
      const start = performance.now();
      try {
        return await inner.predict(rgb, height, width);
      } finally {
        spent += performance.now() - start;
      }
    },
    dispose: () => inner.dispose(),
    reset: () => spent = 0,
    seconds: () => spent / 1000,
  };
}

function picture(): RgbImage {
  const random = createRandom(1), data = new Uint8Array(HEIGHT * WIDTH * 3);
  for (let i = 0; i < data.length; i++) data[i] = random.int(256);
  return { data, height: HEIGHT, width: WIDTH };
}
