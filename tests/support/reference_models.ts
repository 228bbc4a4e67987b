/** The reference's closed-form weights and inputs (../shared/README.md), put into our models. */
import * as tf from "@tensorflow/tfjs-core";
import { selectBackend } from "../../lib/backend/select.ts";
import { fromTorch, fromTorchShape } from "../../lib/model/layout.ts";
import { createModel } from "../../lib/model/segmentation_model.ts";
import type { ModelConfig, Parameter, SegmentationModel } from "../../lib/model/types.ts";
import { crc32, sharedPath, unit } from "./shared.ts";

let started = false;

/** Activates the backend of `CRYPTS_BACKEND`, else WebAssembly: it is there on every machine. */
export async function startBackend(): Promise<void> {
  if (!started) await selectBackend(Deno.env.get("CRYPTS_BACKEND") ?? "wasm");
  started = true;
}

/** Values of one state_dict entry in PyTorch's order, rounded to float32 also in a float64 run. */
export function closedForm({ name, torchShape }: Parameter): Float32Array {
  const values = new Float32Array(torchShape.reduce((a, b) => a * b, 1));
  if (name.endsWith("num_batches_tracked")) return values;
  const [low, high] = rangeOf(name, torchShape, values.length);
  const seed = crc32(name);
  for (let i = 0; i < values.length; i++) {
    values[i] = Math.fround(low + (high - low) * unit(seed, i));
  }
  return values;
}

function rangeOf(name: string, shape: number[], size: number): [number, number] {
  if (name.endsWith("running_mean") || name.endsWith("bias")) return [-0.1, 0.1];
  if (name.endsWith("running_var") || shape.length === 1) return [0.8, 1.2];
  const gain = name.startsWith("encoder.layer") ? 1 : 2;
  const bound = Math.sqrt(gain * 3 / (size / shape[0]));
  return [-bound, bound];
}

/** Gives every parameter of `model` its closed-form value. */
export function fillClosedForm(model: SegmentationModel): void {
  for (const parameter of model.parameters.values()) {
    const { torchShape, layout, variable } = parameter;
    const values = fromTorch(closedForm(parameter), torchShape, layout);
    tf.tidy(() => variable.assign(tf.tensor(values, fromTorchShape(torchShape, layout))));
  }
}

/** The closed-form image batch `name`, NHWC. */
export function closedFormImage(
  name: string,
  batch: number,
  height: number,
  width: number,
): tf.Tensor4D {
  const [blocks, pixels] = [crc32(`${name}:block`), crc32(`${name}:pixel`)];
  const [rows, columns] = [Math.ceil(height / 8), Math.ceil(width / 8)];
  const out = new Float32Array(batch * height * width * 3);
  for (let plane = 0, p = 0; plane < batch * 3; plane++) {
    const [n, c] = [Math.floor(plane / 3), plane % 3];
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++, p++) {
        const block = (plane * rows + (y >> 3)) * columns + (x >> 3);
        const value = 1.5 * (2 * unit(blocks, block) - 1) + 0.5 * (2 * unit(pixels, p) - 1);
        out[((n * height + y) * width + x) * 3 + c] = Math.fround(value);
      }
    }
  }
  return tf.tensor4d(out, [batch, height, width, 3]);
}

/** NHWC tensor data in NCHW order. */
export async function toNchw(x: tf.Tensor4D): Promise<Float32Array> {
  const transposed = tf.transpose(x, [0, 3, 1, 2]);
  const values = await transposed.data() as Float32Array;
  transposed.dispose();
  return values;
}

/** A JSON file of `../shared/reference`. */
// deno-lint-ignore no-explicit-any
export function reference(name: string): any {
  return JSON.parse(Deno.readTextFileSync(sharedPath(`reference/${name}`)));
}

/** Raw float32 values of `../shared/reference`. */
export function referenceValues(name: string): Float32Array {
  return new Float32Array(Deno.readFileSync(sharedPath(`reference/${name}`)).buffer);
}

/** A model with closed-form weights and the closed-form image that it is to evaluate. */
export interface LogitsRequest {
  logits: true;
  config: ModelConfig;
  batch: number;
  height: number;
  width: number;
}

/** Its logits in NCHW order. */
export async function closedFormLogits(request: LogitsRequest): Promise<Float32Array> {
  const { config, batch, height, width } = request;
  const model = createModel({ ...config, initialize: false });
  fillClosedForm(model);
  const x = closedFormImage(`input${height}x${width}`, batch, height, width);
  const logits = model.predict(x);
  const values = await toNchw(logits);
  tf.dispose([x, logits]);
  model.dispose();
  return values;
}
