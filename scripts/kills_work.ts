/** One step on a small drawn data set, to be killed by `kills.ts`: STEP DATA FOLDER own|other. */
import { join } from "node:path";
import { selectBackend } from "crypts/backend";
import { openDataset } from "crypts/dataset";
import { computeFeatures } from "crypts/embedding";
import { createModel } from "crypts/model";
import { preparePatches, readTrainData } from "crypts/patching";
import { generateDataset } from "crypts/synthetic";
import { trainFolds } from "crypts/training";

const [step, data, folder, settings] = Deno.args;
const other = settings === "other";
const MODEL = {
  ...{ architecture: "Unet", encoder: "efficientnet-b0", encoderDepth: 3 },
  decoderChannels: [16, 8, 8],
};

/** Drawn once, by the first start of all, which is never killed. */
async function dataset() {
  try {
    return await openDataset(data);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    await generateDataset(data, { seed: 3, size: [220, 260] });
    return await openDataset(data);
  }
}

async function patches(side: number, stride: number, size: number) {
  const { train } = await dataset();
  const csvPath = join(folder, "train_data.csv");
  await preparePatches(train.slice(0, size), {
    ...{ window: [side, side], step: [stride, stride], mode: "valid", outDir: folder, csvPath },
  });
  return await readTrainData(csvPath);
}

async function training() {
  await trainFolds(await patches(64, 64, 3), {
    ...{ model: MODEL, modelName: "tiny", foldCount: 3, folds: [0, 1] },
    ...{ outDir: join(folder, "models"), logDir: join(folder, "logs") },
    ...{
      seed: other ? 1 : 0,
      batchSize: 4,
      epochs: 3,
      learningRate: 5e-3,
      schedule: "one-cycle",
      workers: 0,
    },
  });
}

async function features() {
  const { train, test } = await dataset();
  const model = createModel({ ...MODEL, seed: other ? 2 : 1 });
  for (const scale of [1, 0.5]) {
    await computeFeatures([...train, ...test], model, {
      ...{ tile: 32, scale, pool: "average", cachePath: join(folder, `features_${scale}`) },
    });
  }
}

const works: Record<string, () => Promise<unknown>> = {
  patches: () => patches(64, other ? 24 : 16, 5),
  training,
  features,
};
if (step !== "patches") await selectBackend("wasm");
await dataset();
console.log("begin");
await works[step]();
console.log("done");
