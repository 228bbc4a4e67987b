/**
 * One training step in float64: a worker in which every Float32Array is a Float64Array, so that the
 * plain JavaScript backend computes in double precision throughout. Answers a {@link StepRequest}
 * with a {@link StepResult}.
 */
// deno-lint-ignore no-explicit-any
(globalThis as any).Float32Array = Float64Array;
// Everything below must be imported after that.
const tf = await import("@tensorflow/tfjs-core");
const { cpu } = await import("../../lib/backend/cpu.ts");
await import("../../lib/backend/gradients.ts");
const { registerDirectConvolutions } = await import("./float64_convolution.ts");
const { trainingStep } = await import("./training_step.ts");

// Node's platform would look for true Float32Arrays.
tf.env().platform!.isTypedArray = (a: unknown): a is Uint8Array => ArrayBuffer.isView(a);
await cpu.activate();
registerDirectConvolutions();

self.addEventListener("message", async (event) => {
  (self as unknown as Worker).postMessage(await trainingStep((event as MessageEvent).data));
});
(self as unknown as Worker).postMessage("ready");
