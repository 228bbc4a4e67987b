/** The attributes of TensorFlow's operations that slide a window: strides, padding, layout. */
import type * as tf from "@tensorflow/tfjs-core";
import type { Addon, Attribute } from "./addon.ts";

/** What convolutions and poolings share: element type, strides, layout and padding of any kind. */
export function windowAttributes(addon: Addon, info: tf.backend_util.Conv2DInfo): Attribute[] {
  const { TF_ATTR_INT, TF_ATTR_STRING, TF_ATTR_TYPE, TF_FLOAT } = addon;
  const { type, top, left } = info.padInfo;
  const layout = info.dataFormat === "channelsLast" ? "NHWC" : "NCHW";
  const explicit = type === "EXPLICIT" || type === "NUMBER";
  const attributes: Attribute[] = [
    { name: "T", type: TF_ATTR_TYPE, value: TF_FLOAT },
    {
      name: "strides",
      type: TF_ATTR_INT,
      value: spatial(info, info.strideHeight, info.strideWidth),
    },
    { name: "data_format", type: TF_ATTR_STRING, value: layout },
    { name: "padding", type: TF_ATTR_STRING, value: explicit ? "EXPLICIT" : type },
  ];
  if (explicit) {
    const { bottom, right } = paddingAtEnd(info);
    const around = [top, bottom, left, right];
    const value = layout === "NHWC" ? [0, 0, ...around, 0, 0] : [0, 0, 0, 0, ...around];
    attributes.push({ name: "explicit_paddings", type: TF_ATTR_INT, value });
  }
  return attributes;
}

/**
 * The padding below and to the right that gives the size which TensorFlow.js computes; for a number and
 * a filter that is not square that is not the number.
 */
export function paddingAtEnd(info: tf.backend_util.Conv2DInfo): { bottom: number; right: number } {
  const rows = (info.outHeight - 1) * info.strideHeight + info.effectiveFilterHeight;
  const columns = (info.outWidth - 1) * info.strideWidth + info.effectiveFilterWidth;
  return {
    bottom: Math.max(0, rows - info.inHeight - info.padInfo.top),
    right: Math.max(0, columns - info.inWidth - info.padInfo.left),
  };
}

/** A value for every dimension: 1 for batch and channels. */
export function spatial(
  { dataFormat }: tf.backend_util.Conv2DInfo,
  height: number,
  width: number,
): number[] {
  return dataFormat === "channelsLast" ? [1, height, width, 1] : [1, 1, height, width];
}
