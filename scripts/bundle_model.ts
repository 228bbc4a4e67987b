/**
 * Trains a model that comes with the project, on drawings alone, and writes it to `models/bundled/`.
 * No patient's image is used for training or for choosing anything.
 *
 *     deno task bundle [--encoder lite0|lite2] [--steps N] [--out FILE]
 *     deno task bundle --describe FILE [--out FILE] [--validated-on TEXT] [--dice-limit F]
 *
 * The second form trains nothing: it chooses how the probabilities of FILE become crypts on drawings
 * that were never trained on, measures the drawings' stains, and writes both with the given notes into
 * the bundled model of that encoder.
 */
import "./quiet_libraries.ts";
import { selectBackend } from "crypts/backend";
import { writeWhole } from "crypts/base";
import {
  BUNDLED_MODELS,
  createPretrainedModel,
  loadModel,
  type ModelConfig,
  saveWeights,
  type SegmentationModel,
} from "crypts/model";
import { createProgress } from "crypts/notebook";
import { Adam } from "crypts/ranger";
import { type DrawingTrainingOptions, readTrainingInfo, trainOnDrawings } from "crypts/training";
import { chooseDecision, stainOfDrawings } from "./bundle_notes.ts";
import { parseOptions, runCommand } from "./command.ts";

const { values } = parseOptions({
  options: {
    encoder: { type: "string", default: "lite0" },
    steps: { type: "string", default: "700" },
    side: { type: "string", default: "288" },
    crop: { type: "string", default: "192" },
    zoom: { type: "string", default: "1.15" },
    augmentation: { type: "string", default: "tissue" },
    every: { type: "string", default: "175" },
    out: { type: "string" },
    describe: { type: "string" },
    "validated-on": { type: "string", default: "drawings only" },
    "dice-limit": { type: "string" },
  },
});

function positive(name: "steps" | "side" | "crop" | "zoom" | "every" | "dice-limit"): number {
  const value = Number(values[name]);
  if (!(value > 0)) {
    throw new RangeError(`--${name} must be a positive number, got ${values[name]}`);
  }
  return value;
}

/** µm per pixel at which the model works: images of 20x at half their size. */
const PIXEL_SIZE = 1.24;
/** µm per pixel of the drawings, so that other scales are known too. */
const DRAWN_AT = [0.9, 1.75] as const;
const SEED = 0, SERIES = 11;
/** The bundled models by the end of their encoders' names. */
const FILES = {
  lite0: BUNDLED_MODELS.bundled,
  lite2: BUNDLED_MODELS["bundled-lite2"],
} as const;

function configOf(encoder: string): ModelConfig {
  if (!Object.hasOwn(FILES, encoder)) {
    throw new RangeError(`--encoder must be ${Object.keys(FILES).join(" or ")}, got ${encoder}`);
  }
  return {
    architecture: "Unet",
    encoder: `timm-tf_efficientnet_${encoder}`,
    classes: 3,
    decoderChannels: [64, 48, 32, 24, 16],
  };
}

/** `--out`, else where the bundled model of this network lies. */
function outFor({ encoder }: ModelConfig): string {
  const out = values.out ?? FILES[encoder.split("_").at(-1)! as keyof typeof FILES];
  if (out === undefined) throw new RangeError(`no bundled model has ${encoder}: give --out`);
  return out;
}

async function train(): Promise<void> {
  const options: DrawingTrainingOptions = {
    drawings: { series: SERIES, side: positive("side"), pixelSize: DRAWN_AT },
    target: { target: "boundary", boundaryWidth: 2, gapWeight: 4 },
    crop: { side: positive("crop"), zoom: positive("zoom"), rotate: 15 },
    augmentation: values.augmentation,
    loss: "cross-entropy+class-dice",
    schedule: { kind: "one-cycle" },
    learningRate: 2e-3,
    weightAveraging: 0.99,
    steps: positive("steps"),
    batchSize: 8,
    seed: SEED,
    validateEvery: positive("every"),
  };
  const config = configOf(values.encoder), out = outFor(config);
  const net = await createPretrainedModel({ ...config, encoderWeights: "imagenet", seed: SEED });
  const bar = createProgress("Training on drawings", options.steps, { unit: "step" });
  const log = ["step,valid_loss,valid_soft_dice,valid_dice"];
  let mean = 0;
  await trainOnDrawings(net, new Adam(options.learningRate, { weightDecay: 1e-4 }), {
    ...options,
    onStep: (step, loss) => {
      mean = step === 1 ? loss : 0.98 * mean + 0.02 * loss;
      bar.update(step, `loss ${mean.toFixed(3)}`);
    },
    onValidation: async (step, { loss, softDice, dice }) => {
      log.push([step, loss, softDice, dice].join(","));
      if (step < options.steps) return;
      await save(net, out, {
        ...{ modelName: "bundled", fold: 0, epoch: step, validLoss: loss, validDice: softDice },
        ...{ scale: 1, pixelSize: PIXEL_SIZE, target: "boundary", validationImages: [] },
        patchSize: [options.crop!.side, options.crop!.side],
        settings: { ...options, encoderWeights: "imagenet", data: "drawings" },
      });
    },
  });
  await bar.finish();
  await writeWhole(out.replace(/\.safetensors$/, ".csv"), log.join("\n") + "\n");
}

async function describe(path: string): Promise<void> {
  const { model, metadata } = await loadModel(path), out = outFor(model.config);
  const series = { series: SERIES + 2, pixelSize: PIXEL_SIZE };
  const { decision, table } = await chooseDecision(model, series);
  console.log(table);
  const [encoder] = /lite\d$/.exec(model.config.encoder) ?? [model.config.encoder];
  await save(model, out, {
    ...readTrainingInfo(metadata),
    decision,
    stain: stainOfDrawings(series),
    ...(values["dice-limit"] !== undefined && { diceLimit: positive("dice-limit") }),
    about:
      `Unet with EfficientNet-${encoder}, trained on drawings of colon mucosa (docs/synthetic.md)`,
    validatedOn: values["validated-on"],
    licence: "MIT; the encoder began with Apache-2.0 weights (EfficientNet-Lite, ImageNet)",
    use: "for research and teaching, not for diagnosis",
  });
  console.log(`${out}: ${JSON.stringify(decision)}`);
}

function save(model: SegmentationModel, path: string, info: Record<string, unknown>) {
  return saveWeights(model, path, { "crypts.training": JSON.stringify(info) }, { half: true });
}

const code = await runCommand(async () => {
  console.log((await selectBackend()).line);
  if (values.describe === undefined) await train();
  else await describe(values.describe);
});
Deno.exit(code);
