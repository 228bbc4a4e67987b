/** Scores of images by one configuration, or by several whose maps are averaged. */
import { diceScore } from "crypts/annotation";
import { cryptsOfLabels, findCrypts, smallestCrypt } from "crypts/crypts";
import { type ImageScores, scoreCrypts } from "crypts/evaluation";
import { resizeMask } from "crypts/image";
import { classesOf } from "crypts/inference";
import type { Decision } from "crypts/training";
import { meanMap, type Seen } from "./images.ts";

/** Scores of an image by a configuration, or by several that are averaged. */
function score(image: Seen, names: readonly string[], decision: Decision): ImageScores {
  const { record, labels } = image, { height, width } = record;
  const { threshold, interior: margin, minProbability, minAreaUm2 } = decision;
  const probability = meanMap(image, names, "crypt")!, boundary = meanMap(image, names, "boundary");
  const classes = classesOf(probability, boundary, threshold, margin);
  const data = classes.map((value) => value === 0 ? 0 : 1), mask = { data, height, width };
  const minArea = smallestCrypt(record.pixelSize, minAreaUm2);
  const crypts = findCrypts(mask, { minArea, minProbability }, {
    probability,
    interior: boundary && classes.map((value) => value === 1 ? 1 : 0),
  });
  return scoreCrypts(record.id, mask, labels, crypts, cryptsOfLabels(labels));
}

/** Dice of averaged maps at 0.5, at their own size where that is one: quick, for the choice. */
export function quickDice(image: Seen, names: readonly string[]): number {
  const { labels, maps } = image, all = names.map((name) => maps.get(name)!);
  const crypt = { ...labels, data: Uint8Array.from(labels.data, (label) => label ? 1 : 0) };
  const [{ height, width }] = all;
  if (all.some((map) => map.height !== height || map.width !== width)) {
    const whole = meanMap(image, names, "crypt")!;
    return diceScore(Uint8Array.from(whole, (p) => p > 0.5 ? 1 : 0), crypt.data);
  }
  const predicted = new Uint8Array(height * width), least = 127.5 * all.length;
  for (let i = 0; i < predicted.length; i++) {
    predicted[i] = all.reduce((sum, { crypt }) => sum + crypt[i], 0) > least ? 1 : 0;
  }
  return diceScore(predicted, resizeMask(crypt, height, width).data);
}

/** {@link score} with one decision for all, each combination once. */
export function remembered(decision: Decision = {}) {
  const known = new Map<string, ImageScores>();
  return (image: Seen, names: readonly string[]): ImageScores => {
    const key = `${image.record.id} ${[...names].sort().join(" ")}`;
    const found = known.get(key) ?? score(image, names, decision);
    known.set(key, found);
    return found;
  };
}
