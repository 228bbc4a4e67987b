/** ONNX Runtime (native, all cores): runs an exported model on tiles of RGB bytes. */
import { availableParallelism } from "node:os";
import { InferenceSession, Tensor } from "onnxruntime-node";
import { checkPreprocessing, IMAGENET, type Preprocessing } from "../../image/mod.ts";
import { onnxMetadata } from "./metadata.ts";

/** Options of {@link OnnxRunner.open}. */
export interface RunnerOptions {
  /** Threads an operation may use; default: as many as the machine has cores. */
  threads?: number;
  /** What errors call the model; default "the exported model". */
  name?: string;
}

/** What a run gives: values in NCHW order. */
export interface RunnerOutput {
  values: Float32Array;
  /** [N, C, H, W]. */
  shape: readonly number[];
}

/** One session; it takes float32 [N,3,H,W] under the name "input" and has one output. */
export class OnnxRunner {
  private constructor(
    private session: InferenceSession | null,
    /** What the model's input is normalized with: as its file says, else ImageNet's. */
    readonly preprocessing: Preprocessing,
    /** Of the input as the file fixes it: batch, height and width; null: any. */
    private readonly fixed: FixedInput,
  ) {}

  /**
   * Opens an exported model.
   *
   * @param bytes the file (not needed afterwards)
   * @throws {Error} when ONNX Runtime cannot read it
   * @throws {RangeError} when the graph is not of the form that `exportOnnx` writes
   */
  static async open(
    bytes: Uint8Array<ArrayBuffer>,
    { threads = availableParallelism(), name = "the exported model" }: RunnerOptions = {},
  ): Promise<OnnxRunner> {
    const preprocessing = preprocessingOf(onnxMetadata(bytes), name);
    let session: InferenceSession;
    try {
      session = await InferenceSession.create(bytes, {
        intraOpNumThreads: threads,
        graphOptimizationLevel: "all",
        logSeverityLevel: 3,
        // Threads that wait for this session's next run would take the processors from the next
        // model of an ensemble: its runs took a fifth longer.
        extra: { session: { force_spinning_stop: "1" } },
      });
    } catch (cause) {
      throw new Error(`ONNX Runtime cannot open ${name}: ${(cause as Error).message}`, { cause });
    }
    const { inputNames, outputNames } = session;
    if (inputNames.join() !== "input" || outputNames.length !== 1) {
      await session.release();
      throw new RangeError(
        `${name} must have the input "input" and one output, ` +
          `got inputs [${inputNames}] and outputs [${outputNames}]`,
      );
    }
    return new OnnxRunner(session, preprocessing, fixedInput(session));
  }

  /** The height and the width that the file takes alone; null: any. */
  get sides(): readonly [height: number | null, width: number | null] {
    return [this.fixed.height, this.fixed.width];
  }

  /** What the model computes: "logits", "probabilities" or "features". */
  get output(): string {
    return this.use().outputNames[0];
  }

  /**
   * Runs tiles of interleaved RGB bytes, each `height` x `width`, normalized by {@link preprocessing}.
   * A file that takes a fixed number of images runs as often as it must.
   *
   * @throws {RangeError} when a tile is not of that size
   */
  async runRgb(tiles: readonly Uint8Array[], height: number, width: number): Promise<RunnerOutput> {
    const pixels = height * width;
    const planes = new Float32Array(tiles.length * 3 * pixels);
    const { mean, std } = this.preprocessing;
    tiles.forEach((tile, n) => {
      if (tile.length !== 3 * pixels) {
        throw new RangeError(
          `tile ${n} holds ${tile.length} bytes, a tile of ${height} x ${width} RGB ${3 * pixels}`,
        );
      }
      for (let c = 0; c < 3; c++) {
        const plane = planes.subarray((3 * n + c) * pixels, (3 * n + c + 1) * pixels);
        const slope = 1 / (255 * std[c]), start = -mean[c] / std[c];
        for (let i = 0, at = c; i < pixels; i++, at += 3) plane[i] = tile[at] * slope + start;
      }
    });
    return await this.runBatches(planes, [tiles.length, 3, height, width]);
  }

  /** In the batches that the file takes; the last one is filled up with zeros. */
  private async runBatches(
    planes: Float32Array,
    shape: readonly [number, number, number, number],
  ): Promise<RunnerOutput> {
    const { batch } = this.fixed, [count, ...rest] = shape;
    if (batch === null || batch === count) return await this.run(planes, shape);
    const size = planes.length / count, out: Float32Array[] = [];
    let dims: readonly number[] = [];
    for (let at = 0; at < count; at += batch) {
      const some = new Float32Array(batch * size);
      some.set(planes.subarray(at * size, (at + batch) * size));
      const { values, shape } = await this.run(some, [batch, ...rest]);
      out.push(values.slice(0, values.length / batch * Math.min(batch, count - at)));
      dims = shape;
    }
    const values = new Float32Array(out.reduce((sum, part) => sum + part.length, 0));
    let at = 0;
    for (const part of out) {
      values.set(part, at);
      at += part.length;
    }
    return { values, shape: [count, ...dims.slice(1)] };
  }

  /** Runs an input that is already normalized, in NCHW order. */
  async run(values: Float32Array, shape: readonly number[]): Promise<RunnerOutput> {
    const session = this.use();
    const result = (await session.run({ input: new Tensor("float32", values, shape) }))[
      session.outputNames[0]
    ];
    return { values: result.data as Float32Array, shape: result.dims };
  }

  /** Ends the session; runs throw afterwards. */
  async release(): Promise<void> {
    const session = this.session;
    this.session = null;
    await session?.release();
  }

  private use(): InferenceSession {
    if (!this.session) throw new Error("the ONNX Runtime session has been released");
    return this.session;
  }
}

interface FixedInput {
  batch: number | null;
  height: number | null;
  width: number | null;
}

/** What the input's shape [N,C,H,W] says in numbers. */
function fixedInput({ inputMetadata: [input] }: InferenceSession): FixedInput {
  const shape = input.isTensor && input.shape.length === 4 ? input.shape : [];
  const [batch = null, , height = null, width = null] = shape.map((side) =>
    typeof side === "number" && side > 0 ? side : null
  );
  return { batch, height, width };
}

/** As `encodeOnnx` writes it: numbers with blanks between them. */
function preprocessingOf({ mean, deviation }: Record<string, string>, name: string): Preprocessing {
  if (mean === undefined && deviation === undefined) return IMAGENET;
  const numbers = (text = "") => text.split(" ").map(Number);
  return checkPreprocessing({ mean: numbers(mean), std: numbers(deviation) }, name);
}
