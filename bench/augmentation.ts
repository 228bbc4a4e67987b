/**
 * Augmentation of 512 px patches: `deno run -A bench/augmentation.ts [PYTHON]`.
 *
 * The cost of each transform, the original's composition in one thread, and the data feeding with
 * two workers: decoded patches from memory, augmented, copied to the main thread. Baseline:
 * albumentations 1.1 on one thread of a Python in which it is installed (bench/augmentation.py says
 * how), run between, where one is named.
 */
import {
  applyMaybe,
  type Augmentation,
  labStatistics,
  macenkoNormalization,
  originalAugmentation,
  originalColourChanges,
  originalDistortions,
  originalTransforms,
  reinhardNormalization,
  type Sample,
  stainAugmentation,
} from "crypts/augment";
import { writeMask, writeRgb } from "crypts/image";
import { createRandom } from "crypts/base";
import { type SampleSource, workerSource } from "crypts/training";
import { printMachine, printTable, time } from "./machine.ts";

const SIDE = 512, REPEATS = 15, COMPOSITIONS = 200, WORKERS = 2, PATCHES = 16, TARGET = 60;

/** Pink and violet blobs: what it costs hardly depends on what is in it. */
function patch(seed: number): Sample {
  const random = createRandom(seed), data = new Uint8Array(3 * SIDE * SIDE);
  const mask = new Uint8Array(SIDE * SIDE), [a, b] = [random.uniform(9, 15), random.uniform(9, 15)];
  for (let i = 0; i < mask.length; i++) {
    const wave = Math.sin((i % SIDE) / a) + Math.cos(Math.floor(i / SIDE) / b);
    mask[i] = wave > 0.4 ? 1 : 0;
    data.set(mask[i] ? [150, 70, 160] : [225, 160, 205], 3 * i);
    for (let c = 0; c < 3; c++) data[3 * i + c] += random.int(30);
  }
  return {
    image: { data, height: SIDE, width: SIDE },
    mask: { data: mask, height: SIDE, width: SIDE },
  };
}

/** Milliseconds by the name of the transform; null where no Python is named. */
async function albumentations(sample: Sample, folder: string) {
  const [python] = Deno.args;
  if (!python) return null;
  const [image, mask] = [`${folder}/image.raw`, `${folder}/mask.raw`];
  await Deno.writeFile(image, sample.image.data);
  await Deno.writeFile(mask, sample.mask.data);
  const script = new URL("./augmentation.py", import.meta.url).pathname;
  const { success, stdout, stderr } = await new Deno.Command(python, {
    args: [script, String(SIDE), image, mask, String(REPEATS), String(COMPOSITIONS)],
  }).output();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
  return JSON.parse(new TextDecoder().decode(stdout)) as Record<string, number>;
}

/** Milliseconds a sample, over many draws. */
function composed(augmentation: Augmentation, sample: Sample): number {
  const random = createRandom(5);
  const run = (label: string, count: number) => {
    for (let i = 0; i < count; i++) applyMaybe(augmentation, sample, random.fork(`${label}${i}`));
  };
  run("warm", COMPOSITIONS / 4);
  const start = performance.now();
  run("timed", COMPOSITIONS);
  return (performance.now() - start) / COMPOSITIONS;
}

/** Samples a second of a source that always has two batches of eight under way. */
async function fed(source: SampleSource, folder: string): Promise<number> {
  const path = (i: number) => `${folder}/${i % PATCHES}`;
  const prepare = (i: number, stream: string) =>
    source.prepare({
      imagePath: `${path(i)}.png`,
      maskPath: `${path(i)}_mask.png`,
      stream: `${stream} ${i}`,
    });
  for (const stream of ["decoding", "warm"]) {
    await Promise.all(Array.from({ length: 2 * PATCHES }, (_, i) => prepare(i, stream)));
  }
  let next = 0;
  const lane = async () => {
    while (next < 2 * COMPOSITIONS) await prepare(next++, "timed");
  };
  const start = performance.now();
  await Promise.all(Array.from({ length: 16 }, lane));
  return 2 * COMPOSITIONS / ((performance.now() - start) / 1000);
}

printMachine();
const folder = await Deno.makeTempDir();
try {
  const sample = patch(0);
  const baseline = await albumentations(sample, folder);
  const beside = (name: string, ms: number) =>
    baseline?.[name] ? [baseline[name].toFixed(1), (baseline[name] / ms).toFixed(1)] : ["", ""];
  const rows = [["one patch, one thread", "ms", "albumentations ms", "times faster"]];
  const transforms = [
    ...originalTransforms().filter(({ name }) => name !== "OneOf"),
    ...originalDistortions(),
    ...originalColourChanges(),
    stainAugmentation(),
    macenkoNormalization(),
    reinhardNormalization(labStatistics(patch(1).image)),
  ];
  for (const transform of transforms) {
    const random = createRandom(2);
    // Code compiled once for many transforms is timed as it runs in a composition.
    for (let i = 0; i < 5; i++) transform.apply(sample, random);
    const ms = await time(() => transform.apply(sample, random), REPEATS);
    rows.push([transform.name, ms.toFixed(1), ...beside(transform.name, ms)]);
  }
  const ms = composed(originalAugmentation(), sample);
  rows.push(["the original's composition", ms.toFixed(1), ...beside("composition", ms)]);
  printTable(rows);

  for (let i = 0; i < PATCHES; i++) {
    const { image, mask } = patch(i);
    await writeRgb(`${folder}/${i}.png`, image);
    await writeMask(`${folder}/${i}_mask.png`, mask);
  }
  console.log(`\ncomposition: ${(1000 / ms).toFixed(0)} patches/s in one thread`);
  const source = workerSource({ augmentation: "original", seed: 1, cacheBytes: 1e9 }, WORKERS);
  const rate = await fed(source, folder);
  source.close();
  console.log(`feeding: ${rate.toFixed(0)} patches/s with ${WORKERS} workers (at least ${TARGET})`);
} finally {
  await Deno.remove(folder, { recursive: true });
}
