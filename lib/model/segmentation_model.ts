/** A built model: encoder, decoder and head behind the {@link SegmentationModel} contract. */
import * as tf from "@tensorflow/tfjs-core";
import { checkPreprocessing, type Preprocessing } from "../image/mod.ts";
import { createRandom } from "../base/mod.ts";
import { ACTIVATIONS } from "./activation.ts";
import { completeConfig } from "./config.ts";
import { FoldCache } from "./batch_norm_folding.ts";
import type { Decoder, Encoder, GraphModel, Ops } from "./graph.ts";
import { type Allocate, allocateVariables, type Conv, LayerBuilder } from "./layers.ts";
import { ARCHITECTURES, ENCODERS } from "./registry.ts";
import { usedLayers } from "./used_layers.ts";
import { usualPreprocessing } from "./pretrained/sources.ts";
import { summarize } from "./summary.ts";
import { TensorOps } from "./tensor_ops.ts";
import type { ForwardOptions, LayerSummary, ModelConfig, Parameter } from "./types.ts";

/** How {@link createModel} fills the parameters. */
export interface InitialWeights {
  /** Seed of the random weights; default 0. Each parameter has a stream of its own name. */
  seed?: number;
  /** False leaves zeros, for a model whose weights are loaded next; default true. */
  initialize?: boolean;
  /** What the model's input is normalized with; default: what the encoder's ImageNet weights take. */
  preprocessing?: Preprocessing;
  /** Not here: published weights may have to be downloaded, see `createPretrainedModel`. */
  encoderWeights?: null;
}

/**
 * Builds a model with random weights, initialized as segmentation_models_pytorch 0.2 does without
 * ImageNet weights: PyTorch's defaults in EfficientNets, He's normal in ResNets, He's uniform in
 * decoders, Xavier's uniform in the head.
 *
 * @throws {RangeError} for an unknown architecture or encoder (listing the known ones), bad options, or
 *   `encoderWeights`, which only `createPretrainedModel` can have
 */
export function createModel(config: ModelConfig & InitialWeights): GraphModel {
  const { initialize, seed = 0, preprocessing, encoderWeights = null } = config;
  if (encoderWeights !== null) {
    throw new RangeError(
      `createModel starts from random weights; for encoderWeights: "${encoderWeights}" use ` +
        "await createPretrainedModel(…)",
    );
  }
  const complete = completeConfig(config);
  const normalization = preprocessing
    ? checkPreprocessing(preprocessing, "createModel")
    : usualPreprocessing(config.encoder);
  return new Model(complete, normalization, seed, allocateVariables(initialize === false));
}

/**
 * The parameters that a model of `config` has, in the state_dict's order, without building it.
 *
 * @throws {RangeError} see {@link createModel}
 */
export function describeParameters(config: ModelConfig): Omit<Parameter, "variable">[] {
  const build = new LayerBuilder(createRandom(0), () => null as unknown as tf.Variable);
  buildLayers(build, completeConfig(config));
  return [...build.parameters.values()].map(({ variable: _, ...rest }) => rest);
}

/** Encoder, decoder and segmentation head, built in the state_dict's order. */
function buildLayers(build: LayerBuilder, config: Required<ModelConfig>) {
  const { decoder: buildDecoder, headKernel } = ARCHITECTURES[config.architecture];
  const { inChannels, encoderDepth, decoderChannels, decoderBatchNorm, padding } = config;
  const encoder = ENCODERS[config.encoder](
    build,
    config.encoder,
    inChannels,
    encoderDepth,
    padding,
  );
  const decoder = buildDecoder(
    build,
    encoder.channels,
    decoderChannels,
    decoderBatchNorm,
    config.decoderAttention === "scse",
  );
  const head = build.conv("segmentation_head.0", decoder.channels, config.classes, headKernel, {
    bias: true,
    start: "head",
  });
  return { encoder, decoder, head };
}

