/**
 * Rebuilds `kernels.wasm` from the C files beside it:
 *
 *     deno run -A lib/backend/wasm/kernels/build.ts
 *
 * Needs clang and lld with the WebAssembly target (Debian: `apt install clang lld`).
 */
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** The compiler that made the committed binary; another version makes other bytes. */
export const COMPILER = "clang version 14.0.6";

const FOLDER = fileURLToPath(new URL(".", import.meta.url));

const TARGET = ["--target=wasm32", "-msimd128", "-mbulk-memory", "-matomics"];

const FLAGS = [
  ...TARGET,
  "-O3",
  "-ffreestanding",
  "-Wall",
  "-Wextra",
  "-Werror",
];

const LINK = [
  "-nostdlib",
  "-Wl,--no-entry",
  "-Wl,--import-memory,--shared-memory,--max-memory=4294967296",
  "-Wl,-z,stack-size=0",
  "-Wl,--strip-all",
];

/** Whether {@link COMPILER} and its linker are on the path. */
export async function compilerPresent(): Promise<boolean> {
  try {
    const version = await clang(["--version"]);
    await new Deno.Command("wasm-ld", { args: ["--version"], stdout: "null" }).output();
    return version.includes(COMPILER);
  } catch {
    return false;
  }
}

/**
 * Compiles every C file into `out`.
 *
 * @throws {Error} when a file does not compile, or uses the C stack, which is not ours to use
 */
export async function buildKernels(out: string): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    const names = [...Deno.readDirSync(FOLDER)].map((entry) => entry.name).sort();
    const assemblies = await Promise.all(
      names.filter((name) => name.endsWith(".c")).map(async (name) => {
        const assembly = join(folder, `${name}.s`);
        await clang([...FLAGS, "-S", "-o", assembly, join(FOLDER, name)]);
        if (Deno.readTextFileSync(assembly).includes("__stack_pointer")) {
          throw new Error(`${name} uses the C stack`);
        }
        return assembly;
      }),
    );
    await clang([...TARGET, ...LINK, "-o", out, ...assemblies]);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function clang(args: string[]): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command("clang", { args }).output();
  if (!success) throw new Error(`clang failed:\n${new TextDecoder().decode(stderr)}`);
  return new TextDecoder().decode(stdout);
}

if (import.meta.main) await buildKernels(join(FOLDER, "kernels.wasm"));
