/**
 * Training steps and evaluations in float64: a worker in which every Float32Array is a Float64Array, so
 * that the plain JavaScript backend computes in double precision throughout. Answers a
 * {@link StepRequest} with a {@link StepResult}, a {@link LogitsRequest} with logits in NCHW order.
 */
// deno-lint-ignore no-explicit-any
(globalThis as any).Float32Array = Float64Array;
// Everything below must be imported after that.
const tf = await import("@tensorflow/tfjs-core");
const { cpu } = await import("../../lib/backend/cpu.ts");
await import("../../lib/backend/gradients.ts");
const { registerDirectConvolutions } = await import("./float64_convolution.ts");
const { trainingStep } = await import("./training_step.ts");
const { closedFormLogits } = await import("./reference_models.ts");

// Node's platform would look for true Float32Arrays.
tf.env().platform!.isTypedArray = (a: unknown): a is Uint8Array => ArrayBuffer.isView(a);
await cpu.activate();
registerDirectConvolutions();

self.addEventListener("message", async (event) => {
  const { data } = event as MessageEvent;
  const result = data.logits ? await closedFormLogits(data) : await trainingStep(data);
  (self as unknown as Worker).postMessage(result);
});
(self as unknown as Worker).postMessage("ready");
