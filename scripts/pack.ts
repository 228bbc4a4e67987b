/** Packs the benchmarks of backends for a machine without network: `deno task pack` (see `--help`). */
import { basename, dirname, join, relative, resolve } from "node:path";
import { exists, PROJECT_ROOT } from "crypts/base";
import { checking, parseOptions, runCommand, UsageError } from "./command.ts";
import { npmPackages, packageFiles } from "./pack_packages.ts";

const HELP =
  `Packs what a machine with a GPU and without a network needs to time and check the backends.

deno task pack [--out FILE.tar.xz] [--force]

  --out FILE    default: crypts_backends_${Deno.build.target}.tar.xz
  --force       replaces a file that is there

The archive is for machines of this machine's system and processor. There, nothing is installed:

  tar -xJf FILE.tar.xz && crypts_backends/run.sh [BACKEND…]

prints the GPU, runs the benchmark of every backend that works there (WebGPU by the GPU's own driver,
WASM), then the numerics table of WASM and the tests of WebGPU against plain JavaScript, and keeps what
was printed in crypts_backends/results.txt. Needs tar and xz here and there.

Exit: 0 done, 1 the archive cannot be written, 2 the command cannot be run.`;

const NAME = "crypts_backends";

/** What is run from the archive: everything that these import is packed. */
const ENTRIES = [
  "bench/backends.ts",
  "tests/backend/webgpu_test.ts",
  "tests/backend/wasm_kernels_test.ts",
  "tests/backend/wasm_winograd_test.ts",
];

/** Folders whose files of other kinds (kernels, reference values) are read when it runs. */
const ASSETS = ["lib", "tests/support", "tests/reference"];

const RUN = `#!/bin/sh
# Times and checks the backends of this machine; writes results.txt beside this file.
set -u
cd "$(dirname "$0")" || exit 1
export DENO_DIR="$PWD/.deno_dir" DENO_NO_UPDATE_CHECK=1 NO_COLOR=1 CRYPTS_WEBGPU_SOFTWARE="\${CRYPTS_WEBGPU_SOFTWARE:-}"
[ -n "$CRYPTS_WEBGPU_SOFTWARE" ] || unset CRYPTS_WEBGPU_SOFTWARE
status=0
{
  date -u
  uname -srm
  nvidia-smi --query-gpu=name,driver_version,memory.total --format=csv,noheader 2>/dev/null
  echo; echo "# deno task bench backends"
  ./deno run -A --cached-only --no-lock --no-check bench/backends.ts "$@" 2>&1 || touch .failed
  echo; echo "# numerics"
  ./deno test -A --cached-only --no-lock --no-check tests/backend 2>&1 || touch .failed
} | tee results.txt
[ ! -e .failed ] || { status=1; rm .failed; }
exit $status
`;

/** Runs the command. @returns the exit code */
export async function runPack(args: string[]): Promise<number> {
  return await runCommand(async () => {
    const { values } = await checking(() =>
      parseOptions({
        args,
        options: {
          out: { type: "string" },
          force: { type: "boolean" },
          help: { type: "boolean" },
        },
      })
    );
    if (values.help) {
      console.log(HELP);
      return;
    }
    const out = resolve(values.out ?? `${NAME}_${Deno.build.target}.tar.xz`);
    if (!out.endsWith(".tar.xz")) throw new UsageError(`--out must end in .tar.xz, got ${out}`);
    if (!values.force && await exists(out)) {
      throw new UsageError(`${out} is there already: --force replaces it`);
    }
    if (Deno.build.os === "windows") throw new UsageError("pack needs tar and xz: run it in WSL");
    await pack(out);
    const megabytes = (await Deno.stat(out)).size / 1e6;
    console.log(`${out}: ${megabytes.toFixed(1)} MB, for ${Deno.build.target}`);
    console.log(`there: tar -xJf ${basename(out)} && ${NAME}/run.sh`);
  });
}

