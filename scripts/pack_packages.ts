/** Which files of the installed packages an archive of `pack.ts` needs. */
import { basename, dirname, join, relative } from "node:path";
import { PROJECT_ROOT } from "crypts/base";
import type { ModuleGraph } from "./pack.ts";

/** Never loaded when code runs: types, maps, texts, and bundles for browsers. */
const UNUSED =
  /\.(map|d\.ts|d\.mts|d\.cts|md|markdown|flow|html|gyp|cc|h|c|tgz)$|\.(min|fesm|es2017)(\.min)?\.js$/;

/** Folders that packages bring along beside what they run. */
const UNUSED_FOLDERS = new Set(["test", "tests", "demo", "docs", "binding", ".github"]);

/** Packages whose `src` holds what `dist` was made from. */
const COMPILED = /\/@tensorflow\/[a-z-]+$/;

/** Installed for other systems, or a second time for another C library. */
const OTHER_SYSTEMS = /linuxmusl|-musl/;

/** The packages that are imported and those that they depend on, as folders in `node_modules/.deno`. */
export function npmPackages({ imported, packages }: ModuleGraph): string[] {
  const folders = new Set<string>(), seen = new Set<string>(), open = [...imported];
  for (let id = open.pop(); id !== undefined; id = open.pop()) {
    if (seen.has(id)) continue;
    seen.add(id);
    const known = packages[id];
    if (!known) throw new Error(`deno info names the package ${id} and nothing more of it`);
    open.push(...known.dependencies);
    if (known.localPath && !OTHER_SYSTEMS.test(known.localPath)) folders.add(known.localPath);
  }
  return [...folders].sort();
}

/** Paths, from the project's root, of what is packed of those folders, and of the links to them. */
export async function packageFiles(folders: readonly string[]): Promise<string[]> {
  const files: string[] = [], stores = new Set<string>();
  for (const folder of folders) {
    if (!await isFolder(folder)) continue; // Optional, and not for this system.
    for await (const path of runnable(folder, folder)) files.push(relative(PROJECT_ROOT, path));
    stores.add(storeOf(folder));
  }
  for (const store of stores) {
    for await (const link of links(join(store, "node_modules"))) {
      files.push(relative(PROJECT_ROOT, link));
    }
  }
  // What the project imports, and what packages import without naming it among their own.
  for (const folder of ["node_modules", "node_modules/.deno/node_modules"]) {
    for await (const link of links(join(PROJECT_ROOT, folder))) {
      const target = join(dirname(link), await Deno.readLink(link));
      if (stores.has(storeOf(target))) files.push(relative(PROJECT_ROOT, link));
    }
  }
  return [...new Set(files)].sort();
}

/** `node_modules/.deno/NAME@VERSION` of a folder inside it. */
function storeOf(folder: string): string {
  const [before, after] = folder.split("/.deno/");
  return `${before}/.deno/${after?.split("/")[0]}`;
}

async function isFolder(path: string): Promise<boolean> {
  try {
    return (await Deno.stat(path)).isDirectory;
  } catch {
    return false;
  }
}

async function* runnable(folder: string, top: string): AsyncGenerator<string> {
  for await (const entry of Deno.readDir(folder)) {
    const path = join(folder, entry.name);
    if (entry.isDirectory) {
      const spare = folder === top &&
        (UNUSED_FOLDERS.has(entry.name) || (entry.name === "src" && COMPILED.test(top)));
      if (!spare && !isForeign(path)) yield* runnable(path, top);
    } else if (entry.isFile && !UNUSED.test(entry.name)) {
      yield path;
    }
  }
}

/** A folder `bin/napi-vN/SYSTEM/PROCESSOR` of another system, as onnxruntime-node has them. */
function isForeign(path: string): boolean {
  const system = { linux: "linux", darwin: "darwin" }[Deno.build.os as string];
  const processor = { x86_64: "x64", aarch64: "arm64" }[Deno.build.arch];
  const under = basename(dirname(path)), above = basename(dirname(dirname(path)));
  if (/^napi-v\d+$/.test(under)) return basename(path) !== system;
  return /^napi-v\d+$/.test(above) && basename(path) !== processor;
}

/** Symbolic links in a `node_modules` folder and in its scopes. */
async function* links(folder: string): AsyncGenerator<string> {
  if (!await isFolder(folder)) return;
  for await (const entry of Deno.readDir(folder)) {
    const path = join(folder, entry.name);
    if (entry.isSymlink) yield path;
    else if (entry.isDirectory && entry.name.startsWith("@")) yield* links(path);
  }
}
