/** TensorFlow.js on Deno's own WebGPU: Apple, AMD, Intel and NVIDIA GPUs without CUDA. */
import * as tf from "@tensorflow/tfjs-core";
import { WebGPUBackend } from "@tensorflow/tfjs-backend-webgpu";
import type { BackendCandidate } from "./candidate.ts";
import { registerConvGradients } from "./webgpu/conv_gradients.ts";
import { registerPoolGradient } from "./webgpu/pool_gradient.ts";

/** Set to 1 to accept a software adapter, which is slower than the wasm backend: for tests. */
export const SOFTWARE_VARIABLE = "CRYPTS_WEBGPU_SOFTWARE";

/** Limits that default to less than convolutions and large images need. */
const LIMITS = [
  "maxComputeWorkgroupStorageSize",
  "maxComputeWorkgroupsPerDimension",
  "maxStorageBufferBindingSize",
  "maxBufferSize",
  "maxComputeWorkgroupSizeX",
  "maxComputeInvocationsPerWorkgroup",
] as const;

/** Names by which software implementations of Vulkan, Metal or Direct3D tell themselves apart. */
const SOFTWARE = /llvmpipe|lavapipe|swiftshader|software|basic render/i;

let registered = false;

/** Any GPU that Deno's WebGPU (wgpu: Vulkan, Metal, Direct3D 12) can drive. */
export const webgpu: BackendCandidate = {
  name: "webgpu",
  async activate() {
    const adapter = await navigator.gpu?.requestAdapter({ powerPreference: "high-performance" });
    if (!adapter) {
      throw new Error(
        "no WebGPU adapter: no GPU, or no Vulkan, Metal or Direct3D 12 driver for it",
      );
    }
    const device = describe(adapter);
    if (isSoftware(adapter) && Deno.env.get(SOFTWARE_VARIABLE) !== "1") {
      throw new Error(
        `the only WebGPU adapter is software (${device}); ${SOFTWARE_VARIABLE}=1 takes it`,
      );
    }
    if (!registered) {
      registerConvGradients();
      registerPoolGradient();
      registered = true;
    }
    // The package's own factory asks for its features as a nested list, which Deno refuses.
    tf.removeBackend("webgpu");
    tf.registerBackend("webgpu", async () => {
      const requiredLimits = Object.fromEntries(LIMITS.map((name) => [name, adapter.limits[name]]));
      return new WebGPUBackend(await adapter.requestDevice({ requiredLimits }), adapter.info);
    });
    if (!await tf.setBackend("webgpu")) throw new Error(`WebGPU did not start on ${device}`);
    return device;
  },
};

function describe({ info }: GPUAdapter): string {
  return info.description || info.device || info.architecture || info.vendor || "an unnamed GPU";
}

function isSoftware(adapter: GPUAdapter): boolean {
  return adapter.info.isFallbackAdapter || SOFTWARE.test(describe(adapter));
}
