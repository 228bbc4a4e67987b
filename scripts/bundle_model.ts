/**
 * `deno task bundle`: trains the model that comes with the project, on drawings alone, and writes it to
 * `models/bundled/`. No patient's image is used for training or for choosing anything.
 *
 *     deno task bundle [--steps N] [--out FILE] [--side PX] [--crop PX] [--zoom F]
 */
import { dirname, join } from "node:path";
import { parseArgs } from "node:util";
import { selectBackend } from "crypts/backend";
import { PROJECT_ROOT, writeWhole } from "crypts/base";
import { BUNDLED_MODEL, createPretrainedModel, saveWeights } from "crypts/model";
import { createProgress } from "crypts/notebook";
import { Adam } from "crypts/ranger";
import { type DrawingTrainingOptions, trainOnDrawings } from "crypts/training";

const { values } = parseArgs({
  options: {
    steps: { type: "string", default: "1200" },
    out: { type: "string", default: BUNDLED_MODEL },
    side: { type: "string", default: "288" },
    crop: { type: "string", default: "224" },
    zoom: { type: "string", default: "1.3" },
    augmentation: { type: "string", default: "tissue" },
    every: { type: "string", default: "200" },
  },
});
const number = (name: "steps" | "side" | "crop" | "zoom" | "every") => {
  const value = Number(values[name]);
  if (!(value > 0)) {
    throw new RangeError(`--${name} must be a positive number, got ${values[name]}`);
  }
  return value;
};

/** µm per pixel at which the model works: GlaS at half its size. */
const PIXEL_SIZE = 1.24;
const SEED = 0;
const model = {
  architecture: "Unet" as const,
  encoder: "timm-tf_efficientnet_lite0" as const,
  classes: 3,
  decoderChannels: [64, 48, 32, 24, 16],
};
const options: DrawingTrainingOptions = {
  drawings: { series: 11, side: number("side"), pixelSize: [PIXEL_SIZE / 1.25, PIXEL_SIZE * 1.25] },
  target: { target: "boundary", boundaryWidth: 2, gapWeight: 4 },
  crop: { side: number("crop"), zoom: number("zoom"), rotate: 15 },
  augmentation: values.augmentation,
  loss: "cross-entropy+class-dice",
  schedule: { kind: "one-cycle" },
  learningRate: 2e-3,
  weightAveraging: 0.99,
  steps: number("steps"),
  batchSize: 8,
  seed: SEED,
  validateEvery: number("every"),
};

console.log((await selectBackend()).line);
const net = await createPretrainedModel({ ...model, encoderWeights: "imagenet", seed: SEED });
const bar = createProgress("Training on drawings", options.steps, { unit: "step" });
const log: string[] = ["step,valid_loss,valid_soft_dice,valid_dice"];
let mean = 0;
await trainOnDrawings(net, new Adam(options.learningRate, { weightDecay: 1e-4 }), {
  ...options,
  onStep: (step, loss) => {
    mean = step === 1 ? loss : 0.98 * mean + 0.02 * loss;
    bar.update(step, `loss ${mean.toFixed(3)}`);
  },
  onValidation: async (step, { loss, softDice, dice }) => {
    log.push([step, loss, softDice, dice].join(","));
    console.log(`step ${step}: validation loss ${loss.toFixed(4)}, Dice ${dice.toFixed(4)}`);
    if (step < options.steps) return;
    await saveWeights(net, values.out, {
      "crypts.training": JSON.stringify({
        modelName: "bundled",
        fold: 0,
        epoch: step,
        validLoss: loss,
        validDice: softDice,
        scale: 1,
        pixelSize: PIXEL_SIZE,
        target: "boundary",
        patchSize: [number("crop"), number("crop")],
        validationImages: [],
        settings: { ...options, encoderWeights: "imagenet", data: "drawings" },
      }),
      licence: "MIT; encoder weights: Apache-2.0 (EfficientNet-Lite, TensorFlow authors)",
      purpose: "for research and teaching, not for diagnosis",
    }, { half: true });
  },
});
await bar.finish();
await writeWhole(values.out.replace(/\.safetensors$/, ".csv"), log.join("\n") + "\n");
console.log(
  `${values.out} in ${dirname(values.out) === join(PROJECT_ROOT, "models") ? "models" : "place"}`,
);
