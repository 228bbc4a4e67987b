/** A training in a process of its own, to be killed by `resume_test.ts`. */
import { selectBackend } from "../../lib/backend/select.ts";
import type { Patch } from "../../lib/patching/patch_table.ts";
import { trainFolds } from "../../lib/training/train_folds.ts";
import { SMALL_MODEL } from "./training_data.ts";

const [patchList, folder] = Deno.args;
const patches: Patch[] = JSON.parse(await Deno.readTextFile(patchList));
await selectBackend("wasm");
await trainFolds(patches, {
  model: SMALL_MODEL,
  modelName: "small",
  outDir: `${folder}/models`,
  logDir: `${folder}/logs`,
  foldCount: 3,
  folds: [0, 2],
  batchSize: 3,
  epochs: 3,
  learningRate: 5e-3,
  schedule: "one-cycle",
  workers: 1,
  onStep: (p) => console.log(`fold ${p.fold} epoch ${p.epoch} step ${p.step}`),
});
console.log("finished");
