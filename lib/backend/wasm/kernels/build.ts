/**
 * Rebuilds `kernels.wasm` and `kernels_relaxed.wasm` from the C files beside it:
 *
 *     deno run -A lib/backend/wasm/kernels/build.ts
 *
 * Needs clang 19 and its lld (Debian: `apt install clang-19 lld-19`).
 */
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** The compiler that made the committed binaries; another version makes other bytes. */
export const COMPILER = "clang version 19.1.7";

/** How it is called. */
export const CLANG = "clang-19";

/**
 * The binaries by file name. The relaxed one multiplies and adds in one instruction with one rounding
 * (WebAssembly's relaxed SIMD), where the engine has it; the other runs on every engine.
 */
export const BINARIES = {
  "kernels.wasm": [],
  "kernels_relaxed.wasm": ["-mrelaxed-simd"],
} as const;

/** A name of {@link BINARIES}. */
export type Binary = keyof typeof BINARIES;

const FOLDER = fileURLToPath(new URL(".", import.meta.url));

const TARGET = ["--target=wasm32", "-msimd128", "-mbulk-memory", "-matomics"];

const FLAGS = ["-O3", "-ffreestanding", "-Wall", "-Wextra", "-Werror"];

const LINK = [
  "-nostdlib",
  "-Wl,--no-entry",
  "-Wl,--import-memory,--shared-memory,--max-memory=4294967296",
  "-Wl,-z,stack-size=0",
  "-Wl,--strip-all",
];

/** Whether {@link COMPILER} is on the path. */
export async function compilerPresent(): Promise<boolean> {
  try {
    return (await clang(["--version"])).includes(COMPILER);
  } catch {
    return false;
  }
}

/**
 * Compiles every C file into `out`, as `binary` wants it.
 *
 * @throws {Error} when a file does not compile, or uses the C stack, which is not ours to use
 */
export async function buildKernels(out: string, binary: Binary): Promise<void> {
  const target = [...TARGET, ...BINARIES[binary]];
  const folder = await Deno.makeTempDir();
  try {
    const names = [...Deno.readDirSync(FOLDER)].map((entry) => entry.name).sort();
    const assemblies = await Promise.all(
      names.filter((name) => name.endsWith(".c")).map(async (name) => {
        const assembly = join(folder, `${name}.s`);
        await clang([...target, ...FLAGS, "-S", "-o", assembly, join(FOLDER, name)]);
        if (Deno.readTextFileSync(assembly).includes("__stack_pointer")) {
          throw new Error(`${name} uses the C stack`);
        }
        return assembly;
      }),
    );
    await clang([...target, ...LINK, "-o", out, ...assemblies]);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function clang(args: string[]): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(CLANG, { args }).output();
  if (!success) throw new Error(`${CLANG} failed:\n${new TextDecoder().decode(stderr)}`);
  return new TextDecoder().decode(stdout);
}

if (import.meta.main) {
  for (const name of Object.keys(BINARIES) as Binary[]) {
    await buildKernels(join(FOLDER, name), name);
  }
}
