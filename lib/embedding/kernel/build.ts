/**
 * Rebuilds the `.wasm` files of this folder from the C files beside them:
 *
 *     deno run -A lib/embedding/kernel/build.ts
 *
 * Needs clang 19 and its lld (Debian: `apt install clang-19 lld-19`).
 */
import { fileURLToPath } from "node:url";

const FOLDER = fileURLToPath(new URL(".", import.meta.url));

/** The kernels: all pairs, some rows to all, and the forces of t-SNE. */
export const KERNELS = ["distances", "rows", "barnes_hut"] as const;

/**
 * Compiles the C file of a kernel into `out`.
 *
 * @throws {Error} with the compiler's words when it does not compile
 */
export async function buildKernel(name: typeof KERNELS[number], out: string): Promise<void> {
  const { success, stderr } = await new Deno.Command("clang-19", {
    args: [
      ...["--target=wasm32", "-O3", "-msimd128", "-ffreestanding", "-nostdlib"],
      ...["-Wall", "-Wextra", "-Werror", "-Wl,--no-entry,--import-memory,--strip-all"],
      ...["-o", out, `${FOLDER}${name}.c`],
    ],
  }).output();
  if (!success) throw new Error(`clang-19 failed:\n${new TextDecoder().decode(stderr)}`);
}

if (import.meta.main) {
  for (const name of KERNELS) await buildKernel(name, `${FOLDER}${name}.wasm`);
}
