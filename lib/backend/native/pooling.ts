/** Pooling with any padding; tfjs-node knows only "same" and "valid". */
import * as tf from "@tensorflow/tfjs-core";
import { poolInfo } from "../corrected_gradients.ts";
import { windowShare } from "../pool_window.ts";
import { type Addon, type Attribute, execute } from "./addon.ts";
import { replaceKernel } from "./register.ts";
import { paddingAtEnd, spatial, windowAttributes } from "./window.ts";

type PoolAttrs = tf.AvgPoolGradAttrs | tf.MaxPoolGradAttrs;
type Info = tf.backend_util.Conv2DInfo;

/** Replaces tfjs-node's pooling and its gradients; once a process. */
export function registerPooling(addon: Addon): void {
  const attributes = (info: Info): Attribute[] => {
    const value = spatial(info, info.filterHeight, info.filterWidth);
    return [...windowAttributes(addon, info), { name: "ksize", type: addon.TF_ATTR_INT, value }];
  };
  replaceKernel<PoolAttrs>(
    tf.MaxPool,
    ({ x }, attrs) => execute(tf.MaxPool, attributes(poolInfo(x.shape, attrs)), [x], 1)[0],
  );
  replaceKernel<PoolAttrs>(tf.MaxPoolGrad, ({ dy, input, output }, attrs) => {
    const how = attributes(poolInfo(input.shape, attrs));
    return execute(tf.MaxPoolGrad, how, [input, output, dy], 1)[0];
  });

  // TensorFlow's average pooling has no explicit padding: there it runs on a padded image, and what the
  // zeros took from the means is given back.
  replaceKernel<PoolAttrs>(tf.AvgPool, ({ x }, attrs) => {
    const info = poolInfo(x.shape, attrs);
    if (!isExplicit(info)) return execute(tf.AvgPool, attributes(info), [x], 1)[0];
    return tf.tidy(() => {
      const padded = tf.pad(x as tf.Tensor4D, around(info));
      const [y] = execute(tf.AvgPool, attributes(unpadded(info)), [padded], 1);
      return tf.mul(y, windowShare(info));
    });
  });
  replaceKernel<PoolAttrs>(tf.AvgPoolGrad, ({ dy, input }, attrs) => {
    const info = poolInfo(input.shape, attrs);
    const gradient = (window: Info, shape: number[], dy: tf.TensorInfo) => {
      const sizes = tf.tensor1d(shape, "int32");
      const [dx] = execute(tf.AvgPoolGrad, attributes(window), [sizes, dy], 1);
      sizes.dispose();
      return dx;
    };
    if (!isExplicit(info)) return gradient(info, input.shape, dy);
    return tf.tidy(() => {
      const pads = around(info);
      const shape = input.shape.map((side, i) => side + pads[i][0] + pads[i][1]);
      const scaled = tf.mul(dy as tf.Tensor4D, windowShare(info));
      const dx = gradient(unpadded(info), shape, scaled);
      return tf.slice(dx, pads.map(([before]) => before), input.shape);
    });
  });
}

function isExplicit({ padInfo: { type } }: Info): boolean {
  return type === "EXPLICIT" || type === "NUMBER";
}

function around(info: Info): [number, number][] {
  const { bottom, right } = paddingAtEnd(info);
  return [[0, 0], [info.padInfo.top, bottom], [info.padInfo.left, right], [0, 0]];
}

function unpadded(info: Info): Info {
  return { ...info, padInfo: { type: "VALID", top: 0, left: 0, bottom: 0, right: 0 } };
}
