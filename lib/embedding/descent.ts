/** The descent of t-SNE: momentum, gains and early exaggeration, whatever gives the gradient. */

/**
 * Moves `y` (interleaved) down a gradient: the first 250 steps with the attraction exaggerated 12
 * times and momentum 0.5, then 0.8, as scikit-learn does.
 *
 * @param gradientAt writes the gradient at `y` into its argument
 * @param tell hears the steps done, every 25
 */
export function descend(
  y: Float64Array,
  { iterations, rate }: { iterations: number; rate: number },
  gradientAt: (gradient: Float64Array, exaggeration: number) => void,
  tell: (step: number) => void,
): void {
  const speed = new Float64Array(y.length), gain = new Float64Array(y.length).fill(1);
  const gradient = new Float64Array(y.length);
  for (let step = 0; step < iterations; step++) {
    const momentum = step < 250 ? 0.5 : 0.8;
    if (step === 250) {
      // What was learned of speed under exaggeration says nothing about the true gradient.
      speed.fill(0);
      gain.fill(1);
    }
    gradientAt(gradient, step < 250 ? 12 : 1);
    for (let i = 0; i < y.length; i++) {
      gain[i] = gradient[i] * speed[i] < 0 ? gain[i] + 0.2 : Math.max(0.01, gain[i] * 0.8);
      speed[i] = momentum * speed[i] - rate * gain[i] * gradient[i];
      y[i] += speed[i];
    }
    if (step % 25 === 24) tell(step + 1);
  }
}
