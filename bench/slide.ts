/**
 * A slide of 40 000 x 40 000 px (a generated tiled TIFF, 0.5 µm per pixel) segmented within bounded
 * memory: `[SIDE] [MODEL]`. Without a model a threshold on colour stands in for one, so that what is
 * measured is all the rest: reading by regions, blending, mask, crypts, encoding, GeoJSON. With one
 * (`bundled`, or a file) the middle third of the slide is drawn tissue and the rest glass.
 */
import { join } from "node:path";
import { selectBackend } from "crypts/backend";
import { BUNDLED_MODEL } from "crypts/model";
import { createRandom } from "crypts/base";
import { drawTeaching } from "crypts/synthetic";
import { openEnsemble, segmentFile, type TilePredictor } from "crypts/inference";
import { TiffStream } from "crypts/image";
import { formatSeconds } from "crypts/notebook";
import { peakMegabytes, printMachine } from "./machine.ts";

const side = Number(Deno.args[0] ?? 40_000);
const model = Deno.args[1] === "bundled" ? BUNDLED_MODEL : Deno.args[1];
printMachine();
const folder = await Deno.makeTempDir();
try {
  const path = join(folder, "slide.tiff");
  const crypts = model ? await writeTissue(path, side) : await writeSlide(path, side);
  const bytes = (await Deno.stat(path)).size;
  console.log(
    `${side} x ${side} px, ${crypts}, file ${(bytes / 2 ** 20).toFixed(0)} MiB, ` +
      `pixels ${(side * side * 3 / 2 ** 30).toFixed(2)} GiB`,
  );
  if (model) console.log((await selectBackend()).line);
  const opened = model ? await openEnsemble([model]) : null;
  const ensemble = opened?.predictors ?? [colourThreshold()];
  const before = peakMegabytes(), start = performance.now();
  const result = await segmentFile({ id: "slide", path, pixelSize: 0.5 }, ensemble, {
    ...{ tile: opened?.tile ?? 512, mode: "sliding", outDir: join(folder, "out"), geojson: true },
    ...{ modelPixelSize: opened?.pixelSize ?? undefined, skipGlass: true },
    crypts: { minArea: 500 },
  });
  const seconds = (performance.now() - start) / 1000;
  console.log(
    `${result.tiles} tiles, ${result.glassTiles} of them glass, ${result.crypts} crypts, ${
      formatSeconds(seconds)
    }, ` +
      `${(result.tiles / seconds).toFixed(1)} tiles/s`,
  );
  console.log(`peak memory ${peakMegabytes()} MiB (${before} MiB before), bound 4096 MiB`);
} finally {
  await Deno.remove(folder, { recursive: true });
}

/** Discs of 120 px radius on a grid of 400 px, red on cyan with a little structure. */
async function writeSlide(path: string, side: number): Promise<string> {
  const stream = await TiffStream.create(path, { height: side, width: side, channels: 3 });
  const period = 400, rows = new Uint8Array(period * side * 3);
  for (let y = 0, i = 0; y < period; y++) {
    for (let x = 0; x < side; x++) {
      const inside = (y - 200) ** 2 + (x % period - 200) ** 2 <= 120 ** 2, grain = (x ^ y) & 15;
      rows[i++] = inside ? 200 + grain : 20;
      rows[i++] = inside ? 30 : 190 + grain;
      rows[i++] = inside ? 40 : 200;
    }
  }
  for (let top = 0; top < side; top += period) {
    await stream.push(rows.subarray(0, Math.min(period, side - top) * side * 3));
  }
  await stream.finish();
  return `${Math.ceil((side - 80) / period) ** 2} discs`;
}

/** Glass with a scanner's noise; the middle third of the columns repeats one drawn piece of tissue. */
async function writeTissue(path: string, side: number): Promise<string> {
  const stream = await TiffStream.create(path, { height: side, width: side, channels: 3 });
  const period = 1024, random = createRandom(1), third = Math.floor(side / 3);
  const { image } = drawTeaching(18, 0, { side: period, pixelSize: 0.5 });
  const rows = new Uint8Array(period * side * 3);
  for (let i = 0; i < rows.length; i++) rows[i] = 238 + random.int(10);
  for (let y = 0; y < period; y++) {
    for (let x = third; x < 2 * third; x += period) {
      const width = Math.min(period, 2 * third - x), from = y * period * 3;
      rows.set(image.data.subarray(from, from + width * 3), (y * side + x) * 3);
    }
  }
  for (let top = 0; top < side; top += period) {
    await stream.push(rows.subarray(0, Math.min(period, side - top) * side * 3));
  }
  await stream.finish();
  return "a third of it drawn tissue";
}

function colourThreshold(): TilePredictor {
  return {
    name: "threshold on colour",
    engine: "closed form",
    classes: 2,
    channels: 1,
    sideMultiple: 1,
    predict: (tiles, height, width) =>
      Promise.resolve(tiles.map((rgb) => {
        const out = new Float32Array(height * width);
        for (let i = 0; i < out.length; i++) out[i] = rgb[3 * i] / 255;
        return out;
      })),
    dispose() {},
  };
}
