/** Training on endless drawings: no image is ever seen twice more than a few times. */
import { createAugmentation } from "../augment/mod.ts";
import { createRandom } from "../base/mod.ts";
import type { SegmentationModel } from "../model/mod.ts";
import type { Patch } from "../patching/mod.ts";
import { type AdaptiveOptimizer, createSchedule, type ScheduleSpec } from "../ranger/mod.ts";
import { createLoss, type LossName } from "../tensor/mod.ts";
import { evaluate, type Evaluation } from "./evaluate.ts";
import { feedBatches } from "./feeder.ts";
import {
  type Drawings,
  localSource,
  type SampleSettings,
  type SampleSource,
} from "./sample_source.ts";
import { trainStep } from "./step.ts";
import { DivergedError, yieldToEvents } from "./stopping.ts";
import { WeightAverage } from "./weight_averaging.ts";
import { workerSource } from "./worker_source.ts";

/** Settings of {@link trainOnDrawings}. */
export interface DrawingTrainingOptions extends SampleSettings {
  drawings: Drawings;
  /** Optimizer steps in all. */
  steps: number;
  batchSize: number;
  /** Batches that a drawing takes part in, each time cropped and augmented anew; default 4. */
  reuse?: number;
  /** A name of `lib/augment/presets.ts`. */
  augmentation: string;
  loss: LossName;
  schedule: ScheduleSpec;
  learningRate: number;
  /** Decay of the running mean of weights that validation sees; default 0: none. */
  weightAveraging?: number;
  seed: number;
  /** Threads that draw; default 2, 0 draws on this one. */
  workers?: number;
  /** Steps between two validations; default: at the end alone. */
  validateEvery?: number;
  /** Number of drawings to validate on, of another series; default 48. */
  validationDrawings?: number;
  onStep?: (step: number, loss: number) => void;
  /** The model holds the weights that were validated while it runs. */
  onValidation?: (step: number, evaluation: Evaluation) => Promise<void>;
}

/**
 * Trains a model on drawings that come as they are needed.
 *
 * Step `s` sees the drawings `floor(s / reuse) * batchSize` and the following ones of the series, so
 * that a batch never holds one drawing twice. Seed and settings decide the result, the number of
 * threads does not (see `workerSource`).
 *
 * @throws {RangeError} for a setting out of its range
 * @throws {DivergedError} when a loss is NaN or infinite
 */
export async function trainOnDrawings(
  model: SegmentationModel,
  optimizer: AdaptiveOptimizer,
  options: DrawingTrainingOptions,
): Promise<void> {
  const { steps, batchSize, reuse = 4, seed } = options;
  for (const [name, value] of Object.entries({ steps, batchSize, reuse })) {
    if (!(Number.isInteger(value) && value > 0)) {
      throw new RangeError(`${name} must be a positive integer, got ${value}`);
    }
  }
  const random = createRandom(seed).fork("drawings");
  const loss = createLoss(options.loss);
  const schedule = createSchedule(options.schedule, options.learningRate, steps);
  const drawn = Math.ceil(steps / reuse) * batchSize;
  const patches = Array.from({ length: drawn }, (_, i) => drawingPatch(i));
  const order = Array.from({ length: steps }, (_, step) => {
    const first = Math.floor(step / reuse) * batchSize;
    return Array.from({ length: batchSize }, (_, i) => first + i);
  });
  const source = createSource(options, random.fork("augmentation").int(2 ** 31));
  const average = options.weightAveraging
    ? new WeightAverage(model, options.weightAveraging)
    : null;
  const validation = new Validation(model, options);
  let step = 0;
  try {
    const feed = feedBatches(patches, order, source, {
      preprocessing: model.preprocessing,
      stream: "training",
      ahead: 2 * reuse,
    });
    for await (const batch of feed) {
      optimizer.learningRate = schedule(step);
      const result = await trainStep(model, optimizer, batch, {
        loss,
        random: random.fork(`step ${step}, drop-connect`),
      });
      if (!Number.isFinite(result.loss)) {
        throw new DivergedError(`the loss is ${result.loss} in step ${step + 1}`);
      }
      average?.update();
      options.onStep?.(++step, result.loss);
      if (step === steps || (options.validateEvery && step % options.validateEvery === 0)) {
        const judge = () => validation.run(step);
        await (average ? average.during(judge) : judge());
      }
      await yieldToEvents();
    }
  } finally {
    average?.dispose();
    source.close();
    validation.close();
  }
}

/** Drawings that are never trained on, the same at every validation. */
class Validation {
  private readonly source: SampleSource;
  private readonly patches: Patch[];

  constructor(
    private readonly model: SegmentationModel,
    private readonly options: DrawingTrainingOptions,
  ) {
    const { drawings, target, validationDrawings = 48 } = options;
    const series = drawings.series + 1;
    this.source = localSource(null, 0, 2 ** 28, { target, drawings: { ...drawings, series } });
    this.patches = Array.from({ length: validationDrawings }, (_, i) => drawingPatch(i));
  }

  async run(step: number): Promise<void> {
    const { loss, batchSize, onValidation } = this.options;
    const evaluation = await evaluate(this.model, this.patches, {
      source: this.source,
      loss: createLoss(loss),
      batchSize,
    });
    await onValidation?.(step, evaluation);
  }

  close(): void {
    this.source.close();
  }
}

function drawingPatch(index: number): Patch {
  return { imagePath: `${index}`, maskPath: "", crypt: true, image: `drawing ${index}` };
}

function createSource(options: DrawingTrainingOptions, seed: number): SampleSource {
  const { augmentation, target, crop, drawings, workers = 2 } = options;
  const settings = { target, crop, drawings };
  const cacheBytes = 2 ** 27 * Math.max(1, workers);
  if (workers === 0) {
    return localSource(createAugmentation(augmentation), seed, cacheBytes, settings);
  }
  return workerSource({ augmentation, seed, cacheBytes, ...settings }, workers);
}
