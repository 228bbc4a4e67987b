/** ONNX Runtime as the engine of inference (`TilePredictor`) and of features. */
import { basename } from "node:path";
import { boundaryChannels } from "./boundary_channels.ts";
import { encodeOnnx } from "./onnx/export.ts";
import { onnxMetadata } from "./onnx/metadata.ts";
import { OnnxRunner, type RunnerOptions } from "./onnx/runner.ts";
import type { GraphModel } from "./graph.ts";

/** Predicts crypts in tiles; the structure of `lib/inference/`'s TilePredictor. */
export interface OnnxPredictor {
  readonly name: string;
  readonly engine: string;
  readonly classes: number;
  /** 1: crypt. 2, of boundary models (three classes): crypt and boundary. */
  readonly channels: 1 | 2;
  /** The factor that tile sides must be a multiple of. */
  readonly sideMultiple: number;
  /** The height and the width of tiles that it takes alone; null: any. */
  readonly sides: readonly [height: number | null, width: number | null];
  /** What the file says of itself: notes of training, where it has them. */
  readonly metadata: Readonly<Record<string, string>>;
  /** Per tile `channels * height * width` probabilities: 1 - p(background), and p(boundary). */
  predict(rgb: Uint8Array[], height: number, width: number): Promise<Float32Array[]>;
  /** Per tile `classes * height * width` probabilities, class by class, row-major. */
  predictClasses(rgb: Uint8Array[], height: number, width: number): Promise<Float32Array[]>;
  dispose(): void;
}

/** Options of {@link onnxPredictor}. */
export interface OnnxPredictorOptions extends RunnerOptions {
  /** Shown in reports; default: architecture and encoder, or the file's name. */
  name?: string;
}

/** The side multiple of an ONNX file that does not say its own: that of encoders with five stages. */
const USUAL_MULTIPLE = 32;

/**
 * A predictor that runs `source`: a model, whose weights are copied now (later training does not
 * change the predictor), or an ONNX file (its path or its bytes) that gives "logits" or "probabilities" [N,classes,H,W].
 *
 * @throws {Error} when ONNX Runtime or the file cannot be used
 * @throws {RangeError} by `predict`, for tiles of sides that the model does not take
 */
export async function onnxPredictor(
  source: GraphModel | string | Uint8Array<ArrayBuffer>,
  options: OnnxPredictorOptions = {},
): Promise<OnnxPredictor> {
  const path = typeof source === "string" ? source : options.name;
  const model = typeof source === "string" || source instanceof Uint8Array ? null : source;
  const bytes = source instanceof Uint8Array
    ? source
    : typeof source === "string"
    ? await readModel(source)
    : await encodeOnnx(source, { output: "probabilities" });
  const runner = await OnnxRunner.open(bytes, { threads: options.threads, name: path });
  if (!["logits", "probabilities"].includes(runner.output)) {
    const got = runner.output;
    await runner.release();
    throw new RangeError(
      `${path ?? "a predictor"} needs the output "logits" or "probabilities", got "${got}"`,
    );
  }
  const metadata = onnxMetadata(bytes), { sides } = runner;
  const sideMultiple = multipleOf(metadata, sides);
  const classes = model ? model.config.classes : await countChannels(runner, sideMultiple);
  /** Planes of each tile, class by class. */
  const planes = async (rgb: Uint8Array[], height: number, width: number) => {
    checkSides([height, width], sides, sideMultiple);
    const { values } = await runner.runRgb(rgb, height, width);
    const pixels = height * width;
    return rgb.map((_, n) => {
      const all = Array.from(
        { length: classes },
        (_, c) => values.subarray((n * classes + c) * pixels, (n * classes + c + 1) * pixels),
      );
      return runner.output === "logits" ? softmax(all) : all;
    });
  };
  return {
    name: options.name ??
      (model ? `${model.config.architecture} ${model.config.encoder}` : basename(path ?? "ONNX")),
    engine: "ONNX Runtime",
    classes,
    channels: boundaryChannels(classes),
    ...{ sideMultiple, sides, metadata },
    predict: async (rgb, height, width) => (await planes(rgb, height, width)).map(cryptMaps),
    async predictClasses(rgb, height, width) {
      const pixels = height * width;
      return (await planes(rgb, height, width)).map((all) => {
        const out = new Float32Array(classes * pixels);
        all.forEach((plane, c) => out.set(plane, c * pixels));
        return out;
      });
    },
    dispose() {
      // Released in the background: the contract's dispose is synchronous.
      void runner.release();
    },
  };
}

