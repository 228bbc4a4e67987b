/**
 * What skipping glass saves: a drawn slide, a third of it tissue, with the bundled model, windows of glass
 * asked and not asked. `[SIDE]`, default 3072 px.
 */
import { join } from "node:path";
import { selectBackend } from "crypts/backend";
import { createRandom } from "crypts/base";
import type { RgbImage } from "crypts/image";
import { openEnsemble, openImage, segmentImage } from "crypts/inference";
import { BUNDLED_MODEL } from "crypts/model";
import { generateDataset } from "crypts/synthetic";
import { readRgb } from "crypts/image";
import { printMachine, printTable } from "./machine.ts";

const side = Number(Deno.args[0] ?? 3072);
printMachine();
const folder = await Deno.makeTempDir();
try {
  const slide = await drawSlide(side);
  console.log((await selectBackend()).line + "\n");
  const ensemble = await openEnsemble([BUNDLED_MODEL]);
  const tile = 512, rows: (string | number)[][] = [["windows", "glass", "s", "crypt pixels"]];
  const opened = await openImage(slide, { scale: 1 });
  for (const skipGlass of [true, false, true, false]) {
    const start = performance.now();
    const found = await segmentImage(opened, ensemble.predictors, {
      ...{ tile, mode: "sliding", skipGlass },
    });
    const seconds = (performance.now() - start) / 1000;
    rows.push([found.windows, found.glassWindows, seconds.toFixed(1), found.cryptPixels]);
  }
  printTable(rows);
  ensemble.dispose();
} finally {
  await Deno.remove(folder, { recursive: true });
}

/** Glass with a scanner's noise, and on the middle third of its columns drawn tissue. */
async function drawSlide(side: number): Promise<RgbImage> {
  const data = new Uint8Array(side * side * 3), random = createRandom(1);
  for (let i = 0; i < data.length; i++) data[i] = 238 + random.int(10);
  await generateDataset(folder, { seed: 2, size: [900, 900] });
  const names = [...Deno.readDirSync(join(folder, "train"))].map((entry) => entry.name).sort();
  const [name] = names.filter((one) => /\.tiff?$/.test(one));
  const tissue = await readRgb(join(folder, "train", name));
  const left = Math.floor(side / 3), width = Math.floor(side / 3);
  for (let y = 0; y < side; y++) {
    for (let x = 0; x < width; x++) {
      const from = ((y % tissue.height) * tissue.width + x % tissue.width) * 3;
      data.set(tissue.data.subarray(from, from + 3), (y * side + left + x) * 3);
    }
  }
  return { data, height: side, width: side };
}
