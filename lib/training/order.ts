/** In which order an epoch visits the patches. */
import type { Random } from "../base/mod.ts";
import type { Patch } from "../patching/mod.ts";

/** Indices of the patches of an epoch, batch by batch; the last batch may be smaller. */
export type EpochOrder = number[][];

/** Cuts `indices` into batches. */
export function batches(indices: readonly number[], batchSize: number): EpochOrder {
  return Array.from(
    { length: Math.ceil(indices.length / batchSize) },
    (_, i) => indices.slice(i * batchSize, (i + 1) * batchSize),
  );
}

/**
 * A shuffled epoch. With `balance` as many patches are drawn, but half of them with crypt and half
 * without (as far as both exist): the rarer kind comes several times, the other one not in full.
 *
 * @param steps batches of the epoch, all full: patches come in shuffled rounds; default: one round
 */
export function shuffledOrder(
  patches: readonly Patch[],
  batchSize: number,
  random: Random,
  balance = false,
  steps?: number,
): EpochOrder {
  const count = steps === undefined ? patches.length : steps * batchSize;
  const all = patches.map((_, i) => i);
  const kinds = [true, false].map((crypt) => all.filter((i) => patches[i].crypt === crypt));
  if (!balance || kinds.some((k) => k.length === 0)) {
    return batches(repeatShuffled(all, count, random), batchSize);
  }
  const half = Math.ceil(count / 2);
  const drawn = [
    ...repeatShuffled(kinds[0], half, random),
    ...repeatShuffled(kinds[1], count - half, random),
  ];
  return batches(random.shuffle(drawn), batchSize);
}

/** `count` items: whole shuffled rounds, so that no item comes twice more often than another. */
function repeatShuffled(items: number[], count: number, random: Random): number[] {
  const out: number[] = [];
  while (out.length < count) out.push(...random.shuffle(items));
  return out.slice(0, count);
}
