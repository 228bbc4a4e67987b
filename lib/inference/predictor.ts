/** What inference needs of a model: crypt and boundary probabilities of tiles. */
import * as tf from "@tensorflow/tfjs-core";
import { boundaryChannels, type SegmentationModel } from "../model/mod.ts";
import { normalizeRgb } from "../image/mod.ts";

/** A model, whatever runs it: TensorFlow.js ({@link modelPredictor}) or ONNX Runtime (`onnxPredictor`). */
export interface TilePredictor {
  /** Shown in reports and errors. */
  readonly name: string;
  /** What runs it, for a log: "ONNX Runtime", "TensorFlow.js (wasm)". */
  readonly engine: string;
  readonly classes: number;
  /** 1: crypt. 2, of boundary models (three classes): crypt and boundary. */
  readonly channels: 1 | 2;
  /** The factor that tile sides must be a multiple of. */
  readonly sideMultiple: number;
  /** The height and the width that it takes alone, as files with fixed sides do; null or absent: any. */
  readonly sides?: readonly [height: number | null, width: number | null];
  /**
   * @param rgb tiles of interleaved RGB bytes, each `height * width * 3` long
   * @returns per tile `channels * height * width` probabilities in [0, 1], channel by channel,
   *   row-major: crypt, that is 1 - p(background), and for boundary models p(boundary)
   */
  predict(rgb: Uint8Array[], height: number, width: number): Promise<Float32Array[]>;
  dispose(): void;
}

/**
 * A model as a predictor: softmax over the classes; the sigmoid where the model has one class. The
 * configured activation is not applied on top. Disposing of the predictor disposes of the model.
 *
 * @param name default: architecture and encoder
 */
export function modelPredictor(model: SegmentationModel, name?: string): TilePredictor {
  const { architecture, encoder, classes } = model.config, channels = boundaryChannels(classes);
  return {
    name: name ?? `${architecture} ${encoder}`,
    engine: `TensorFlow.js (${tf.getBackend()})`,
    classes,
    channels,
    sideMultiple: model.sideMultiple,
    async predict(rgb, height, width) {
      const values = height * width * 3, floats = new Float32Array(rgb.length * values);
      rgb.forEach((bytes, i) => {
        if (bytes.length !== values) {
          throw new RangeError(
            `tile ${i} must be ${height} x ${width} RGB (${values} bytes), got ${bytes.length}`,
          );
        }
        normalizeRgb(bytes, model.preprocessing, floats, i * values);
      });
      const probability = tf.tidy(() => {
        const x = tf.tensor4d(floats, [rgb.length, height, width, 3]);
        return probabilities(model.forward(x));
      });
      try {
        const all = await probability.data() as Float32Array, size = channels * height * width;
        return rgb.map((_, i) => all.subarray(i * size, (i + 1) * size));
      } finally {
        probability.dispose();
      }
    },
    dispose: () => model.dispose(),
  };
}

/** Logits [B,H,W,C] to crypt (and boundary) probabilities, [B,channels,H,W]. */
function probabilities(logits: tf.Tensor4D): tf.Tensor {
  const [batch, height, width, classes] = logits.shape;
  const plane = (of: tf.Tensor4D, c: number) =>
    tf.slice(of, [0, 0, 0, c], [batch, height, width, 1]);
  const shape = [batch, 1, height, width];
  if (classes === 1) return tf.reshape(tf.sigmoid(logits), shape);
  // The softmax of two classes is the sigmoid of their difference.
  if (classes === 2) {
    return tf.reshape(tf.sigmoid(tf.sub(plane(logits, 1), plane(logits, 0))), shape);
  }
  const all = tf.softmax(logits), crypt = tf.reshape(tf.sub(1, plane(all, 0)), shape);
  if (boundaryChannels(classes) === 1) return crypt;
  return tf.concat([crypt, tf.reshape(plane(all, 2), shape)], 1);
}

/**
 * Checks that predictors can vote together on tiles of a side.
 *
 * @throws {RangeError} for an empty list, predictors of different numbers of classes, or a tile side
 *   that one of them cannot take
 */
export function checkEnsemble(ensemble: readonly TilePredictor[], tile: number): void {
  if (ensemble.length === 0) {
    throw new RangeError("inference needs at least one model, got an empty list");
  }
  const [first] = ensemble;
  for (const { name, classes, sideMultiple, sides = [] } of ensemble) {
    if (classes !== first.classes) {
      throw new RangeError(
        `the models of an ensemble must have the same classes: "${first.name}" has ` +
          `${first.classes}, "${name}" has ${classes}`,
      );
    }
    if (sides.some((side) => side !== null && side !== tile)) {
      throw new RangeError(
        `"${name}" takes tiles of ${sides.map((side) => side ?? "any").join(" x ")} px alone, ` +
          `got tile ${tile}: give no other tile, or a file that is exported without --sides`,
      );
    }
    if (!(Number.isInteger(tile) && tile > 0 && tile % sideMultiple === 0)) {
      throw new RangeError(
        `tile must be a positive multiple of ${sideMultiple} for "${name}", got ${tile}`,
      );
    }
  }
}
