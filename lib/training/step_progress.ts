/** How far a training is, step by step. */

/** What `onStep` hears. */
export interface StepProgress {
  fold: number;
  /** 1 for the first. */
  epoch: number;
  epochs: number;
  /** Steps done in this epoch. */
  step: number;
  steps: number;
  /** Mean over this epoch's patches so far. */
  loss: number;
  dice: number;
  learningRate: number;
  /** Patches a second in this epoch, validation not counted. */
  samplesPerSecond: number;
  /** Share of this epoch's time that was spent waiting for data, in [0, 1]. */
  waitingShare: number;
}

/** Means and times over the steps of an epoch so far. */
export class StepTally {
  steps = 0;
  /** Milliseconds waited for data. */
  waited = 0;
  private readonly start = performance.now();
  private readonly sum = { loss: 0, dice: 0, count: 0 };

  /** A step on `count` patches, of these means. */
  add(count: number, loss: number, dice: number): void {
    this.steps++;
    this.sum.count += count;
    this.sum.loss += loss * count;
    this.sum.dice += dice * count;
  }

  /** Over all patches; NaN before the first step. */
  means(): { loss: number; dice: number } {
    const { loss, dice, count } = this.sum;
    return { loss: loss / count, dice: dice / count };
  }

  /** What {@link StepProgress} says of them. */
  figures(): Pick<
    StepProgress,
    "step" | "loss" | "dice" | "samplesPerSecond" | "waitingShare"
  > {
    const elapsed = performance.now() - this.start;
    return {
      step: this.steps,
      ...this.means(),
      samplesPerSecond: 1000 * this.sum.count / elapsed,
      waitingShare: this.waited / elapsed,
    };
  }
}
