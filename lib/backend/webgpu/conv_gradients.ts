/**
 * Gradients of convolutions on WebGPU as convolutions and matrix products. The backend's own kernels give
 * each value of a filter's gradient to one thread, which then sums over the whole batch of images.
 */
import * as tf from "@tensorflow/tfjs-core";

interface Attrs {
  strides: [number, number] | number;
  pad: "same" | "valid" | number | tf.backend_util.ExplicitPadding;
  dataFormat: "NHWC" | "NCHW";
  dimRoundingMode?: "floor" | "round" | "ceil";
  filterShape: [number, number, number, number];
  inputShape: [number, number, number, number];
}
type Kernel = (inputs: Record<string, tf.Tensor4D>, attrs: Attrs, info: Info) => tf.Tensor;
type Info = tf.backend_util.Conv2DInfo;

/** Registers both gradients; where they do not apply the backend's own kernels are called. */
export function registerConvGradients(): void {
  replace(
    tf.Conv2DBackpropFilter,
    ({ x }, { filterShape }) => [x.shape, filterShape],
    () => true,
    filterGradient,
  );
  replace(
    tf.Conv2DBackpropInput,
    ({ filter }, { inputShape }) => [inputShape, filter.shape],
    (info) => info.strideHeight === 1 && info.strideWidth === 1,
    inputGradient,
  );
}

/** For each place in the filter: the input seen through it, [channels, pixels], times dy [pixels, out]. */
const filterGradient: Kernel = ({ x, dy }, { filterShape }, info) => {
  const { strideHeight: sh, strideWidth: sw, outHeight, outWidth, batchSize } = info;
  const rows = (outHeight - 1) * sh + 1;
  const columns = (outWidth - 1) * sw + 1;
  const [height, width, inputs] = filterShape;
  const { top, left } = info.padInfo;
  const padded = tf.pad(x, [
    [0, 0],
    [top, Math.max(0, rows + height - 1 - info.inHeight - top)],
    [left, Math.max(0, columns + width - 1 - info.inWidth - left)],
    [0, 0],
  ]);
  const gradient = tf.reshape(dy, [-1, filterShape[3]]);
  const places: tf.Tensor[] = [];
  for (let i = 0; i < height; i++) {
    for (let j = 0; j < width; j++) {
      const seen = tf.stridedSlice(
        padded,
        [0, i, j, 0],
        [batchSize, i + rows, j + columns, inputs],
        [1, sh, sw, 1],
      );
      places.push(tf.matMul(tf.reshape(seen, [-1, inputs]) as tf.Tensor2D, gradient, true));
    }
  }
  return tf.reshape(places.length === 1 ? places[0] : tf.concat(places), filterShape);
};

/** With a stride of 1: dy convolved with the filter turned by 180 degrees, inputs and outputs swapped. */
const inputGradient: Kernel = ({ dy, filter }, _attrs, info) => {
  const [height, width] = filter.shape;
  const top = height - 1 - info.padInfo.top;
  const left = width - 1 - info.padInfo.left;
  // From the sizes: the padding at the end that gives back exactly the input's.
  const bottom = info.inHeight + height - 1 - info.outHeight - top;
  const right = info.inWidth + width - 1 - info.outWidth - left;
  const turned = height * width === 1 ? filter : tf.reverse(filter, [0, 1]);
  const swapped = tf.transpose(turned, [0, 1, 3, 2]) as tf.Tensor4D;
  const around: [number, number][] = [[0, 0], [top, bottom], [left, right], [0, 0]];
  if (around.flat().every((n) => n === 0)) return tf.conv2d(dy, swapped, 1, "valid");
  if (around.flat().some((n) => n < 0)) return cut(dy, swapped, around);
  return tf.conv2d(dy, swapped, 1, around as tf.backend_util.ExplicitPadding);
};

/** Padding wider than the filter: the values that it let in from nowhere are cut off. */
function cut(dy: tf.Tensor4D, filter: tf.Tensor4D, around: [number, number][]): tf.Tensor4D {
  const begin = around.map(([before]) => Math.max(0, -before));
  const size = dy.shape.map((side, i) => side - begin[i] - Math.max(0, -around[i][1]));
  const kept = tf.slice(dy, begin as [number, number, number, number], size as typeof dy.shape);
  const padding = around.map((pair) => pair.map((n) => Math.max(0, n)));
  return tf.conv2d(kept, filter, 1, padding as tf.backend_util.ExplicitPadding);
}

function replace(
  kernelName: string,
  shapesOf: (inputs: Record<string, tf.Tensor4D>, attrs: Attrs) => [number[], number[]],
  applies: (info: Info) => boolean,
  run: Kernel,
): void {
  const own = tf.getKernel(kernelName, "webgpu");
  tf.unregisterKernel(kernelName, "webgpu");
  tf.registerKernel({
    kernelName,
    backendName: "webgpu",
    kernelFunc: (call) => {
      const attrs = call.attrs as unknown as Attrs;
      const inputs = call.inputs as unknown as Record<string, tf.Tensor4D>;
      const [input, filter] = shapesOf(inputs, attrs) as [
        Attrs["inputShape"],
        Attrs["filterShape"],
      ];
      const info = tf.backend_util.computeConv2DInfo(
        input,
        filter,
        attrs.strides,
        1,
        attrs.pad,
        attrs.dimRoundingMode,
        false,
        tf.backend_util.convertConv2DDataFormat(attrs.dataFormat),
      );
      if (attrs.dataFormat !== "NHWC" || !applies(info)) return own.kernelFunc(call);
      return tf.tidy(() => run(inputs, attrs, info));
    },
  });
}