class Model implements GraphModel {
  readonly parameters: ReadonlyMap<string, Parameter>;
  readonly trainable: tf.Variable[];
  readonly parameterCount: number;
  readonly sideMultiple: number;
  readonly stageNames: readonly string[];
  readonly stageChannels: readonly number[];
  private readonly encoder: Encoder;
  private readonly decoder: Decoder;
  private readonly head: Conv;
  private readonly folds = new FoldCache();

  constructor(
    readonly config: Required<ModelConfig>,
    readonly preprocessing: Preprocessing,
    seed: number,
    allocate: Allocate,
  ) {
    const build = new LayerBuilder(createRandom(seed), allocate);
    const { encoder, decoder, head } = buildLayers(build, config);
    this.encoder = encoder;
    this.decoder = decoder;
    this.head = head;
    this.parameters = build.parameters;
    const trainable = [...build.parameters.values()].filter((p) => p.trainable);
    this.parameterCount = trainable.reduce((sum, p) => sum + p.variable.size, 0);
    const used = new Set<tf.Variable | null>();
    for (const { conv, norm } of usedLayers((ops) => this.run(ops, null))) {
      for (const variable of [conv.filter, conv.bias, norm?.gamma, norm?.beta]) {
        used.add(variable ?? null);
      }
      if (norm) this.folds.reserve(conv);
    }
    this.trainable = trainable.map((p) => p.variable).filter((variable) => used.has(variable));
    this.sideMultiple = 2 ** config.encoderDepth;
    this.stageChannels = encoder.channels;
    this.stageNames = encoder.channels.map((_, i) => i === 0 ? "input" : `stage${i}`);
  }

  encode<T>(ops: Ops<T>, x: T): T[] {
    return this.encoder.forward(ops, x);
  }

  run<T>(ops: Ops<T>, x: T): { features: T[]; logits: T } {
    const features = this.encode(ops, x);
    return { features, logits: ops.conv(this.decoder.forward(ops, features), this.head) };
  }

  forward(x: tf.Tensor4D, options: ForwardOptions = {}): tf.Tensor4D {
    this.check(x);
    return tf.tidy(() => this.run(new TensorOps(this.folds, options), x).logits);
  }

  predict(x: tf.Tensor4D): tf.Tensor4D {
    return tf.tidy(() => {
      return ACTIVATIONS[this.config.activation ?? "identity"](this.forward(x));
    });
  }

  features(x: tf.Tensor4D): tf.Tensor4D[] {
    this.check(x);
    return tf.tidy(() => {
      const [input, ...stages] = this.encode(new TensorOps(this.folds), x);
      return [tf.clone(input), ...stages];
    });
  }

  feature(x: tf.Tensor4D, name: string): tf.Tensor4D {
    const stage = name === "bottleneck" ? this.config.encoderDepth : this.stageNames.indexOf(name);
    if (stage < 0) {
      throw new RangeError(
        `unknown feature "${name}"; known: ${this.stageNames.join(", ")}, bottleneck`,
      );
    }
    return tf.tidy(() => this.features(x)[stage]);
  }

  summary(): LayerSummary[] {
    return summarize(this);
  }

  dispose(): void {
    for (const { variable } of this.parameters.values()) variable.dispose();
    this.folds.dispose();
  }

  private check(x: tf.Tensor4D): void {
    if (x.rank !== 4 || x.shape[3] !== this.config.inChannels) {
      throw new RangeError(
        `the model takes [batch, height, width, ${this.config.inChannels}], got [${x.shape}]`,
      );
    }
    const m = this.sideMultiple;
    for (const side of [x.shape[1], x.shape[2]]) {
      if (side > 0 && side % m === 0) continue;
      const below = Math.floor(side / m) * m;
      const fits = below > 0 ? `${below} or ${below + m}` : `${m}`;
      throw new RangeError(
        `input sides must be multiples of ${m}, got ${x.shape[1]} x ${x.shape[2]}: ` +
          `for ${side}, ${fits} would fit`,
      );
    }
  }
}
