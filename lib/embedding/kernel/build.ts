/**
 * Rebuilds `distances.wasm` from `distances.c` beside it:
 *
 *     deno run -A lib/embedding/kernel/build.ts
 *
 * Needs clang and lld with the WebAssembly target (Debian: `apt install clang lld`).
 */
import { fileURLToPath } from "node:url";

const FOLDER = fileURLToPath(new URL(".", import.meta.url));

const { success } = await new Deno.Command("clang", {
  args: [
    "--target=wasm32",
    "-O3",
    "-msimd128",
    "-ffreestanding",
    "-nostdlib",
    "-Wall",
    "-Wextra",
    "-Werror",
    "-Wl,--no-entry,--import-memory,--strip-all",
    "-o",
    `${FOLDER}distances.wasm`,
    `${FOLDER}distances.c`,
  ],
}).spawn().status;
if (!success) Deno.exit(1);
