/** What a cached feature table depends on, as one digest. */
import { createHash, type Hash } from "node:crypto";
import { createReadStream } from "node:fs";
import type { ImageRecord } from "../../dataset/mod.ts";
import { exists } from "../../base/mod.ts";
import type { Preprocessing } from "../../image/mod.ts";
import type { SegmentationModel } from "../../model/mod.ts";

/** Raise it when the same inputs begin to give other features. */
const FORMAT = 2;

/** Everything that went into a feature table, in words and as digests. */
export interface FeatureKey {
  format: number;
  architecture: string;
  encoder: string;
  padding: string;
  preprocessing: Preprocessing;
  /** SHA-256 of the encoder's weights. */
  weights: string;
  tile: number;
  scale: number;
  pool: "flatten" | "average";
  /** The name of what was done to the images first. */
  prepare: string | null;
  /** One entry for each image: its id and the SHA-256 of its pixels' and annotation's files. */
  images: { id: string; split: string; donor: string | null; digest: string }[];
}

/**
 * Identifies the features of `records` through `model`: by content, so that a copied data set or a
 * fresh clone is recognised and an image replaced under its old name is too.
 *
 * @throws when an image cannot be read
 */
export async function featureKey(
  records: readonly ImageRecord[],
  model: SegmentationModel,
  settings: Pick<FeatureKey, "tile" | "scale" | "pool" | "prepare">,
): Promise<FeatureKey> {
  const { preprocessing } = model;
  const { architecture, encoder, padding } = model.config;
  const images: FeatureKey["images"] = [];
  for (const record of records) {
    const { id, split, donor } = record;
    images.push({ id, split, donor, digest: await imageDigest(record) });
  }
  const weights = await weightsDigest(model);
  const of = { architecture, encoder, padding, preprocessing, weights };
  return { format: FORMAT, ...of, ...settings, images };
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

async function imageDigest(record: ImageRecord): Promise<string> {
  const hash = createHash("sha256");
  await addFile(hash, record.imagePath);
  hash.update(`|${record.rle ?? ""}|`);
  for (const path of [record.maskPath, record.polygonsPath]) {
    if (path && await exists(path)) await addFile(hash, path);
    hash.update("|");
  }
  return hash.digest("hex");
}

async function addFile(hash: Hash, path: string): Promise<void> {
  for await (const chunk of createReadStream(path)) hash.update(chunk as Uint8Array);
}
