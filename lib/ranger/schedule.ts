/** Learning rates by step: constant, one-cycle, cosine with warm-up, flat then cosine. */

/** Which schedule, and its settings; shares are of the whole training, in [0, 1]. */
export type ScheduleSpec =
  /** Rises linearly for `warmup` (0), then stays. */
  | { kind: "constant"; warmup?: number }
  /** Rises from peak / `startDivisor` (25) for `warmup` (0.3), falls to that / `endDivisor` (1e4). */
  | { kind: "one-cycle"; warmup?: number; startDivisor?: number; endDivisor?: number }
  /** Rises linearly for `warmup` (0.05), then falls along a cosine to peak * `floor` (0). */
  | { kind: "cosine"; warmup?: number; floor?: number }
  /** Rises linearly for `warmup` (0), stays at the peak until `flat` (0.75), falls along a cosine to 0. */
  | { kind: "flat-cosine"; warmup?: number; flat?: number };

/** The learning rate of step `step`, 0 for the first. Beyond the last step the last rate stays. */
export type Schedule = (step: number) => number;

/**
 * The schedule for a training of `steps` steps.
 *
 * "one-cycle" equals PyTorch's `OneCycleLR` with its defaults (cosine annealing, momentum left alone;
 * Smith and Topin 2018), "cosine" is SGDR without restarts (Loshchilov and Hutter 2017) after a linear
 * warm-up whose first step is already above 0; "flat-cosine" is fastai's `fit_flat_cos`, made for
 * Ranger, which warms up by itself.
 *
 * @param peak the greatest learning rate
 * @throws {RangeError} for an unknown kind or settings out of their range
 */
export function createSchedule(spec: ScheduleSpec, peak: number, steps: number): Schedule {
  if (!(peak > 0 && Number.isFinite(peak))) {
    throw new RangeError(`learning rate must be a positive number, got ${peak}`);
  }
  if (!(Number.isInteger(steps) && steps >= 1)) {
    throw new RangeError(`a schedule needs a positive number of steps, got ${steps}`);
  }
  const share = (name: string, value: number) => {
    if (!(value >= 0 && value <= 1)) {
      throw new RangeError(`${spec.kind} schedule: ${name} must be in [0, 1], got ${value}`);
    }
    return value;
  };
  switch (spec.kind) {
    case "constant": {
      const rise = Math.round(share("warmup", spec.warmup ?? 0) * steps);
      return (step) => step < rise ? peak * (step + 1) / rise : peak;
    }
    case "one-cycle": {
      const top = share("warmup", spec.warmup ?? 0.3) * steps - 1;
      const start = peak / divisor("startDivisor", spec.startDivisor ?? 25);
      const end = start / divisor("endDivisor", spec.endDivisor ?? 1e4);
      // A single step has no time to rise and fall.
      if (steps === 1) return () => peak;
      return (step) => {
        const at = Math.min(step, steps - 1);
        return at <= top
          ? anneal(start, peak, top > 0 ? at / top : 1)
          : anneal(peak, end, (at - top) / (steps - 1 - top));
      };
    }
    case "cosine": {
      const rise = Math.round(share("warmup", spec.warmup ?? 0.05) * steps);
      const floor = peak * share("floor", spec.floor ?? 0);
      return (step) =>
        step < rise
          ? peak * (step + 1) / rise
          : anneal(peak, floor, Math.min(1, (step - rise) / Math.max(1, steps - rise)));
    }
    case "flat-cosine": {
      const rise = Math.round(share("warmup", spec.warmup ?? 0) * steps);
      const flat = Math.round(share("flat", spec.flat ?? 0.75) * steps);
      return (step) =>
        step < rise
          ? peak * (step + 1) / rise
          : step < flat
          ? peak
          : anneal(peak, 0, Math.min(1, (step - flat + 1) / Math.max(1, steps - flat + 1)));
    }
    default:
      throw new RangeError(
        `unknown schedule "${(spec as ScheduleSpec).kind}"; ` +
          "known: constant, one-cycle, cosine, flat-cosine",
      );
  }
}

/** From `from` to `to` along half a cosine, `share` of the way. */
function anneal(from: number, to: number, share: number): number {
  return to + (from - to) / 2 * (1 + Math.cos(Math.PI * share));
}

function divisor(name: string, value: number): number {
  if (!(value > 0)) throw new RangeError(`one-cycle schedule: ${name} must be > 0, got ${value}`);
  return value;
}
