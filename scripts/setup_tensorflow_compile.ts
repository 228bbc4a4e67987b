/** Compiles the addon of tfjs-node from the package's own sources, and our fused kernels into it. */
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { NATIVE_FOLDER, sourceFiles } from "crypts/backend";
import { writeWith } from "crypts/base";

/** A C++ compiler that was found. */
export interface Compiler {
  program: string;
  /** First line of its `--version`. */
  version: string;
}

/**
 * The C++ compiler of `$CXX`, else g++, clang++ or c++.
 *
 * @throws {Error} saying what to install
 */
export async function findCompiler(): Promise<Compiler> {
  for (const program of [Deno.env.get("CXX") ?? "", "g++", "clang++", "c++"]) {
    if (!program) continue;
    try {
      const { success, stdout } = await new Deno.Command(program, {
        args: ["--version"],
        stdout: "piped",
        stderr: "null",
      }).output();
      if (success) return { program, version: new TextDecoder().decode(stdout).split("\n")[0] };
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
  throw new Error(
    "a C++ compiler is needed to build the addon, and neither g++ nor clang++ was found on PATH: " +
      (Deno.build.os === "darwin"
        ? "xcode-select --install"
        : "install one, e.g. apt install g++, or dnf install gcc-c++"),
  );
}

/**
 * Compiles and links the addon to `output`, whole or not at all.
 *
 * @throws {Error} with the compiler's first messages
 */
export async function compileAddon(compiler: Compiler, output: string): Promise<void> {
  const require = createRequire(import.meta.url);
  const tfjsNode = packageFolder();
  const { include_dir: nodeApi } = require("node-api-headers") as { include_dir: string };
  const library = join(NATIVE_FOLDER, "tensorflow");
  const [links, suffix] = Deno.build.os === "darwin"
    ? [["-bundle", "-undefined", "dynamic_lookup", "-Wl,-rpath,@loader_path/tensorflow"], "2.dylib"]
    : [["-shared", "-Wl,-rpath,$ORIGIN/tensorflow"], "so.2"];
  // For the copy that placeForPackage makes: the library where it is now.
  links.push(`-Wl,-rpath,${library}`);
  await writeWith(output, async (temporary) => {
    const { success, stderr } = await new Deno.Command(compiler.program, {
      args: [
        ...[
          "-std=c++17",
          "-O3",
          "-fno-math-errno",
          "-fno-trapping-math",
          "-ffp-contract=fast",
          "-fPIC",
          "-w",
        ],
        ...["-DNAPI_VERSION=8", ...links],
        ...[tfjsNode, join(library, "include"), nodeApi].map((path) => `-I${path}`),
        ...["tfjs_backend.cc", "tfjs_binding.cc"].map((name) => join(tfjsNode, "binding", name)),
        ...sourceFiles(),
        ...["cc", "framework"].map((name) => join(library, `libtensorflow_${name}.${suffix}`)),
        ...["-o", temporary],
      ],
      stderr: "piped",
    }).output();
    if (!success) {
      const lines = new TextDecoder().decode(stderr).split("\n");
      throw new Error(
        lines.filter((line) => /error|cannot find/.test(line)).slice(0, 5).join("\n"),
      );
    }
  });
}

/**
 * Copies the addon to where tfjs-node's own entry point looks, so that `import "@tensorflow/tfjs-node-gpu"`
 * works too (after `util.isNullOrUndefined` has been put back, see lib/backend/native/addon.ts).
 */
export async function placeForPackage(addon: string): Promise<void> {
  const place = join(packageFolder(), "lib", "napi-v8", "tfjs_binding.node");
  await writeWith(place, (temporary) => Deno.copyFile(addon, temporary));
}

/** Where the package manager has put tfjs-node. */
function packageFolder(): string {
  return dirname(createRequire(import.meta.url).resolve("@tensorflow/tfjs-node-gpu/package.json"));
}
