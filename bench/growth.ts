/**
 * How time grows with the work: inference with the slide's side, a training step with the batch,
 * embeddings with the number of tiles.
 *
 *     deno run -A bench/growth.ts [inference|training|embeddings] [SIZE…]
 *
 * Rows of docs/growth.csv that are measured again are replaced, then docs/growth.svg is drawn anew.
 * Each figure comes from a process of its own, whose peak memory is its own too. Inference: a
 * generated tiled TIFF, drawn tissue at 0.5 µm per pixel (a sixth is glass, of which nothing is
 * skipped), the bundled model by ONNX Runtime in sliding windows, from the file on disk to mask,
 * table and GeoJSON. Training: one step of Unet B0 on 128 px patches on WebAssembly, the best of
 * three. Embeddings: `embed` of three overlapping clusters with 256 columns, quality included, as the
 * notebook Viz runs it: exact up to 2,000 tiles, approximate above. Slides are drawn again each time
 * (minutes from 20,000 px on) and are not part of the time; CRYPTS_GROWTH_SLIDES names a folder that
 * keeps them. A slide of 40000 has to be asked for.
 */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { selectBackend } from "crypts/backend";
import { createRandom, exists, PROJECT_ROOT, writeWhole } from "crypts/base";
import { embed, type EmbeddingMethod, METHODS } from "crypts/embedding";
import { TiffStream } from "crypts/image";
import { openEnsemble, segmentFile } from "crypts/inference";
import { BUNDLED_MODEL, createModel } from "crypts/model";
import { Ranger } from "crypts/ranger";
import { drawTeaching } from "crypts/synthetic";
import { readTextRows } from "crypts/tables";
import { crossEntropy } from "crypts/tensor";
import { type Batch, trainStep } from "crypts/training";
import { METHOD_TITLES, panelsFigure } from "crypts/viz";
import { clusters } from "./clusters.ts";
import { peakMegabytes, printMachine, printTable } from "./machine.ts";

/** What is measured, and at which sizes. */
const PARTS = {
  inference: { lines: ["bundled model"], sizes: [1000, 2500, 5000, 10_000, 20_000] },
  training: { lines: ["Unet B0 on WASM"], sizes: [1, 2, 4, 8, 16] },
  embeddings: { lines: METHODS, sizes: [500, 1000, 2000, 3000, 5000, 10_000, 20_000] },
} satisfies Record<string, { lines: readonly string[]; sizes: number[] }>;
type Part = keyof typeof PARTS;

interface Figure {
  seconds: number;
  peak: number;
}

interface Row extends Figure {
  part: Part;
  line: string;
  size: number;
}

const UNITS: Record<Part, { yLabel: string; of: (size: number) => number }> = {
  inference: { yLabel: "inference: s per million pixels", of: (side) => side * side / 1e6 },
  training: { yLabel: "training step: ms per patch", of: (batch) => batch / 1000 },
  embeddings: { yLabel: "embeddings: ms per tile", of: (tiles) => tiles / 1000 },
};

const TABLE = join(PROJECT_ROOT, "docs", "growth.csv");
const COLUMNS = ["part", "line", "size", "seconds", "peak_mib"];

if (Deno.args[0] === "--one") {
  const [, part, line, size] = Deno.args;
  console.log(JSON.stringify(await measure(part as Part, line, Number(size))));
} else {
  await compare(Deno.args);
}

async function compare(args: readonly string[]): Promise<void> {
  printMachine();
  const parts = (Object.keys(PARTS) as Part[])
    .filter((part) => args.length === 0 || args[0] === part);
  if (parts.length === 0) {
    throw new RangeError(`there is no part "${args[0]}"; there are ${Object.keys(PARTS)}`);
  }
  const asked = args.slice(1).map(Number);
  for (const part of parts) {
    const { lines, sizes } = PARTS[part], rows: Row[] = [];
    for (const size of asked.length > 0 ? asked : sizes) {
      for (const line of lines) rows.push({ part, line, size, ...await alone(part, line, size) });
    }
    printTable([
      ["", "size", "s", UNITS[part].yLabel, "peak MiB"],
      ...rows.map((row) => [
        row.line,
        row.size,
        row.seconds.toFixed(2),
        perUnit(row).toPrecision(3),
        row.peak,
      ]),
    ]);
    await keep(rows);
  }
  await writeWhole(join(PROJECT_ROOT, "docs", "growth.svg"), draw(readRows()));
}

/** Measures in a process of its own. */
async function alone(part: Part, line: string, size: number): Promise<Figure> {
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", fileURLToPath(import.meta.url), "--one", part, line, String(size)],
  }).output();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
  return JSON.parse(new TextDecoder().decode(stdout).trim().split("\n").at(-1)!);
}

async function measure(part: Part, line: string, size: number): Promise<Figure> {
  const seconds = part === "inference"
    ? await inferenceSeconds(size)
    : part === "training"
    ? await stepSeconds(size)
    : await embeddingSeconds(line as EmbeddingMethod, size);
  return { seconds, peak: peakMegabytes() };
}

async function secondsOf(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return (performance.now() - start) / 1000;
}

