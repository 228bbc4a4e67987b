/** The types by which the rest of the project knows a segmentation model. */
import type * as tf from "@tensorflow/tfjs-core";
import type { Preprocessing } from "../image/mod.ts";
import type { Random } from "../base/mod.ts";
import type { OutputActivation } from "./activation.ts";
import type { Padding } from "./encoders/padding.ts";
import type { Layout } from "./layout.ts";

/** What {@link createModel} builds; names and defaults are those of segmentation_models_pytorch 0.2. */
export interface ModelConfig {
  /** "Unet" | "UnetPlusPlus" | "Linknet" | "MAnet". */
  architecture: string;
  /**
   * "efficientnet-b0" … "efficientnet-b7", "timm-tf_efficientnet_lite0" … "timm-tf_efficientnet_lite4",
   * "resnet18" … "resnet152".
   */
  encoder: string;
  /** Number of output classes; default 2. */
  classes?: number;
  /** Input channels; default 3. */
  inChannels?: number;
  /** Number of encoder stages used, 3 to 5; default 5. */
  encoderDepth?: number;
  /** Widths of the decoder blocks, deepest first; default [256, 128, 64, 32, 16]. Linknet ignores it. */
  decoderChannels?: number[];
  /** Batch norm in the decoder; default true. */
  decoderBatchNorm?: boolean;
  /** Attention in the decoder of Unet and UnetPlusPlus (smp's decoder_attention_type); default none. */
  decoderAttention?: "scse" | null;
  /** Applied to the logits by `predict`; default none. */
  activation?: OutputActivation | null;
  /**
   * How an EfficientNet pads, see {@link Padding}; default "smp-0.2", the original's, and "tensorflow" for
   * the lite ones. Weights of another padding load without an error and give other classes.
   */
  padding?: Padding;
}

/** One entry of the model's state_dict. */
export interface Parameter {
  /** The name in the PyTorch state_dict, e.g. `encoder._blocks.0._depthwise_conv.weight`. */
  name: string;
  /** The shape in PyTorch's layout (OIHW for convolutions). */
  torchShape: number[];
  /** How the two layouts relate, see `lib/model/layout.ts`. */
  layout: Layout;
  /** False for running statistics. */
  trainable: boolean;
  /** The live value in TensorFlow's layout (HWIO; HWC1 for depthwise filters). */
  variable: tf.Variable;
}

/** How {@link SegmentationModel.forward} runs. */
export interface ForwardOptions {
  /** Batch statistics, running-statistics update and drop-connect; default false. */
  training?: boolean;
  /** Source of drop-connect masks; without it drop-connect is off, also in training. */
  random?: Random;
  /**
   * The least weight that a batch gets in the running statistics, in [0, 1]; default: what each layer
   * has. EfficientNet's own 0.01 needs hundreds of steps to forget where it began.
   */
  statisticsMomentum?: number;
  /**
   * Batch norms, by name, that keep their running statistics and normalize by them also in training, as
   * PyTorch's do in evaluation mode; default: none.
   */
  frozenNorm?: (name: string) => boolean;
}

/** A built model. Tensors are NHWC float32; inputs are normalized by {@link preprocessing}. */
export interface SegmentationModel {
  readonly config: Required<ModelConfig>;
  /** How its input is made from pixels: what `normalizeRgb` wants. Written into its files. */
  readonly preprocessing: Preprocessing;
  /** Every state_dict entry, in the reference's order, by its name. */
  readonly parameters: ReadonlyMap<string, Parameter>;
  /**
   * The variables that training changes, in the reference's order. EfficientNet's classification head
   * and stages below `encoderDepth` are not among them: the forward pass does not run them. Their
   * `tf.Variable` names are unique in the process (two models may live side by side).
   */
  readonly trainable: tf.Variable[];
  /** Number of trainable scalars, those that are never run included, as PyTorch counts them. */
  readonly parameterCount: number;
  /** The factor that input sides must be a multiple of (32 for depth 5). */
  readonly sideMultiple: number;
  /** Raw logits [B,H,W,classes]; differentiable. */
  forward(x: tf.Tensor4D, options?: ForwardOptions): tf.Tensor4D;
  /** Evaluation mode, with the configured activation: [B,H,W,classes]. */
  predict(x: tf.Tensor4D): tf.Tensor4D;
  /** Names of the feature maps: "input", "stage1" (half the side) … the last one is the bottleneck. */
  readonly stageNames: readonly string[];
  /** Channels of the feature maps, in the order of {@link stageNames}. */
  readonly stageChannels: readonly number[];
  /** Every encoder stage in evaluation mode, input first; the last one is the bottleneck. */
  features(x: tf.Tensor4D): tf.Tensor4D[];
  /**
   * One feature map in evaluation mode: one of {@link stageNames} or "bottleneck".
   * @throws {RangeError} for an unknown name, listing the known ones
   */
  feature(x: tf.Tensor4D, name: string): tf.Tensor4D;
  /** One row a layer. */
  summary(): LayerSummary[];
  dispose(): void;
}

/** One row of {@link SegmentationModel.summary}. */
export interface LayerSummary {
  layer: string;
  /** Output shape for a 512 x 512 input (rows of parameters that are not layers have none). */
  output: number[];
  parameters: number;
}
