/** Batch normalization in training mode with its activation: two passes forward, two back. */
import type { BackendWasm } from "@tensorflow/tfjs-backend-wasm";
import type * as tf from "@tensorflow/tfjs-core";
import { Fused, type NormActivation } from "../../tensor/mod.ts";
import { activationNumber } from "./activation.ts";
import { type Address, address, callKernel, floats, threads, withScratch } from "./kernels.ts";
import { registerWasmKernel } from "./register.ts";

interface Attributes {
  epsilon: number;
  activation: NormActivation;
}

/** Registers `BatchNormTrain` and `BatchNormTrainGrad`. */
export function registerBatchNorm(): void {
  registerWasmKernel<"x" | "gamma" | "beta", Attributes>(Fused.BatchNormTrain, forward);
  registerWasmKernel<"x" | "gamma" | "beta" | "mean" | "variance" | "dy", Attributes>(
    Fused.BatchNormTrainGrad,
    backward,
  );
}

function forward(
  { inputs: { x, gamma, beta }, attrs, backend }: {
    inputs: Record<"x" | "gamma" | "beta", tf.TensorInfo>;
    attrs: Attributes;
    backend: BackendWasm;
  },
): tf.TensorInfo[] {
  const channels = x.shape[3];
  const rows = x.shape[0] * x.shape[1] * x.shape[2];
  const y = backend.makeOutput(x.shape, "float32");
  const mean = backend.makeOutput([channels], "float32");
  const variance = backend.makeOutput([channels], "float32");
  const image = address(backend, x);
  withScratch(backend, 2 * channels * (threads() + 1), (scratch) => {
    const [sums, squares] = reduce(backend, "batch_norm_sums", scratch, channels, rows, (p, q) => [
      image,
      image, // The first pixel serves as the origin of the sums.
      p,
      q,
    ]);
    const origin = floats(backend, image, channels);
    const [m, v, g, b] = [mean, variance, gamma, beta].map((t) =>
      floats(backend, address(backend, t), channels)
    );
    for (let c = 0; c < channels; c++) {
      const shift = sums[c] / rows;
      m[c] = origin[c] + shift;
      v[c] = Math.max(0, squares[c] / rows - shift * shift);
      sums[c] = g[c] / Math.sqrt(v[c] + attrs.epsilon);
      squares[c] = b[c] - m[c] * sums[c];
    }
    callKernel({
      kernel: "batch_norm_apply",
      args: [image, scratch, scratch + 4 * channels, address(backend, y), channels],
      work: rows,
      rest: [activationNumber(attrs.activation)],
    });
  });
  return [y, mean, variance];
}

function backward(
  { inputs, attrs, backend }: {
    inputs: Record<"x" | "gamma" | "beta" | "mean" | "variance" | "dy", tf.TensorInfo>;
    attrs: Attributes;
    backend: BackendWasm;
  },
): tf.TensorInfo[] {
  const { x, gamma, beta, mean, variance, dy } = inputs;
  const channels = x.shape[3];
  const rows = x.shape[0] * x.shape[1] * x.shape[2];
  const dx = backend.makeOutput(x.shape, "float32");
  const dgamma = backend.makeOutput([channels], "float32");
  const dbeta = backend.makeOutput([channels], "float32");
  withScratch(backend, 2 * channels * (threads() + 2), (scratch) => {
    const view = (t: tf.TensorInfo) => floats(backend, address(backend, t), channels);
    const [m, v, g, b, dg, db] = [mean, variance, gamma, beta, dgamma, dbeta].map(view);
    const [a, shift] = [scratch, scratch + 4 * channels];
    const [scales, shifts] = [a, shift].map((at) => floats(backend, at, channels));
    for (let c = 0; c < channels; c++) {
      scales[c] = g[c] / Math.sqrt(v[c] + attrs.epsilon);
      shifts[c] = b[c] - m[c] * scales[c];
    }
    const [image, gradient, out] = [x, dy, dx].map((t) => address(backend, t));
    const totals = scratch + 8 * channels;
    const [sum, dot] = reduce(
      backend,
      "batch_norm_gradient_sums",
      totals,
      channels,
      rows,
      (p, q) => [image, gradient, address(backend, mean), a, shift, out, p, q],
      [activationNumber(attrs.activation)],
    );
    // dx = scale * (g - mean(g) - (x - mean) * mean(g * (x - mean)) / (variance + epsilon))
    for (let c = 0; c < channels; c++) {
      const inverse = 1 / Math.sqrt(v[c] + attrs.epsilon);
      dg[c] = dot[c] * inverse;
      db[c] = sum[c];
      dot[c] *= -scales[c] * inverse * inverse / rows;
      sum[c] = -scales[c] * sum[c] / rows - dot[c] * m[c];
    }
    callKernel({
      kernel: "batch_norm_gradient_apply",
      args: [image, gradient, a, shift, totals + 4 * channels, totals, out, channels],
      work: rows,
      rest: [activationNumber(attrs.activation)],
    });
  });
  return [dx, dgamma, dbeta];
}

/**
 * Runs a kernel that adds two sums a channel and returns them; `scratch` holds zeros, 2 * channels
 * floats for the totals and as many for each thread.
 */
function reduce(
  backend: BackendWasm,
  kernel: string,
  scratch: Address,
  channels: number,
  rows: number,
  args: (sum: Address, dot: Address) => Address[],
  rest: number[] = [],
): Float32Array[] {
  const size = 8 * channels;
  const [p, q] = [scratch + size, scratch + size + 4 * channels];
  const first = [...args(p, q), channels];
  const second = [...args(p + size, q + size), channels];
  const steps = second.map((value, i) => value - first[i]);
  callKernel({ kernel, args: first, steps, work: rows, rest });
  const totals = floats(backend, scratch, 2 * channels);
  for (let slice = 0; slice < threads(); slice++) {
    const part = floats(backend, p + slice * size, 2 * channels);
    for (let i = 0; i < part.length; i++) totals[i] += part[i];
  }
  return [totals.subarray(0, channels), totals.subarray(channels)];
}
