/**
 * Where the time of one training step goes on a backend: by kernel, share, calls, bytes that must move
 * (inputs and outputs once each), arithmetic. Times are processor time of all threads together, which
 * other work on the machine disturbs less than the clock; GB/s and GFLOP/s are those of one core.
 *
 *     deno run -A bench/profile.ts [BACKEND [ENCODER [SIDE [BATCH]]]]
 *
 * Only backends whose kernels are done when they return can be taken apart: wasm, cpu, tfjs-node.
 */
import process from "node:process";
import * as tf from "@tensorflow/tfjs-core";
import { selectBackend } from "crypts/backend";
import { crossEntropy } from "crypts/tensor";
import { createModel, listEncoders } from "crypts/model";
import { Ranger } from "crypts/ranger";
import { median, printMachine, printTable } from "./machine.ts";

const REPEATS = 5;

interface Entry {
  calls: number;
  ms: number;
  bytes: number;
  flops: number;
}

const [backend = "wasm", encoder = "efficientnet-b0", side = "128", batch = "8"] = Deno.args;
const [pixels, samples] = [side, batch].map(Number);
if (!listEncoders().includes(encoder)) {
  throw new RangeError(`encoder "${encoder}" is not one of ${listEncoders().join(", ")}`);
}
for (const [name, value] of Object.entries({ SIDE: pixels, BATCH: samples })) {
  if (!(Number.isInteger(value) && value > 0)) {
    throw new RangeError(`${name} must be a whole number`);
  }
}
if (!["wasm", "cpu", "tfjs-node"].includes(backend)) {
  throw new RangeError(
    `kernels of "${backend}" are not done when they return: wasm, cpu, tfjs-node`,
  );
}

printMachine();
const { line } = await selectBackend(backend);
console.log(`## Unet ${encoder}, ${pixels} px, batch ${samples}, training step, ${line}\n`);

const table = new Map<string, Entry>();
watchKernels();
profileStep();

/** Milliseconds that this process has computed so far, all threads together. */
function processorTime(): number {
  return process.cpuUsage().user / 1000;
}

/** Wraps each kernel: its own time, without that of kernels which it calls. */
function watchKernels(): void {
  const inner: number[] = [];
  for (const kernel of tf.getKernelsForBackend(tf.getBackend())) {
    tf.unregisterKernel(kernel.kernelName, kernel.backendName);
    tf.registerKernel({
      ...kernel,
      kernelFunc: (call) => {
        inner.push(0);
        const start = processorTime();
        const result = kernel.kernelFunc(call);
        const all = processorTime() - start;
        const own = all - inner.pop()!;
        if (inner.length) inner[inner.length - 1] += all;
        const inputs = Object.values(call.inputs).flat() as (tf.TensorInfo | undefined)[];
        note(kernel.kernelName, own, inputs, [result].flat(), call.attrs ?? {});
        return result;
      },
    });
  }
}

function sizeOf(t: tf.TensorInfo): number {
  return t.shape.reduce((a, b) => a * b, 1);
}

function note(
  name: string,
  ms: number,
  inputs: (tf.TensorInfo | undefined)[],
  results: tf.TensorInfo[],
  attrs: tf.NamedAttrMap,
): void {
  const present = inputs.filter((t) => t !== undefined && t !== null);
  const { label, flops } = arithmetic(name, present, results, attrs);
  const entry = table.get(label) ?? { calls: 0, ms: 0, bytes: 0, flops: 0 };
  entry.calls++;
  entry.ms += ms;
  entry.bytes += 4 * [...present, ...results].reduce((sum, t) => sum + sizeOf(t), 0);
  entry.flops += flops;
  table.set(label, entry);
}

/** Convolutions are told apart by their window; everything else counts no arithmetic. */
function arithmetic(
  name: string,
  inputs: tf.TensorInfo[],
  results: tf.TensorInfo[],
  attrs: tf.NamedAttrMap,
): { label: string; flops: number } {
  if (!/Conv2[dD]/.test(name)) return { label: name, flops: 0 };
  const filter = /BackpropFilter/.test(name) ? attrs.filterShape as number[] : inputs[1].shape;
  const [kh, kw, channels, out] = filter;
  const outputs = /Backprop/.test(name) ? inputs[name.includes("Filter") ? 1 : 0] : results[0];
  const places = sizeOf(outputs) / outputs.shape[3];

  return {
    label: `${name} ${kh}x${kw}`,
    flops: 2 * places * kh * kw * channels * out,
  };
}

function profileStep(): void {
  const model = createModel({ architecture: "Unet", encoder, seed: 1 });
  const x = tf.randomNormal([samples, pixels, pixels, 3]) as tf.Tensor4D;
  const target = tf.randomUniform([samples, pixels, pixels], 0, 2, "int32") as tf.Tensor3D;
  const cost = (training: boolean) => crossEntropy(model.forward(x, { training }), target);
  const first = tf.variableGrads(() => cost(false));
  const used = model.trainable.filter((variable) => first.grads[variable.name]);
  tf.dispose([first.value, first.grads]);
  const optimizer = new Ranger(1e-3, { weightDecay: 1e-4 });
  const step = () => {
    const { value, grads } = tf.variableGrads(() => cost(true), used);
    optimizer.applyGradients(grads);
    value.dataSync();
    tf.dispose([value, grads]);
  };
  step();
  table.clear();
  const times: number[] = [];
  for (let i = 0; i < REPEATS; i++) {
    const start = processorTime();
    step();
    times.push(processorTime() - start);
  }
  print(median(times));
  optimizer.dispose();
  model.dispose();
  tf.dispose([x, target]);
}

function print(step: number): void {
  const entries = [...table].sort(([, a], [, b]) => b.ms - a.ms);
  const total = entries.reduce((sum, [, e]) => sum + e.ms, 0) / REPEATS;
  const row = (name: string, { calls, ms, bytes, flops }: Entry) => [
    name,
    Math.round(calls / REPEATS),
    (ms / REPEATS).toFixed(1),
    (100 * ms / REPEATS / total).toFixed(1),
    (bytes / REPEATS / 2 ** 20).toFixed(0),
    (bytes / ms / 1e6).toFixed(1),
    flops ? (flops / REPEATS / 1e9).toFixed(2) : "",
    flops ? (flops / ms / 1e6).toFixed(1) : "",
  ];
  printTable([
    ["kernel", "calls", "ms", "%", "MiB", "GB/s", "GFLOP", "GFLOP/s"],
    ...entries.filter(([, e]) => e.ms / REPEATS > 0.002 * total).map(([name, e]) => row(name, e)),
  ]);
  console.log(
    `\nstep ${step.toFixed(0)} ms of processor time (median of ${REPEATS}), in kernels ${
      total.toFixed(0)
    } ms (mean)`,
  );
}
