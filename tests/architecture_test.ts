import assert from "node:assert/strict";
import { join, normalize, relative } from "node:path";
import { ROWS, withFolders } from "../scripts/architecture.ts";

const ROOT = decodeURIComponent(new URL("..", import.meta.url).pathname);

/** An import of one file of the project by another; paths from the project's folder. */
interface Import {
  from: string;
  to: string;
  /** Started as a thread of its own, which may import the types of its messages from its starter. */
  worker?: boolean;
}

/** `lib/x/…` is the folder `x`; null outside of `lib/` and for files directly in it. */
function folderOf(path: string): string | null {
  return path.match(/^lib\/(\w+)\//)?.[1] ?? null;
}

/** Every static or dynamic import and every worker in `lib/`, of files and not of packages. */
async function importsInLib(): Promise<Import[]> {
  const imports: Import[] = [];
  for (const from of await filesBelow("lib")) {
    if (!/\.(ts|js)$/.test(from)) continue;
    const text = await Deno.readTextFile(join(ROOT, from));
    const pattern = /(\bfrom|\bimport|\bimport\(|new URL\()\s*"(\.[^"]*\.[jt]s)"/g;
    for (const [, how, specifier] of text.matchAll(pattern)) {
      const to = relative(ROOT, normalize(join(ROOT, from, "..", specifier)));
      imports.push({ from, to, worker: how === "new URL(" });
    }
  }
  return imports;
}

async function filesBelow(folder: string): Promise<string[]> {
  const found: string[] = [];
  for await (const entry of Deno.readDir(join(ROOT, folder))) {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory) found.push(...await filesBelow(path));
    else found.push(path);
  }
  return found;
}

/** What is wrong with an import; null where it stays in its folder or goes down through a door. */
function fault({ from, to }: Import, rows: readonly (readonly string[])[]): string | null {
  const [a, b] = [folderOf(from), folderOf(to)];
  if (b === null) return `${from} imports ${to}, which is in no folder of lib/`;
  if (a === b) return null;
  const row = (name: string | null) => rows.findIndex((row) => name !== null && row.includes(name));
  if (row(a) < 0 || row(b) < 0) return `${from} imports ${to}: one of them is in no row`;
  if (row(b) >= row(a)) return `${from} imports ${to}, which is not in a row below`;
  if (to !== `lib/${b}/mod.ts`) return `${from} imports ${to} past the door lib/${b}/mod.ts`;
  return null;
}

/** The files that import themselves through others, as the way round; null where there are none. */
function circle(imports: readonly Import[]): string[] | null {
  const targets = Map.groupBy(imports.filter((i) => !i.worker), ({ from }) => from);
  const done = new Set<string>();
  const walk = (file: string, way: string[]): string[] | null => {
    if (way.includes(file)) return [...way.slice(way.indexOf(file)), file];
    if (done.has(file)) return null;
    for (const { to } of targets.get(file) ?? []) {
      const found = walk(to, [...way, file]);
      if (found) return found;
    }
    done.add(file);
    return null;
  };
  for (const file of targets.keys()) {
    const found = walk(file, []);
    if (found) return found;
  }
  return null;
}

Deno.test("every folder of lib/ is in a row and has a door, and lib/ holds folders only", async () => {
  const entries = [...Deno.readDirSync(join(ROOT, "lib"))];
  assert.deepEqual(entries.filter((e) => !e.isDirectory).map((e) => e.name), []);
  assert.deepEqual(entries.map((e) => e.name).sort(), ROWS.flat().toSorted());
  for (const { name } of entries) {
    const door = await Deno.readTextFile(join(ROOT, "lib", name, "mod.ts"));
    assert.match(door, /^\/\*\* .*?\. ?\*\/\n/s, `lib/${name}/mod.ts begins with its sentence`);
    assert.doesNotMatch(door, /^(import|const|function)\b/m, `lib/${name}/mod.ts only hands on`);
  }
});

Deno.test("imports in lib/ stay in their folder or go down, through a door", async () => {
  const imports = await importsInLib();
  assert.ok(imports.length > 500, `only ${imports.length} imports were found`);
  assert.deepEqual(imports.map((i) => fault(i, ROWS)).filter((text) => text !== null), []);
});

Deno.test("no file of lib/ imports itself through others", async () => {
  assert.equal(circle(await importsInLib()), null);
});

Deno.test("the table of docs/architecture.md is that of the code", async () => {
  const page = await Deno.readTextFile(join(ROOT, "docs/architecture.md"));
  const plain = (text: string) => text.replace(/ +\|/g, " |").replace(/-{3,}/g, "---");
  assert.equal(plain(withFolders(page)), plain(page), "run `deno task architecture`");
});

