/** What a cached feature table depends on, by content. */
import { createHash } from "node:crypto";
import { type ImageRecord, recordInputs } from "../../dataset/mod.ts";
import { type FileDigests, type Fingerprint, fingerprint } from "../../base/mod.ts";
import type { SegmentationModel } from "../../model/mod.ts";
import type { TissueRule } from "../../patching/mod.ts";

/** Raise it when the same inputs begin to give other features. */
const VERSION = 5;

/** Settings that decide the features of a model. */
export interface FeatureSettings {
  tile: number;
  scale: number;
  pool: "flatten" | "average";
  /** The name of what was done to the images first. */
  prepare: string | null;
  /** The rule by which tiles were left out; null: all are there. */
  tissue: Readonly<TissueRule> | null;
  /** The greatest share of a tile beyond the image; null: any. */
  maxPadding: number | null;
  /** The least share of crypt that makes the class crypt. */
  minCryptShare: number;
  /** What ran the encoder: the last digits of features differ. */
  engine: "tensorflow" | "onnx";
}

/**
 * Identifies the features of `records` through `model`: by the content of images, masks, encodings,
 * polygons and encoder weights, so that a copied data set or a fresh clone is recognised and an image
 * replaced under its old name is too.
 *
 * @throws {Error} naming an image that cannot be read
 */
export async function featureKey(
  records: readonly ImageRecord[],
  model: SegmentationModel,
  settings: FeatureSettings,
  digests: FileDigests,
): Promise<Fingerprint> {
  const { preprocessing, config: { architecture, encoder, padding } } = model;
  const inputs: Record<string, string> = { "encoder weights": await weightsDigest(model) };
  for (const record of records) {
    const own = Object.entries(await recordInputs(record, digests));
    for (const [kind, digest] of own) inputs[`${kind} of ${record.split}/${record.id}`] = digest;
  }
  return fingerprint("features", VERSION, {
    ...settings,
    ...{ architecture, encoder, padding, preprocessing },
    images: records.map(({ id, split, donor }) => ({ id, split, donor })),
  }, inputs);
}

/** The decoder plays no part in the features, so only the encoder's parameters count. */
async function weightsDigest(model: SegmentationModel): Promise<string> {
  const hash = createHash("sha256");
  for (const { name, variable } of model.parameters.values()) {
    if (!name.startsWith("encoder.")) continue;
    const data = await variable.data();
    hash.update(`${name}[${variable.shape}]`);
    hash.update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  }
  return hash.digest("hex");
}
