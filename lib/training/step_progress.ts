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