async function pack(out: string): Promise<void> {
  const parent = await Deno.makeTempDir({ prefix: "pack_" });
  try {
    const folder = join(parent, NAME);
    await Deno.mkdir(folder);
    await stage(folder);
    // A window as large as the whole: the packages hold the same code in several forms.
    const command = `tar -cf - --sort=name --owner=0 --group=0 --mtime=@0 ${NAME} | ` +
      `xz --threads=1 --lzma2=preset=6,dict=256MiB > "$OUT"`;
    const { success, stderr } = await new Deno.Command("sh", {
      args: ["-c", `set -e; ${command}`],
      cwd: parent,
      env: { OUT: out },
    }).output();
    if (!success) {
      throw new Error(`tar and xz failed: ${new TextDecoder().decode(stderr).trim()}`);
    }
  } finally {
    await Deno.remove(parent, { recursive: true });
  }
}

/** Lays out in an empty folder what the archive holds. */
export async function stage(folder: string): Promise<void> {
  const graph = await moduleGraph();
  await copySources(graph.files, folder);
  for (const file of await packageFiles(npmPackages(graph))) {
    await copy(join(PROJECT_ROOT, file), join(folder, file));
  }
  await copy(Deno.execPath(), join(folder, "deno"));
  await Deno.writeTextFile(join(folder, "deno.json"), await packedConfiguration());
  await Deno.writeTextFile(join(folder, "run.sh"), RUN, { mode: 0o755 });
}

/** What `deno info` knows of the entries. */
export interface ModuleGraph {
  /** Files of the project, from its root. */
  files: string[];
  /** Packages that files of the project import, as `name@version`. */
  imported: string[];
  packages: Record<string, { dependencies: string[]; localPath?: string }>;
}

interface InfoModule {
  kind: string;
  specifier: string;
  local?: string;
  npmPackage?: string;
}

async function moduleGraph(): Promise<ModuleGraph> {
  const files = new Set<string>(), imported = new Set<string>();
  let packages: ModuleGraph["packages"] = {};
  for (const entry of ENTRIES) {
    const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["info", "--json", join(PROJECT_ROOT, entry)],
      cwd: PROJECT_ROOT,
    }).output();
    if (!success) throw new Error(`deno info ${entry}: ${new TextDecoder().decode(stderr)}`);
    const info: { modules: InfoModule[]; npmPackages: ModuleGraph["packages"] } = JSON.parse(
      new TextDecoder().decode(stdout),
    );
    packages = { ...packages, ...info.npmPackages };
    for (const module of info.modules) {
      if (module.npmPackage) imported.add(module.npmPackage);
      if (module.local && !module.local.includes("node_modules")) {
        files.add(relative(PROJECT_ROOT, module.local));
      }
    }
  }
  return { files: [...files].sort(), imported: [...imported], packages };
}

/** The modules, and beside them what they read when they run. */
async function copySources(files: readonly string[], folder: string): Promise<void> {
  for (const file of files) await copy(join(PROJECT_ROOT, file), join(folder, file));
  const copied = new Set(files.map(dirname));
  for (const top of ASSETS) {
    for await (const file of filesBelow(top)) {
      const kernel = /\.(wasm|json|txt)$/.test(file);
      if (kernel || (copied.has(dirname(file)) && !/\.(ts|c|cc|h)$/.test(file))) {
        await copy(join(PROJECT_ROOT, file), join(folder, file));
      }
    }
  }
  // Threads are started by the address of their file, which no import names.
  for await (const file of filesBelow("lib/backend")) {
    if (file.endsWith(".ts")) await copy(join(PROJECT_ROOT, file), join(folder, file));
  }
}

async function* filesBelow(folder: string): AsyncGenerator<string> {
  for await (const entry of Deno.readDir(join(PROJECT_ROOT, folder))) {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory) yield* filesBelow(path);
    else yield path;
  }
}

/** A file, or a link as it is. */
async function copy(from: string, to: string): Promise<void> {
  await Deno.mkdir(dirname(to), { recursive: true });
  const { isSymlink } = await Deno.lstat(from);
  if (isSymlink) await Deno.symlink(await Deno.readLink(from), to);
  else await Deno.copyFile(from, to);
}

/** The project's configuration, with packages taken as they lie and nothing resolved anew. */
async function packedConfiguration(): Promise<string> {
  const { imports, compilerOptions } = JSON.parse(
    await Deno.readTextFile(join(PROJECT_ROOT, "deno.json")),
  );
  return JSON.stringify(
    { nodeModulesDir: "manual", lock: false, imports, compilerOptions },
    null,
    2,
  );
}

if (import.meta.main) Deno.exit(await runPack(Deno.args));