async function inferenceSeconds(side: number): Promise<number> {
  const folder = await Deno.makeTempDir();
  try {
    const slides = Deno.env.get("CRYPTS_GROWTH_SLIDES");
    const path = slides ? join(slides, `${side}.tiff`) : join(folder, "slide.tiff");
    if (!await exists(path)) await writeTissue(path, side);
    await selectBackend("wasm");
    const { predictors, tile, pixelSize } = await openEnsemble([BUNDLED_MODEL]);
    const modelPixelSize = pixelSize ?? undefined;
    return await secondsOf(() =>
      segmentFile({ id: "slide", path, pixelSize: 0.5 }, predictors, {
        ...{ tile: tile ?? 512, mode: "sliding", outDir: join(folder, "out"), geojson: true },
        ...{ modelPixelSize, skipGlass: false, crypts: { minArea: 500 } },
      })
    );
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** One drawn piece of tissue of 1024 px, repeated over the whole slide. */
async function writeTissue(path: string, side: number): Promise<void> {
  const stream = await TiffStream.create(path, { height: side, width: side, channels: 3 });
  const period = 1024, { image } = drawTeaching(18, 0, { side: period, pixelSize: 0.5 });
  const rows = new Uint8Array(period * side * 3);
  for (let y = 0; y < period; y++) {
    for (let x = 0; x < side; x += period) {
      const width = Math.min(period, side - x), from = y * period * 3;
      rows.set(image.data.subarray(from, from + width * 3), (y * side + x) * 3);
    }
  }
  for (let top = 0; top < side; top += period) {
    await stream.push(rows.subarray(0, Math.min(period, side - top) * side * 3));
  }
  await stream.finish();
}

async function stepSeconds(count: number): Promise<number> {
  await selectBackend("wasm");
  const side = 128, random = createRandom(1), pixels = count * side * side;
  const model = createModel({ architecture: "Unet", encoder: "efficientnet-b0", seed: 1 });
  const optimizer = new Ranger(1e-3, { weightDecay: 1e-4 });
  const batch: Batch = {
    patches: Array.from({ length: count }, (_, i) => ({
      ...{ imagePath: `${i}`, maskPath: `${i}`, crypt: true, image: "noise" },
    })),
    images: Float32Array.from({ length: pixels * 3 }, () => random.normal()),
    masks: Uint8Array.from({ length: pixels }, () => random.int(2)),
    weights: null,
    ...{ height: side, width: side, valid: { height: side, width: side } },
  };
  let best = Infinity;
  for (let i = 0; i < 4; i++) {
    const seconds = await secondsOf(async () => {
      await trainStep(model, optimizer, batch, { loss: crossEntropy, random });
      await model.trainable[0].data();
    });
    // The first step compiles and fills the pools of memory.
    if (i > 0) best = Math.min(best, seconds);
  }
  return best;
}

async function embeddingSeconds(method: EmbeddingMethod, rows: number): Promise<number> {
  const features = clusters(rows, 256), labels = Array.from({ length: rows }, (_, i) => i % 3);
  return await secondsOf(() => embed(features, { method, seed: 1, labels }));
}

function perUnit({ part, size, seconds }: Row): number {
  return seconds / UNITS[part].of(size);
}

function readRows(): Row[] {
  try {
    Deno.statSync(TABLE);
  } catch {
    return [];
  }
  return readTextRows(TABLE, COLUMNS).map((row) => ({
    part: row.part as Part,
    line: row.line!,
    size: Number(row.size),
    seconds: Number(row.seconds),
    peak: Number(row.peak_mib),
  }));
}

async function keep(fresh: readonly Row[]): Promise<void> {
  const key = (row: Row) => [row.part, row.line, row.size].join();
  const rows = new Map([...readRows(), ...fresh].map((row) => [key(row), row]));
  const order = Object.keys(PARTS);
  const sorted = [...rows.values()].sort((a, b) =>
    order.indexOf(a.part) - order.indexOf(b.part) || a.line.localeCompare(b.line) || a.size - b.size
  );
  const text = [
    COLUMNS,
    ...sorted.map((r) => [r.part, r.line, r.size, r.seconds.toFixed(3), r.peak]),
  ];
  await writeWhole(TABLE, text.map((row) => row.join() + "\n").join(""));
}

function draw(rows: readonly Row[]): string {
  const panel = (part: Part, xLabel: string, xLog: number[]) => {
    const own = Map.groupBy(rows.filter((row) => row.part === part), (row) => row.line);
    const lines = [...own].map(([line, of]) => ({
      name: METHOD_TITLES[line as EmbeddingMethod] ?? line,
      points: of.map((row) => ({ x: row.size, y: perUnit(row) })),
    }));
    const highest = Math.max(...lines.flatMap(({ points }) => points.map(({ y }) => y)));
    const yDomain: [number, number] = [0, highest];
    return { lines, options: { xLabel, xLog, yDomain, yLabel: UNITS[part].yLabel } };
  };
  return panelsFigure(
    [
      panel("inference", "side of the slide in px", [1000, 2500, 5000, 10_000, 20_000, 40_000]),
      panel("training", "patches in a batch", PARTS.training.sizes),
      panel("embeddings", "tiles", [500, 2000, 5000, 20_000]),
    ].filter(({ lines }) => lines.length > 0),
    {
      title: "Time by unit of work: level where it grows in proportion",
      subtitle: "two cores; t-SNE and MDS are exact up to 2,000 tiles, approximate above",
    },
  );
}
