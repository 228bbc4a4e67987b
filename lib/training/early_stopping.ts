/** When to stop: the patience rule, as a function of the validation losses so far. */

/** Where training stands by {@link earlyStopping}. */
export interface Standing {
  /** Index of the best epoch; -1 before the first. */
  best: number;
  /** Epochs without improvement that are still allowed; 0: stop. */
  patienceLeft: number;
}

/**
 * The original's rule: every improvement of the validation loss sets the patience back to its full
 * value, every other epoch takes one from it, and training ends when none is left.
 *
 * @param losses the validation losses of all epochs so far
 */
export function earlyStopping(losses: readonly number[], patience: number): Standing {
  let best = -1;
  let patienceLeft = patience;
  losses.forEach((loss, epoch) => {
    if (patienceLeft === 0) return;
    if (best < 0 || loss < losses[best]) {
      best = epoch;
      patienceLeft = patience;
    } else patienceLeft--;
  });
  return { best, patienceLeft };
}
