/** Segmentation models: architectures, encoders and their weights. */

export { BUNDLED_MODEL, BUNDLED_MODELS, initialWeightsPath } from "./bundled.ts";
export { boundaryChannels } from "./boundary_channels.ts";
export { WEIGHT_EXTENSIONS } from "./checkpoint/open.ts";
export type { LoadOptions } from "./file_description.ts";
export { type Padding, PADDINGS } from "./encoders/padding.ts";
export type { GraphModel } from "./graph.ts";
export { fromTorch, toTorch } from "./layout.ts";
export { encodeOnnx, exportOnnx, type OnnxOptions } from "./onnx/export.ts";
export {
  type OnnxForm,
  type OnnxFormOptions,
  openOnnxFeatures,
  openOnnxPredictor,
} from "./onnx_form.ts";
export {
  type OnnxFeatures,
  onnxFeatures,
  type OnnxPredictor,
  onnxPredictor,
  type OnnxPredictorOptions,
} from "./onnx_predictor.ts";
export { createPretrainedModel, type PretrainedConfig } from "./pretrained/create_pretrained.ts";
export { type FetchOptions, WeightsUnavailableError } from "./pretrained/fetch_weights.ts";
export {
  ENCODER_WEIGHT_NAMES,
  ENCODER_WEIGHTS,
  type EncoderWeights,
  type WeightsSource,
} from "./pretrained/sources.ts";
export { weightsFolder } from "./pretrained/cache.ts";
export { listArchitectures, listEncoders } from "./registry.ts";
export {
  type NamedTensor,
  readSafetensors,
  readSafetensorsHeader,
  writeSafetensors,
} from "./safetensors.ts";
export { createModel, describeParameters, type InitialWeights } from "./segmentation_model.ts";
export type {
  ForwardOptions,
  LayerSummary,
  ModelConfig,
  Parameter,
  SegmentationModel,
} from "./types.ts";
export {
  assignWeights,
  type LoadedModel,
  type LoadedWeights,
  loadModel,
  loadWeights,
  saveWeights,
} from "./weights.ts";
