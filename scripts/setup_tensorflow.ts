/**
 * `deno task setup:tensorflow [--gpu | --cpu] [--force]`: the native TensorFlow backend in `.tensorflow/`.
 *
 * The library and its headers come from PyPI's TensorFlow wheel, the addon from tfjs-node's own sources.
 * Steps that are done are not done again; `--force` starts over. Without a flag the build has CUDA
 * when an NVIDIA GPU answers.
 */
import { join } from "node:path";
import {
  ADDON,
  MACHINE,
  MANIFEST,
  NATIVE_FOLDER,
  type NativeManifest,
  readManifest,
  selectBackend,
  sourceDigest,
} from "crypts/backend";
import { downloadWheels, exists, findPip, unpackWheel, writeWhole } from "crypts/base";
import { compileAddon, findCompiler, placeForPackage } from "./setup_tensorflow_compile.ts";
import { CUDA_WHEELS, TENSORFLOW_VERSION, WHEELS } from "./setup_tensorflow_pins.ts";

const DOWNLOADS = join(NATIVE_FOLDER, "downloads");

/** Runs the whole setup; throws with what to install when something is missing on this machine. */
async function setup(options: { gpu: boolean; force: boolean }): Promise<void> {
  const { gpu, force } = options;
  const key = MACHINE + (gpu ? "+gpu" : "");
  const wheels = WHEELS[key];
  if (!wheels) {
    throw new Error(
      `there is no TensorFlow wheel for ${key} here (known: ${Object.keys(WHEELS).join(", ")}); ` +
        `the webgpu and wasm backends need no setup`,
    );
  }
  const manifest = readManifest();
  const same = manifest?.gpu === gpu && manifest.tensorflow === TENSORFLOW_VERSION &&
    manifest.sources === sourceDigest();
  if (same && !force) {
    // The packages may have been installed anew since.
    await placeForPackage(ADDON);
    console.log(`TensorFlow ${TENSORFLOW_VERSION} is in ${NATIVE_FOLDER} already`);
    return;
  }
  // All that can be missing is asked for before the long download.
  const compiler = await findCompiler();
  const pip = await findPip("TensorFlow");
  // From here on the old build is no longer whole: without a manifest nobody loads it.
  await removeIfThere(MANIFEST);
  await installWheel([wheels.tensorflow], "tensorflow", [
    "tensorflow/libtensorflow",
    ...["tensorflow/c/", "tensorflow/core/platform/", "tsl/platform/", "xla/tsl/c/"]
      .map((path) => `tensorflow/include/${path}`),
    "tensorflow/include/tensorflow/core/common_runtime/next_pluggable_device/c/",
  ]);
  if (gpu) await installWheel(CUDA_WHEELS, "nvidia", ["nvidia/"]);
  console.log("compiling the addon of tfjs-node and the fused kernels …");
  await removeIfThere(ADDON);
  await compileAddon(compiler, ADDON);
  await placeForPackage(ADDON);
  await writeManifest(compiler.version, gpu);
  await verify(gpu && await hasNvidiaGpu() ? "tfjs-node-gpu" : "tfjs-node");
  await removeIfThere(DOWNLOADS);

  async function installWheel(
    requirements: [string, string][],
    folder: string,
    prefixes: string[],
  ): Promise<void> {
    const target = join(NATIVE_FOLDER, folder);
    const stamp = join(target, ".unpacked");
    const wanted = JSON.stringify(requirements);
    if (!force && await exists(stamp) && await Deno.readTextFile(stamp) === wanted) return;
    console.log(`downloading ${requirements.map(([name]) => name).join(", ")} …`);
    const files = await downloadWheels(pip, requirements, wheels.platforms, DOWNLOADS);
    console.log(`unpacking ${files.length === 1 ? "it" : `${files.length} files`} …`);
    await removeIfThere(target);
    for (const file of files) await unpackWheel(pip, file, NATIVE_FOLDER, prefixes);
    await writeWhole(stamp, wanted);
  }
}

async function writeManifest(version: string, gpu: boolean): Promise<void> {
  const made: NativeManifest = {
    tensorflow: TENSORFLOW_VERSION,
    gpu,
    machine: MACHINE,
    compiler: version,
    sources: sourceDigest(),
  };
  await writeWhole(MANIFEST, JSON.stringify(made, null, 2) + "\n");
}

/** Loads the new backend and runs the self-test; a build that fails it is marked as absent again. */
async function verify(backend: string): Promise<void> {
  try {
    const { line } = await selectBackend(backend);
    console.log(`ready: ${line}`);
  } catch (cause) {
    await removeIfThere(MANIFEST);
    throw new Error(`the built backend does not work: ${(cause as Error).message}`, { cause });
  }
}

async function removeIfThere(path: string): Promise<void> {
  if (await exists(path)) await Deno.remove(path, { recursive: true });
}

/** Whether the NVIDIA driver answers. */
async function hasNvidiaGpu(): Promise<boolean> {
  try {
    const { success } = await new Deno.Command("nvidia-smi", {
      args: ["-L"],
      stdout: "null",
      stderr: "null",
    }).output();
    return success;
  } catch {
    return false;
  }
}

if (import.meta.main) {
  const known = ["--gpu", "--cpu", "--force"];
  const unknown = Deno.args.find((flag) => !known.includes(flag));
  if (unknown) {
    console.error(`unknown option ${unknown}; known: ${known.join(", ")}`);
    Deno.exit(2);
  }
  if (Deno.args.includes("--gpu") && Deno.args.includes("--cpu")) {
    console.error("--gpu and --cpu exclude each other: give one");
    Deno.exit(2);
  }
  const gpu = Deno.args.includes("--gpu") || !Deno.args.includes("--cpu") && await hasNvidiaGpu();
  try {
    await setup({ gpu, force: Deno.args.includes("--force") });
  } catch (error) {
    console.error(`setup:tensorflow failed: ${(error as Error).message}`);
    Deno.exit(1);
  }
}
