/** Where `deno task setup:tensorflow` puts the native library and the addon, and what it wrote. */
import { createHash } from "node:crypto";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** Everything native lies here, inside the project: deleting the folder undoes the setup. */
export const NATIVE_FOLDER = fileURLToPath(new URL("../../../.tensorflow/", import.meta.url));

/** The compiled addon of tfjs-node; it finds the library beside it, in `tensorflow/`. */
export const ADDON = join(NATIVE_FOLDER, "tfjs_binding.node");

/** Written last, so that its presence means that all is there. */
export const MANIFEST = join(NATIVE_FOLDER, "manifest.json");

/** What {@link MANIFEST} holds. */
export interface NativeManifest {
  /** The TensorFlow release. */
  tensorflow: string;
  /** Whether the library has CUDA kernels. */
  gpu: boolean;
  /** `Deno.build.os`-`Deno.build.arch` it was built for. */
  machine: string;
  /** The compiler's first line of `--version`. */
  compiler: string;
  /** {@link sourceDigest} at the time. */
  sources: string;
}

/** This machine's type, as {@link NativeManifest} names it. */
export const MACHINE = `${Deno.build.os}-${Deno.build.arch}`;

/** The manifest, or null when the setup has not been run here (or not for this type of machine). */
export function readManifest(): NativeManifest | null {
  try {
    const manifest = JSON.parse(Deno.readTextFileSync(MANIFEST)) as NativeManifest;
    return manifest.machine === MACHINE ? manifest : null;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw new Error(`${MANIFEST} cannot be read: ${(error as Error).message}`, { cause: error });
  }
}

/** Where the C++ sources of the fused kernels lie. */
export const SOURCE_FOLDER = fileURLToPath(new URL("./", import.meta.url));

/** The C++ files to compile, in a fixed order; with `headers` those they include, too. */
export function sourceFiles(headers = false): string[] {
  return [...Deno.readDirSync(SOURCE_FOLDER)]
    .map(({ name }) => name)
    .filter((name) => name.endsWith(".cc") || headers && name.endsWith(".h"))
    .sort()
    .map((name) => join(SOURCE_FOLDER, name));
}

/** SHA-256 of the kernels' sources: another one means that the addon must be compiled anew. */
export function sourceDigest(): string {
  const hash = createHash("sha256");
  for (const path of sourceFiles(true)) hash.update(Deno.readFileSync(path));
  return hash.digest("hex");
}
