/** A model as an ONNX file, which QuPath, Python, C++ and browsers can run. */
import { writeWhole } from "../../base/mod.ts";
import { toTorch } from "../layout.ts";
import type { GraphModel } from "../graph.ts";
import { OnnxGraph } from "./graph.ts";
import { OnnxOps } from "./onnx_ops.ts";
import { UpsampledOps } from "./upsampled_ops.ts";

/** What an exported model computes. */
export interface OnnxOptions {
  /**
   * "logits" [N,classes,H,W], "probabilities" (their softmax; their
   * sigmoid where there is one class), or "features": the bottleneck, the
   * encoder's last feature map. Also the name of the graph's output. Default "logits".
   */
  output?: "logits" | "probabilities" | "features";
  /**
   * Height and width of the input, multiples of `model.sideMultiple`; the file then takes these alone, one
   * image at a time. Default: batch and sides are free. OpenCV (4.11, which QuPath uses) reads no file
   * with free sides.
   */
  sides?: readonly [height: number, width: number];
  /**
   * Further entries of the file's metadata, such as the notes of training (`crypts.training`) that
   * inference goes by. What the file says of itself cannot be replaced by them.
   */
  metadata?: Record<string, string>;
}

/**
 * The model in evaluation mode as ONNX (opset 13): input "input" [N,C,H,W] float32, normalized,
 * batch and sides free (sides multiples of `model.sideMultiple`) or fixed; one output, see
 * {@link OnnxOptions}.
 *
 * @throws {RangeError} for sides that are no multiples of `model.sideMultiple`
 */
export async function encodeOnnx(
  model: GraphModel,
  options: OnnxOptions = {},
): Promise<Uint8Array<ArrayBuffer>> {
  const { output = "logits", metadata = {}, sides } = options;
  if (sides) checkSides(model, sides);
  const { architecture, encoder, inChannels, classes } = model.config;
  const weights = new Map<string, Float32Array>();
  for (const { name, torchShape, layout, variable } of model.parameters.values()) {
    weights.set(name, toTorch(await variable.data() as Float32Array, torchShape, layout));
  }
  const graph = new OnnxGraph(`${architecture} ${encoder}`);
  const [batch, height, width] = sides ? [1, ...sides] : ["batch", "height", "width"];
  const input = graph.input("input", [batch, inChannels, height, width]);
  const bottleneck = sides?.map((side) => side / model.sideMultiple);
  // Files with fixed sides, and of logits, are for other readers as well: they get the plain graph.
  const own = !sides && output === "probabilities";
  const ops = own ? new UpsampledOps(graph, weights) : new OnnxOps(graph, weights, bottleneck);
  if (output === "features") {
    const stages = model.encode(ops, input);
    const depth = stages.length - 1;
    graph.output(output, stages[depth], [
      batch,
      model.stageChannels[depth],
      ...(bottleneck ?? ["feature_height", "feature_width"]),
    ]);
  } else {
    const { logits } = model.run(ops, input);
    // OpenCV 4.11 computes the faster form wrongly.
    const softmax = (value: string) =>
      own ? ops.softmax(value, classes) : graph.node("Softmax", [value], { axis: 1 });
    const value = output === "logits"
      ? logits
      : classes > 1
      ? softmax(logits)
      : ops.sigmoid(logits);
    graph.output(output, value, [batch, classes, height, width]);
  }
  return graph.encode({
    ...metadata,
    config: JSON.stringify(model.config),
    output,
    sideMultiple: String(model.sideMultiple),
    preprocessing: "RGB / 255, then (x - mean) / deviation",
    mean: model.preprocessing.mean.join(" "),
    deviation: model.preprocessing.std.join(" "),
  });
}

function checkSides({ sideMultiple }: GraphModel, sides: readonly number[]): void {
  for (const side of sides) {
    if (sides.length === 2 && Number.isInteger(side) && side > 0 && side % sideMultiple === 0) {
      continue;
    }
    throw new RangeError(
      `sides must be a height and a width, multiples of ${sideMultiple}, got ${sides.join(" x ")}`,
    );
  }
}

/**
 * Writes {@link encodeOnnx}'s result to `path`, whole or not at all.
 *
 * @throws {Error} naming the path when it cannot be written
 */
export async function exportOnnx(
  model: GraphModel,
  path: string,
  options: OnnxOptions = {},
): Promise<void> {
  await writeWhole(path, await encodeOnnx(model, options));
}
