/**
 * Rebuilds `distances.wasm` from `distances.c` beside it:
 *
 *     deno run -A lib/embedding/kernel/build.ts
 *
 * Needs clang 19 and its lld (Debian: `apt install clang-19 lld-19`).
 */
import { fileURLToPath } from "node:url";

const FOLDER = fileURLToPath(new URL(".", import.meta.url));

/**
 * Compiles the C file into `out`.
 *
 * @throws {Error} with the compiler's words when it does not compile
 */
export async function buildDistances(out: string): Promise<void> {
  const { success, stderr } = await new Deno.Command("clang-19", {
    args: [
      ...["--target=wasm32", "-O3", "-msimd128", "-ffreestanding", "-nostdlib"],
      ...["-Wall", "-Wextra", "-Werror", "-Wl,--no-entry,--import-memory,--strip-all"],
      ...["-o", out, `${FOLDER}distances.c`],
    ],
  }).output();
  if (!success) throw new Error(`clang-19 failed:\n${new TextDecoder().decode(stderr)}`);
}

if (import.meta.main) await buildDistances(`${FOLDER}distances.wasm`);
