/** The progress bar of a training over several folds, which may go on from an earlier run. */
import type { FoldResult, StepProgress } from "../training/mod.ts";
import { createProgress, type ProgressOptions } from "./progress.ts";

/** What {@link createTrainingBar} makes; give `onStep` to `trainFolds`. */
export interface TrainingBar {
  onStep(step: StepProgress): void;
  /** Ends the bar; says so where all epochs had been finished by an earlier run. */
  finish(results: readonly Pick<FoldResult, "epochs" | "ended">[]): Promise<void>;
}

/**
 * One bar for all folds, in epochs. Epochs of an earlier run count as done, but not for the time left.
 *
 * @param folds the folds in the order in which they are trained
 */
export function createTrainingBar(
  { folds, epochs }: { folds: readonly number[]; epochs: number },
  options: ProgressOptions = {},
): TrainingBar {
  const total = folds.length * epochs;
  const bar = createProgress("Training", total, { unit: "epoch", ...options });
  let begun = false;
  return {
    onStep({ fold, epoch, step, steps, loss, samplesPerSecond, waitingShare }) {
      const finished = folds.indexOf(fold) * epochs + epoch - 1;
      if (!begun) bar.begin(finished);
      begun = true;
      bar.update(
        finished + step / steps,
        `fold ${fold} · loss ${loss.toFixed(3)} · ${samplesPerSecond.toFixed(1)} patches/s` +
          `, ${(100 * waitingShare).toFixed(0)}% of the time waiting for data`,
      );
    },
    async finish(results) {
      const count = results.reduce((sum, result) => sum + result.epochs.length, 0);
      const early = results.filter(({ ended }) => ended === "patience").length;
      bar.begin(count);
      const notes = [
        ...(begun
          ? []
          : [`finished before: ${count} of ${total} ${total === 1 ? "epoch" : "epochs"}`]),
        ...(early > 0 ? [`${early} of ${folds.length} folds stopped early`] : []),
      ];
      await bar.finish(notes.join(", "));
    },
  };
}
