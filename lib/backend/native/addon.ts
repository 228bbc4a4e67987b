/** Loads tfjs-node's addon and its kernels, and runs any TensorFlow operation by name. */
import { createRequire } from "node:module";
import * as tf from "@tensorflow/tfjs-core";
import { ADDON } from "./files.ts";

/** The name under which tfjs-node's kernels are registered. */
export const NATIVE_BACKEND = "tensorflow";

/** What is used of the addon (`binding/tfjs_binding.cc` of tfjs-node). */
export interface Addon {
  readonly TF_ATTR_FLOAT: number;
  readonly TF_ATTR_INT: number;
  readonly TF_ATTR_STRING: number;
  readonly TF_ATTR_TYPE: number;
  readonly TF_FLOAT: number;
  isUsingGpuDevice(): boolean;
}

/** An attribute of a TensorFlow operation, as the addon takes it. */
export interface Attribute {
  name: string;
  type: number;
  value: number | boolean | string | number[];
}

/** What is used of `NodeJSKernelBackend`. */
interface NativeBackend extends tf.KernelBackend {
  executeMultipleOutputs(
    name: string,
    attributes: Attribute[],
    inputs: tf.TensorInfo[],
    outputs: number,
  ): tf.Tensor[];
}

/**
 * Loads the addon and registers tfjs-node's kernels and backend; the package's own entry point is
 * passed over, since it looks for its addon elsewhere and would start at once.
 *
 * @throws {Error} when the addon or a library that it needs cannot be loaded
 */
export function loadAddon(): Addon {
  // Else the library tells on stderr which instructions it was compiled for.
  if (!Deno.env.get("TF_CPP_MIN_LOG_LEVEL")) Deno.env.set("TF_CPP_MIN_LOG_LEVEL", "2");
  const require = createRequire(import.meta.url);
  restoreRemoved(require("node:util"));
  const addon = require(ADDON) as Addon;
  const { NodeJSKernelBackend } = require(
    "@tensorflow/tfjs-node-gpu/dist/nodejs_kernel_backend.js",
  );
  require("@tensorflow/tfjs-node-gpu/dist/register_all_kernels.js");
  tf.registerBackend(
    NATIVE_BACKEND,
    () => new NodeJSKernelBackend(addon, "@tensorflow/tfjs-node-gpu"),
  );
  return addon;
}

/** Node 23 and Deno have dropped these long deprecated functions; tfjs-node 4.22 still calls them. */
function restoreRemoved(util: Record<string, unknown>): void {
  util.isNullOrUndefined ??= (value: unknown) => value === null || value === undefined;
  util.isArray ??= Array.isArray;
}

/** Runs the TensorFlow operation `name`; `outputs` is how many tensors it returns. */
export function execute(
  name: string,
  attributes: Attribute[],
  inputs: tf.TensorInfo[],
  outputs: number,
): tf.Tensor[] {
  return backend().executeMultipleOutputs(name, attributes, inputs, outputs);
}

function backend(): NativeBackend {
  return tf.engine().backend as NativeBackend;
}
