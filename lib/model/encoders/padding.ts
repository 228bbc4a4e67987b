/** How the EfficientNets pad their convolutions: names and shapes are equal in all, the function is not. */

/**
 * Whose padding an encoder has.
 *
 * - "smp-0.2": efficientnet_pytorch 0.6, the original's. Every strided convolution pads for an even
 *   input, which is TensorFlow's "SAME" at all sizes that a model takes.
 * - "smp-0.3": efficientnet_pytorch 0.7, in smp 0.3 and newer. Every strided convolution pads for the
 *   side that it has at the training resolution of the classifier (224 px for b0 … 600 px for b7): where
 *   that side is odd, it pads symmetrically.
 * - "tensorflow": TensorFlow's "SAME" with TensorFlow's batch norm epsilon, which is timm's
 *   `tf_efficientnet_lite*` (smp's `tu-tf_efficientnet_lite*`).
 *
 * smp's own class behind `timm-tf_efficientnet_lite*` pads symmetrically, with PyTorch's epsilon, in all
 * its versions: that is "smp-0.2" and "smp-0.3" there. ResNets pad symmetrically in every version.
 */
export type Padding = "smp-0.2" | "smp-0.3" | "tensorflow";

/** The names of {@link Padding}. */
export const PADDINGS: readonly Padding[] = ["smp-0.2", "smp-0.3", "tensorflow"];

/**
 * Whether two paddings are one function: efficientnet-b0's sides are even all the way, ResNets and smp's
 * own lite encoders pad the same in all versions.
 */
export function samePadding(encoder: string, a: Padding, b: Padding): boolean {
  if (a === b) return true;
  return !/^efficientnet-b[1-7]$/.test(encoder) && a !== "tensorflow" && b !== "tensorflow";
}

/** The sides that a static padding was computed for, followed through the network. */
export class StaticSides {
  constructor(private side: number) {}

  /** Padding of the next convolution of `kernel` and `stride`; the side behind it is kept. */
  next(kernel: number, stride: number): "same" | number {
    const odd = this.side % 2 === 1;
    this.side = Math.ceil(this.side / stride);
    return stride === 2 && odd ? (kernel - 1) / 2 : "same";
  }
}
