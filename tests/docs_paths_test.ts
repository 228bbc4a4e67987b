/** Files that README, CONTRIBUTING and docs/ name are there. */
import assert from "node:assert/strict";
import { dirname, join, normalize } from "node:path";

const ROOT = decodeURIComponent(new URL("..", import.meta.url).pathname);
const FOLDERS = /^(lib|tests|scripts|bench|docs|workflows|notebooks)\//;

/** Paths of the project in a page's code spans and links; `page` is its own path in the project. */
function pathsIn(page: string, text: string): string[] {
  const prose = text.replaceAll(/^ *```.*?^ *```$/gms, "");
  const spans = [...prose.matchAll(/`([^`\n]+)`/g)].flatMap(([, code]) => code.split(/\s+/));
  const links = [...prose.matchAll(/\]\(([^)\s#]+)[^)]*\)/g)].map(([, target]) => target)
    .filter((target) => !/^\w+:/.test(target)).map((to) => normalize(join(dirname(page), to)));
  return [...spans.filter((word) => FOLDERS.test(word)), ...links];
}

/** Whether a path is there; `<name>` stands for anything (its folder must exist), `*` for some file. */
async function isThere(path: string): Promise<boolean> {
  const plain = path.split("<")[0];
  const known = plain === path ? path : plain.slice(0, plain.lastIndexOf("/") + 1);
  const folder = join(ROOT, dirname(known)), name = known.slice(dirname(known).length + 1);
  if (!known.includes("*")) {
    return await Deno.stat(join(ROOT, known)).then(() => true, () => false);
  }
  const literal = (part: string) => part.replaceAll(/[.+?^${}()|[\]\\]/g, "\\$&");
  const pattern = new RegExp(`^${name.split("*").map(literal).join(".*")}$`);
  const entries = await Array.fromAsync(Deno.readDir(folder)).catch(() => []);
  return entries.some((entry) => pattern.test(entry.name));
}

async function pages(): Promise<string[]> {
  const docs = (await Array.fromAsync(Deno.readDir(join(ROOT, "docs")))).map(({ name }) => name);
  return ["README.md", "CONTRIBUTING.md"].concat(
    docs.filter((name) => name.endsWith(".md")).sort().map((name) => `docs/${name}`),
  );
}

Deno.test("every file of the project that a page names in a code span or link is there", async () => {
  const missing: string[] = [];
  let named = 0;
  for (const page of await pages()) {
    for (const path of pathsIn(page, await Deno.readTextFile(join(ROOT, page)))) {
      named++;
      if (!await isThere(path)) missing.push(`${page}: ${path}`);
    }
  }
  assert.deepEqual(missing, []);
  assert.ok(named > 100, `${named} paths`);
});

Deno.test("paths that are not there are found, in spans, links and patterns", async () => {
  const text =
    "`lib/base/mod.ts`, [a](../lib/none.ts), `deno run scripts/none.ts`, [b](data.md#x), " +
    "`lib/<folder>/mod.ts`, `none/<a>.ts`, [web](https://example.org/lib/x.ts), `tests/base/*_test.ts`, " +
    "`tests/base/*_none.ts`\n```sh\nls lib/none\n```\n";
  const paths = pathsIn("docs/page.md", text);
  const missing = [];
  for (const path of paths) if (!await isThere(path)) missing.push(path);
  assert.deepEqual(missing, ["scripts/none.ts", "tests/base/*_none.ts", "lib/none.ts"]);
  assert.ok(paths.includes("docs/data.md"));
});
