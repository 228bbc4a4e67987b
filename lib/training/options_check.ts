/** The ranges of a training's settings. */
import { createAugmentation } from "../augment/mod.ts";
import type { CompleteOptions } from "./options.ts";
import { checkTarget } from "./targets.ts";

type Need = (name: string, value: unknown, fits: boolean, what: string) => void;

/** @throws {RangeError} naming the setting that is out of its range */
export function checkOptions(o: CompleteOptions): void {
  const need: Need = (name, value, fits, what) => {
    if (!fits) throw new RangeError(`${name} must be ${what}, got ${value}`);
  };
  for (const name of ["batchSize", "epochs", "patience", "ahead"] as const) {
    need(name, o[name], Number.isInteger(o[name]) && o[name] >= 1, "a positive integer");
  }
  checkTarget(o);
  checkFineTuning(o, need);
  const micro = o.microBatchSize;
  need(
    "microBatchSize",
    micro,
    micro === undefined || (Number.isInteger(micro) && micro >= 1),
    "a positive integer",
  );
  need("clipNorm", o.clipNorm, o.clipNorm === undefined || o.clipNorm > 0, "positive");
  const momentum = o.statisticsMomentum;
  need("statisticsMomentum", momentum, momentum >= 0 && momentum <= 1, "in [0, 1]");
  need("workers", o.workers, Number.isInteger(o.workers) && o.workers >= 0, "an integer >= 0");
  need("seed", o.seed, Number.isInteger(o.seed), "an integer");
  need("scale", o.scale, o.scale > 0 && o.scale <= 1, "in (0, 1]");
  const classes = o.model.classes ?? 2;
  need("model.classes", classes, classes >= 2, "at least 2 (background and crypt)");
  need(
    "model.classes",
    classes,
    o.target !== "boundary" || classes === 3,
    '3 for the target "boundary" (background, interior, boundary)',
  );
  need("modelName", o.modelName, /^[\w.+-]+$/.test(o.modelName), "letters, digits or _.+-");
  const known = ["ranger", "adam", "adamw"].includes(o.optimizer);
  need("optimizer", o.optimizer, known, '"ranger", "adam" or "adamw"');
  if (typeof o.augmentation === "string") createAugmentation(o.augmentation);
  const fit = o.folds.length > 0 &&
    o.folds.every((f) => Number.isInteger(f) && f >= 0 && f < o.foldCount);
  need("folds", `[${o.folds}]`, fit, `some of 0..${o.foldCount - 1}`);
}

/** Crops and what concerns a pretrained encoder. */
function checkFineTuning(o: CompleteOptions, need: Need): void {
  for (const name of ["crop", "epochSteps"] as const) {
    const value = o[name];
    need(
      name,
      value,
      value === undefined || (Number.isInteger(value) && value >= 1),
      "a positive integer",
    );
  }
  const { cropZoom, cropRotate, encoderLearningRate, frozenEncoderEpochs, weightAveraging } = o;
  need("cropZoom", cropZoom, cropZoom >= 1 && cropZoom <= 4, "in [1, 4]");
  need("cropRotate", cropRotate, cropRotate >= 0 && cropRotate <= 180, "in [0, 180] degrees");
  need(
    "encoderLearningRate",
    encoderLearningRate,
    encoderLearningRate > 0 && encoderLearningRate <= 10,
    "a factor in (0, 10]",
  );
  need(
    "frozenEncoderEpochs",
    frozenEncoderEpochs,
    Number.isInteger(frozenEncoderEpochs) && frozenEncoderEpochs >= 0,
    "an integer >= 0",
  );
  need("keep", o.keep, ["best", "last"].includes(o.keep), '"best" or "last"');
  need("batchNorm", o.batchNorm, ["train", "frozen"].includes(o.batchNorm), '"train" or "frozen"');
  need(
    "weightAveraging",
    weightAveraging,
    weightAveraging >= 0 && weightAveraging < 1,
    "a decay in [0, 1)",
  );
  need(
    "pixelSize",
    o.pixelSize,
    o.pixelSize === undefined || (o.pixelSize > 0 && Number.isFinite(o.pixelSize)),
    "positive (µm per pixel)",
  );
}
