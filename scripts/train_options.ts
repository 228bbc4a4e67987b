/** The options of `deno task train`: read, checked, and said in words. */
import { BACKENDS } from "crypts/backend";
import { initialWeightsPath } from "crypts/model";
import { checkSetting, chooseProfile, type Profile, PROFILES } from "crypts/notebook";
import { LOSSES, type LossName } from "crypts/tensor";
import type { TrainOptions } from "crypts/training";
import { numberOption, parseOptions, refuseEmpty } from "./command.ts";

export const HELP = `Trains the folds of a profile and scores them on the test images.
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
                         "bundled" and "bundled-lite2" come with the project
  --encoder-weights NAME imagenet, or none for random ones (default: the profile's)
  --workers N            threads that decode and augment
  --fresh                starts anew even if there is something to go on from
  --no-test              leaves the test images alone

Exit: 0 done, 1 training failed, 2 the command cannot be run.`;

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
  refuseSettings(args);
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
  refuseBoth(values, settings);
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
  const seen = new Set<string>();
  const entries = settings.map((text) => {
    const [, key, value] = /^([^=]+)=(.*)$/s.exec(text) ?? [];
    if (!key) throw new RangeError(`--set takes KEY=VALUE, got "${text}"`);
    try {
      checkSetting(key);
    } catch (error) {
      throw new RangeError(`--set ${text}: ${(error as Error).message}`, { cause: error });
    }
    if (seen.has(key)) throw new RangeError(`--set ${key} is given more than once: give it once`);
    seen.add(key);
    try {
      return [key, JSON.parse(value)];
    } catch {
      return [key, value];
    }
  });
  return Object.fromEntries(entries);
}

/** Options that say the same as a setting. */
const SAME = {
  loss: "loss",
  init: "initialWeights",
  weights: "initialWeights",
  "encoder-weights": "encoderWeights",
  "by-donor": "groupBy",
} as const satisfies Partial<Record<keyof typeof OPTIONS, keyof Profile>>;

/** @throws {RangeError} naming an option and the setting that says the same, where both are given */
function refuseBoth(values: Record<string, unknown>, settings: Partial<Profile>): void {
  for (const [option, key] of Object.entries(SAME)) {
    if (!values[option] || !Object.hasOwn(settings, key)) continue;
    throw new RangeError(`--${option} and --set ${key} are the same: give one`);
  }
}

/** @throws {RangeError} where a setting of the profile is given as an option: `--epochs 2` */
function refuseSettings(args: readonly string[]): void {
  for (const [i, arg] of args.entries()) {
    const [, name, given] = /^--([A-Za-z][\w-]*)(?:=(.*))?$/s.exec(arg) ?? [];
    if (name === undefined || Object.hasOwn(OPTIONS, name)) continue;
    const plain = (text: string) => text.toLowerCase().replaceAll("-", "");
    const key = Object.keys(PROFILES.paper).find((key) => plain(key) === plain(name));
    if (key === undefined || key === "name") continue;
    const next = args[i + 1], value = given ?? (next?.startsWith("--") ? "" : next) ?? "";
    throw new RangeError(
      `there is no option --${name}, it is a setting of the profile: --set ${key}=${
        value || "VALUE"
      }`,
    );
  }
}