/** The factor of tile sides: as the file says, else the sides that it fixes, else the usual one. */
function multipleOf(
  { sideMultiple }: Record<string, string>,
  [height, width]: OnnxPredictor["sides"],
): number {
  if (Number(sideMultiple) > 0) return Number(sideMultiple);
  return height !== null && height === width ? height : USUAL_MULTIPLE;
}

/** @throws {RangeError} for a tile that the model does not take */
function checkSides(
  tile: readonly [number, number],
  sides: OnnxPredictor["sides"],
  multiple: number,
): void {
  for (const [i, side] of tile.entries()) {
    if (sides[i] !== null && sides[i] !== side) {
      const words = sides.map((side) => side ?? "any").join(" x ");
      throw new RangeError(`tiles must be ${words} px, got ${tile.join(" x ")}`);
    }
    if (sides[i] === null && !(side > 0 && side % multiple === 0)) {
      throw new RangeError(`tile sides must be multiples of ${multiple}, got ${tile.join(" x ")}`);
    }
  }
}

/** Encoder features of tiles by ONNX Runtime. */
export interface OnnxFeatures {
  /** Channels of the bottleneck. */
  readonly channels: number;
  readonly sideMultiple: number;
  /** Bottleneck [N, channels, height / sideMultiple, width / sideMultiple], channels first. */
  extract(rgb: Uint8Array[], height: number, width: number): Promise<Float32Array>;
  dispose(): Promise<void>;
}

/**
 * The encoder of a model, its weights as they are now, or of the bytes of an ONNX file with the output
 * "features", run by ONNX Runtime.
 *
 * @throws {Error} when ONNX Runtime or the file cannot be used
 */
export async function onnxFeatures(
  source: GraphModel | Uint8Array<ArrayBuffer>,
  options: RunnerOptions = {},
): Promise<OnnxFeatures> {
  const model = source instanceof Uint8Array ? null : source;
  const bytes = source instanceof Uint8Array
    ? source
    : await encodeOnnx(source, { output: "features" });
  const runner = await OnnxRunner.open(bytes, options);
  const said = Number(onnxMetadata(bytes).sideMultiple);
  const sideMultiple = said > 0 ? said : USUAL_MULTIPLE;
  return {
    channels: model
      ? model.stageChannels[model.config.encoderDepth]
      : await countChannels(runner, sideMultiple),
    sideMultiple,
    extract: async (rgb, height, width) => (await runner.runRgb(rgb, height, width)).values,
    dispose: () => runner.release(),
  };
}

async function readModel(path: string): Promise<Uint8Array<ArrayBuffer>> {
  try {
    return await Deno.readFile(path);
  } catch (cause) {
    throw new Error(`ONNX Runtime cannot open ${path}: ${(cause as Error).message}`, { cause });
  }
}

/** Number of channels that a file gives, from a run on the smallest tile that it takes. */
async function countChannels(runner: OnnxRunner, side: number): Promise<number> {
  const [height, width] = runner.sides.map((fixed) => fixed ?? side);
  const { shape } = await runner.runRgb([new Uint8Array(height * width * 3)], height, width);
  return shape[1];
}

/** Softmax over the classes; the sigmoid where there is one class. */
function softmax(logits: Float32Array[]): Float32Array[] {
  if (logits.length === 1) return [logits[0].map((v) => 1 / (1 + Math.exp(-v)))];
  const out = logits.map((plane) => new Float32Array(plane.length));
  for (let i = 0; i < out[0].length; i++) {
    let highest = -Infinity, sum = 0;
    for (const plane of logits) if (plane[i] > highest) highest = plane[i];
    for (const plane of logits) sum += Math.exp(plane[i] - highest);
    for (const [c, plane] of logits.entries()) out[c][i] = Math.exp(plane[i] - highest) / sum;
  }
  return out;
}

/** Probabilities of the classes to those of crypt, 1 - p(background), and, of three, of the boundary. */
function cryptMaps(planes: Float32Array[]): Float32Array {
  const classes = planes.length;
  if (classes === 1) return planes[0].slice();
  if (classes === 2) return planes[1].slice();
  const pixels = planes[0].length, out = new Float32Array(boundaryChannels(classes) * pixels);
  for (let i = 0; i < pixels; i++) out[i] = 1 - planes[0][i];
  if (classes === 3) out.set(planes[2], pixels);
  return out;
}
