/**
 * Trains the model that comes with the project, on the built-in data, and writes it to
 * `models/bundled/`: `deno run -A scripts/bundle_model.ts [--epochs N]`.
 */
import { basename, dirname, join } from "node:path";
import { parseArgs } from "node:util";
import { selectBackend } from "crypts/backend";
import { BUNDLED_MODEL, loadModel, saveWeights } from "crypts/model";
import {
  BUILT_IN_DATA,
  chooseProfile,
  createProgress,
  ensurePatches,
  openWorkspace,
  trainOptions,
} from "crypts/notebook";
import { trainFolds } from "crypts/training";

const { values } = parseArgs({ options: { epochs: { type: "string", default: "12" } } });
const modelName = basename(BUNDLED_MODEL, "_fold1.safetensors");
const epochs = Number(values.epochs);
const profile = chooseProfile("demo", {
  ...{ epochs, patience: epochs, folds: [1], modelName },
});
const workspace = await openWorkspace({ data: BUILT_IN_DATA, out: "runs/bundled" });
console.log((await selectBackend()).line);

const patches = await ensurePatches(workspace, profile);
const bar = createProgress("Training", profile.epochs, { unit: "epoch" });
const [result] = await trainFolds(patches, {
  ...trainOptions(workspace, profile),
  onStep: ({ epoch, step, steps, loss }) =>
    bar.update(epoch - 1 + step / steps, `loss ${loss.toFixed(3)}`),
});
await bar.finish(`best epoch ${result.bestEpoch}, validation Dice ${result.validDice.toFixed(3)}`);

const { model, metadata } = await loadModel(result.modelPath);
await saveWeights(model, BUNDLED_MODEL, metadata, { half: true });
const log = `${modelName}_fold1.csv`;
await Deno.copyFile(join(workspace.models, "logs", log), join(dirname(BUNDLED_MODEL), log));
