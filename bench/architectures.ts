/**
 * Architectures and encoders under an equal budget, as the original compared them: pixel Dice of the
 * validation images, mean and deviation over folds, parameters and time.
 *
 *     deno run -A bench/architectures.ts [--steps N] [--folds 0,1] [ARCHITECTURE/ENCODER…]
 *
 * Without names: Unet, UnetPlusPlus, Linknet and MAnet by `timm-tf_efficientnet_lite0` and
 * `timm-tf_efficientnet_lite1`, all from ImageNet weights. The data, the patches and everything but the
 * model are the profile `demo`'s. Dice is that of patches (`evaluate`), after the last step.
 */
import { join } from "node:path";
import { selectBackend } from "crypts/backend";
import { createModel } from "crypts/model";
import {
  chooseProfile,
  ensurePatches,
  openData,
  openWorkspace,
  trainOptions,
} from "crypts/notebook";
import { trainFolds } from "crypts/training";
import { printMachine, printTable } from "./machine.ts";

const ARCHITECTURES = ["Unet", "UnetPlusPlus", "Linknet", "MAnet"];
const ENCODERS = ["timm-tf_efficientnet_lite0", "timm-tf_efficientnet_lite1"];

/** Steps of one fold, the folds, and what is compared. */
function readArguments(args: string[]) {
  let steps = 104, folds = [0, 1];
  const pairs: string[] = [];
  for (let i = 0; i < args.length; i++) {
    if (args[i] === "--steps") steps = Number(args[++i]);
    else if (args[i] === "--folds") folds = (args[++i] ?? "").split(",").map(Number);
    else pairs.push(args[i]);
  }
  if (!(Number.isInteger(steps) && steps > 0)) {
    throw new RangeError(`--steps must be a positive integer, got ${steps}`);
  }
  const all = ENCODERS.flatMap((e) => ARCHITECTURES.map((a) => `${a}/${e}`));
  for (const pair of pairs) {
    if (!all.includes(pair)) {
      throw new RangeError(`"${pair}" is not one of ${all.join(", ")}`);
    }
  }
  return { steps, folds, pairs: pairs.length > 0 ? pairs : all };
}

const { steps, folds, pairs } = readArguments(Deno.args);
printMachine();
const backend = await selectBackend();
const out = await Deno.makeTempDir({ prefix: "crypts-architectures-" });
try {
  const workspace = { ...await openWorkspace(), work: join(out, "work") };
  const dataset = await openData(workspace);
  const rows = [[
    "architecture",
    "encoder",
    "parameters",
    "Dice (soft)",
    "± over folds",
    "s per fold",
  ]];
  for (const pair of pairs) {
    const [architecture, encoder] = pair.split("/");
    const model = { ...chooseProfile("demo").model, architecture, encoder };
    const profile = chooseProfile("demo", { model, folds, epochs: 1, epochSteps: steps });
    const patches = await ensurePatches(workspace, profile);
    const place = { ...workspace, models: join(out, pair.replace("/", "-")) };
    const start = performance.now();
    const results = await trainFolds(patches, trainOptions(place, profile, dataset));
    const seconds = (performance.now() - start) / 1000 / results.length;
    const dice = results.map(({ validDice }) => validDice);
    const mean = dice.reduce((a, b) => a + b, 0) / dice.length;
    const variance = dice.reduce((sum, d) => sum + (d - mean) ** 2, 0) / (dice.length - 1);
    const built = createModel({ ...model, classes: 3, seed: 0 });
    const count = `${(built.parameterCount / 1e6).toFixed(2)} M`;
    built.dispose();
    const spread = dice.length > 1 ? Math.sqrt(variance).toFixed(4) : "–";
    rows.push([architecture, encoder, count, mean.toFixed(4), spread, seconds.toFixed(0)]);
  }
  console.log(`${steps} steps of a fold, folds ${folds.join(", ")}, backend ${backend.name}`);
  printTable(rows);
} finally {
  await Deno.remove(out, { recursive: true });
}