Deno.test("deno.json names every door, as an import and as an export", async () => {
  const config = JSON.parse(await Deno.readTextFile(join(ROOT, "deno.json")));
  for (const folder of ROWS.flat()) {
    assert.equal(config.imports[`crypts/${folder}`], `./lib/${folder}/mod.ts`);
    assert.equal(config.exports[`./${folder}`], `./lib/${folder}/mod.ts`);
  }
});

Deno.test("tests lie beside what they test: tests/<folder>/<module>_test.ts", async () => {
  const modules = new Set(
    (await filesBelow("lib")).flatMap((path) => {
      const [, folder, rest] = path.match(/^lib\/(\w+)\/(.+)\.\w+$/)!;
      // `a/b/c.ts` may be tested by `a/b_test.ts` (the inner folder) or `a/b_c_test.ts`.
      const parts = rest.split("/");
      return parts.map((_, i) => `${folder}/${parts.slice(0, i + 1).join("_")}`);
    }),
  );
  const strays = (await filesBelow("tests"))
    .filter((path) => /^tests\/\w+\/.*_test\.ts$/.test(path))
    .filter((path) => {
      const name = path.slice("tests/".length, -"_test.ts".length);
      return ![...modules].some((module) => name === module || name.startsWith(`${module}_`));
    });
  assert.deepEqual(strays, []);
});

/** Named functions and methods at the outer level of a formatted file or class, with their lines. */
function functionLengths(text: string): [name: string, lines: number][] {
  const head =
    /^( {0,2})(?:(?:export|default|private|protected|public|static|override|async) )*(?:function\*? )?\*?#?(\w+)(?:<.*>)?\(/;
  const found: [string, number][] = [], lines = text.split("\n");
  for (const [i, line] of lines.entries()) {
    const [, indent, name] = head.exec(line) ?? [];
    if (!name || ["if", "for", "while", "switch", "return", "await"].includes(name)) continue;
    if (!/[{(]$/.test(line)) continue;
    const end = lines.findIndex((l, j) => j > i && l === `${indent}}`);
    const outer = lines.findIndex((l, j) => j > i && /^\S/.test(l) && !l.startsWith(")"));
    if (end > 0 && (end <= outer || outer < 0)) found.push([name, end - i + 1]);
  }
  return found;
}

Deno.test("files have at most 250 lines, functions 60", async () => {
  const paths = [...await filesBelow("lib"), ...await filesBelow("scripts")];
  const tooLong: string[] = [];
  let functions = 0;
  for (const path of paths.filter((path) => path.endsWith(".ts"))) {
    const text = await Deno.readTextFile(join(ROOT, path));
    const lines = text.split("\n").length - 1;
    if (lines > 250) tooLong.push(`${path}: ${lines} lines`);
    for (const [name, length] of functionLengths(text)) {
      functions++;
      if (length > 60) tooLong.push(`${path} ${name}: ${length} lines`);
    }
  }
  assert.ok(functions > 1000, `only ${functions} functions were found`);
  assert.deepEqual(tooLong, []);
  const body = "  x();\n".repeat(59);
  assert.deepEqual(functionLengths(`export async function f<T>(\n  a: T,\n) {\n${body}}\n`), [
    ["f", 63],
  ]);
  assert.deepEqual(functionLengths(`class A {\n  private go() {\n  ${body}  }\n}\n`), [["go", 61]]);
});

Deno.test("imports upwards, sideways, past a door, out of lib/ and in circles are found", () => {
  const rows = [["low"], ["left", "right"], ["top"]];
  const check = (from: string, to: string) => fault({ from, to }, rows);
  assert.match(check("lib/low/part.ts", "lib/top/mod.ts")!, /not in a row below/);
  assert.match(check("lib/left/a.ts", "lib/right/mod.ts")!, /not in a row below/);
  assert.match(check("lib/top/a.ts", "lib/low/part.ts")!, /past the door/);
  assert.match(check("lib/top/a.ts", "scripts/demo.ts")!, /in no folder/);
  assert.match(check("lib/top/a.ts", "lib/unknown/mod.ts")!, /in no row/);
  assert.equal(check("lib/top/a.ts", "lib/low/mod.ts"), null);
  assert.equal(check("lib/top/a.ts", "lib/top/b.ts"), null);
  const ring = [["a", "b"], ["b", "c"], ["x", "b"], ["c", "a"]].map(([from, to]) => ({ from, to }));
  assert.deepEqual(circle(ring), ["a", "b", "c", "a"]);
  assert.equal(circle(ring.slice(0, 3)), null);
});
