/** PyTorch's and TensorFlow's memory layouts of parameters. */

/**
 * What a parameter is: "conv" OIHW and HWIO, "depthwise" C1HW and HWC1, "transposed" IOHW and HWOI,
 * "plain" the same in both.
 */
export type Layout = "conv" | "depthwise" | "transposed" | "plain";

/** For each TensorFlow axis, the PyTorch axis it is. */
const AXES: Record<Exclude<Layout, "plain">, number[]> = {
  conv: [2, 3, 1, 0],
  depthwise: [2, 3, 0, 1],
  transposed: [2, 3, 1, 0],
};

/** The TensorFlow shape of a parameter of PyTorch shape `shape`. */
export function fromTorchShape(shape: readonly number[], layout: Layout): number[] {
  return layout === "plain" ? [...shape] : AXES[layout].map((axis) => shape[axis]);
}

/** Values in PyTorch order (row-major over `torchShape`) to TensorFlow order. */
export function fromTorch(
  values: Float32Array,
  torchShape: readonly number[],
  layout: Layout,
): Float32Array<ArrayBuffer> {
  if (layout === "plain") return new Float32Array(values);
  return permute(values, torchShape, AXES[layout]);
}

/** Values in TensorFlow order to PyTorch order (row-major over `torchShape`). */
export function toTorch(
  values: Float32Array,
  torchShape: readonly number[],
  layout: Layout,
): Float32Array<ArrayBuffer> {
  if (layout === "plain") return new Float32Array(values);
  const axes = AXES[layout];
  return permute(
    values,
    fromTorchShape(torchShape, layout),
    [0, 1, 2, 3].map((a) => axes.indexOf(a)),
  );
}

/** Transposes a 4-D array: axis `i` of the result is axis `axes[i]` of the input. */
function permute(values: Float32Array, shape: readonly number[], axes: number[]) {
  const strides = [shape[1] * shape[2] * shape[3], shape[2] * shape[3], shape[3], 1];
  const [n0, n1, n2, n3] = axes.map((a) => shape[a]);
  const [s0, s1, s2, s3] = axes.map((a) => strides[a]);
  const out = new Float32Array(values.length);
  let at = 0;
  for (let a = 0; a < n0; a++) {
    for (let b = 0; b < n1; b++) {
      for (let c = 0; c < n2; c++) {
        const base = a * s0 + b * s1 + c * s2;
        for (let d = 0; d < n3; d++) out[at++] = values[base + d * s3];
      }
    }
  }
  return out;
}
