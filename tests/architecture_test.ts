import assert from "node:assert/strict";
import { join, normalize, relative } from "node:path";

const ROOT = decodeURIComponent(new URL("..", import.meta.url).pathname);

/** An import of one file of the project by another; paths from the project's folder. */
interface Import {
  from: string;
  to: string;
  /** Started as a thread of its own, which may import the types of its messages from its starter. */
  worker?: boolean;
}

/** The rows of docs/architecture.md, topmost first, each with its modules in order. */
async function documentedRows(): Promise<{ row: string; modules: string[] }[]> {
  const page = await Deno.readTextFile(join(ROOT, "docs/architecture.md"));
  const diagram = page.match(/^```\n(.*?)^```/ms)?.[1];
  assert.ok(diagram, "docs/architecture.md has no diagram");
  const rows: { row: string; modules: string[] }[] = [];
  for (const line of diagram.trimEnd().split("\n")) {
    const [, row, names] = line.match(/^(\w*) +([\w ]+)$/) ?? assert.fail(`not a row: ${line}`);
    const modules = names.split(/ +/);
    if (row) rows.push({ row, modules });
    else rows.at(-1)!.modules.push(...modules);
  }
  return rows;
}

/** `lib/x.ts` and all of `lib/x/` are the module `x`; null outside of `lib/`. */
function moduleOf(path: string): string | null {
  return path.match(/^lib\/(\w+)(\.ts$|\/)/)?.[1] ?? null;
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

/** What is wrong with an import; null where it goes down, or back in its own row. */
function fault({ from, to }: Import, rows: readonly { modules: string[] }[]): string | null {
  const place = (path: string) => {
    const name = moduleOf(path);
    const row = rows.findIndex(({ modules }) => name !== null && modules.includes(name));
    return { name, row, column: rows[row]?.modules.indexOf(name!) };
  };
  const [a, b] = [place(from), place(to)];
  if (b.name === null) return `${from} imports ${to}, which is not in lib/`;
  if (a.name === b.name) return null;
  if (a.row < 0 || b.row < 0) return `${from} imports ${to}: one of them is not in the diagram`;
  if (b.row < a.row) return `${from} imports ${to}, which stands above it`;
  if (b.row === a.row && b.column > a.column) return `${from} imports ${to}, later in its row`;
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

Deno.test("every module of lib/ is in the diagram and has one sentence, and no other is", async () => {
  const rows = await documentedRows();
  const page = await Deno.readTextFile(join(ROOT, "docs/architecture.md"));
  const modules = new Set((await filesBelow("lib")).map(moduleOf));
  assert.deepEqual(rows.flatMap((row) => row.modules).sort(), [...modules].sort());
  for (const { row, modules } of rows) {
    const section = page.match(new RegExp(`^## ${row}:.*?(?=^## |(?![^]))`, "ms"))?.[0] ?? "";
    const described = [...section.matchAll(/^\| `(\w+)` +\| \S.*\. +\|$/gm)].map(([, name]) =>
      name
    );
    assert.deepEqual(described, modules, `the section "${row}" and the diagram`);
  }
});

Deno.test("imports in lib/ go down, or back in their own row, and never out of lib/", async () => {
  const rows = await documentedRows(), imports = await importsInLib();
  assert.ok(imports.length > 500, `only ${imports.length} imports were found`);
  assert.deepEqual(imports.map((i) => fault(i, rows)).filter((text) => text !== null), []);
});

Deno.test("no file of lib/ imports itself through others", async () => {
  assert.equal(circle(await importsInLib()), null);
});

Deno.test("imports upwards, forwards, out of lib/ and in circles are found", () => {
  const rows = [{ modules: ["top"] }, { modules: ["early", "late"] }];
  const check = (from: string, to: string) => fault({ from, to }, rows);
  assert.match(check("lib/early/part.ts", "lib/top.ts")!, /stands above/);
  assert.match(check("lib/early.ts", "lib/late/part.ts")!, /later in its row/);
  assert.match(check("lib/top.ts", "scripts/demo.ts")!, /not in lib/);
  assert.match(check("lib/top.ts", "lib/unknown.ts")!, /not in the diagram/);
  assert.equal(check("lib/top/part.ts", "lib/late.ts"), null);
  assert.equal(check("lib/late.ts", "lib/early.ts"), null);
  const ring = [["a", "b"], ["b", "c"], ["x", "b"], ["c", "a"]].map(([from, to]) => ({ from, to }));
  assert.deepEqual(circle(ring), ["a", "b", "c", "a"]);
  assert.equal(circle(ring.slice(0, 3)), null);
});
