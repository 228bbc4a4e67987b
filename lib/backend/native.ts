/** TensorFlow's own C library through tfjs-node's addon, on the CPU or an NVIDIA GPU. */
import * as tf from "@tensorflow/tfjs-core";
import type { BackendCandidate } from "./candidate.ts";
import { loadAddon, NATIVE_BACKEND } from "./native/addon.ts";
import { type NativeManifest, readManifest, sourceDigest } from "./native/files.ts";
import { registerConvolutions } from "./native/convolutions.ts";
import { registerFusedKernels } from "./native/fused_kernels.ts";
import { registerPooling } from "./native/pooling.ts";

const SETUP = "deno task setup:tensorflow";

let loaded: ReturnType<typeof loadAddon> | null = null;

/** TensorFlow with CUDA, on any GPU that the installed TensorFlow knows. */
export const nativeGpu: BackendCandidate = {
  name: "tfjs-node-gpu",
  async activate() {
    const manifest = installed();
    if (!manifest.gpu) throw new Error(`the installed TensorFlow has no CUDA: ${SETUP} --gpu`);
    const addon = load();
    if (!addon.isUsingGpuDevice()) {
      throw new Error(
        "TensorFlow sees no CUDA device: no NVIDIA GPU, an old driver, or CUDA/cuDNN not found " +
          "(TF_CPP_MIN_LOG_LEVEL=0 shows why; see docs/backends.md)",
      );
    }
    await start();
    return `NVIDIA GPU, TensorFlow ${manifest.tensorflow}`;
  },
};

/** TensorFlow with oneDNN on the CPU; also what a GPU build does where there is no GPU. */
export const nativeCpu: BackendCandidate = {
  name: "tfjs-node",
  async activate() {
    const manifest = installed();
    // Read once, when the library starts: hides the GPU from a GPU build asked for its CPU side.
    if (!loaded && manifest.gpu) Deno.env.set("CUDA_VISIBLE_DEVICES", "-1");
    const addon = load();
    if (addon.isUsingGpuDevice()) {
      throw new Error("TensorFlow runs on the GPU in this process already; start a new one");
    }
    await start();
    return `CPU, ${navigator.hardwareConcurrency} threads, TensorFlow ${manifest.tensorflow}`;
  },
};

function installed(): NativeManifest {
  const manifest = readManifest();
  if (!manifest) throw new Error(`TensorFlow is not installed here: ${SETUP}`);
  if (manifest.sources !== sourceDigest()) {
    throw new Error(`the addon was compiled from other sources than these: ${SETUP}`);
  }
  return manifest;
}

function load() {
  if (!loaded) {
    loaded = loadAddon();
    registerConvolutions(loaded);
    registerPooling(loaded);
    if (!loaded.isUsingGpuDevice()) registerFusedKernels(loaded);
  }
  return loaded;
}

async function start(): Promise<void> {
  if (!await tf.setBackend(NATIVE_BACKEND)) throw new Error("the TensorFlow backend did not start");
}
