/**
 * Gives memory back during the backward pass. TensorFlow.js keeps every activation that a gradient was
 * saved for, and every gradient of an activation, until the whole pass is over: twice to three times
 * what is needed at any one moment.
 */
import * as tf from "@tensorflow/tfjs-core";

const released = new Set<string>();

/** What the node of the tape that was passed last has no more use for. */
let behind: tf.Tensor[] = [];

/**
 * Wraps the gradient of each kernel of the backend `name`: by the time that a node's gradient is asked
 * for, the nodes after it on the tape are done, and what they saved and were given can go.
 *
 * Higher-order gradients need all of it again; then nothing is released.
 */
export function releaseEarly(name: string): void {
  for (const { kernelName } of tf.getKernelsForBackend(name)) {
    const own = tf.getGradient(kernelName);
    if (!own || released.has(kernelName)) continue;
    released.add(kernelName);
    tf.registerGradient({
      ...own,
      gradFunc: (dy, saved, attrs) => {
        for (const tensor of behind) tensor.dispose();
        const gradients = own.gradFunc(dy, saved, attrs);
        if (tf.engine().state.gradientDepth > 0) {
          behind = [];
          return gradients;
        }
        behind = [...saved, ...[dy].flat().filter(ownedByThePass)];
        return Object.fromEntries(
          Object.entries(gradients).map(([input, run]) => [input, () => {
            const result = run();
            // Handed on as it is, it lives on as the gradient of the input.
            behind = behind.filter((tensor) => tensor !== result);
            return result;
          }]),
        );
      },
    });
  }
}

/** Whether a gradient was made by the backward pass itself, not handed to it by the caller. */
function ownedByThePass(dy: tf.Tensor): boolean {
  return dy.scopeId === tf.engine().state.activeScope.id && !dy.kept;
}
