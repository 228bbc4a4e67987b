/** `deno task architecture`: writes the list of folders into docs/architecture.md, from the code. */
import { join } from "node:path";
import { PROJECT_ROOT, writeWhole } from "crypts/base";

/** The folders of `lib/`, lowest row first: a folder imports only from rows below its own. */
export const ROWS: readonly (readonly string[])[] = [
  ["base"],
  ["tables", "image"],
  ["stain", "annotation"],
  ["dataset", "stitching"],
  ["augment", "synthetic", "crypts"],
  ["patching"],
  ["evaluation"],
  ["tensor"],
  ["ranger", "backend"],
  ["model"],
  ["training"],
  ["inference"],
  ["embedding"],
  ["viz"],
  ["notebook"],
];

const START = "<!-- folders: written by `deno task architecture` -->";
const END = "<!-- end of folders -->";

/** The first sentence of a folder's door. */
function sentenceOf(folder: string): string {
  const text = Deno.readTextFileSync(join(PROJECT_ROOT, "lib", folder, "mod.ts"));
  const comment = /^\/\*\*\s*(.*?)\s*\*\//s.exec(text)?.[1];
  if (!comment) throw new Error(`lib/${folder}/mod.ts does not begin with a doc comment`);
  return comment.replace(/\s*\n \* ?/g, " ");
}

/** The page with its list of folders made anew. */
export function withFolders(page: string): string {
  const rows = [...ROWS].reverse().flat().map((folder) =>
    `| \`${folder}\` | ${sentenceOf(folder)} |`
  );
  const table = ["| folder | what it is |", "| --- | --- |", ...rows];
  const [before, rest] = page.split(START);
  const after = rest?.split(END)[1];
  if (after === undefined) throw new Error(`docs/architecture.md lacks "${START}" or "${END}"`);
  return `${before}${START}\n\n${table.join("\n")}\n\n${END}${after}`;
}

if (import.meta.main) {
  const path = join(PROJECT_ROOT, "docs", "architecture.md");
  await writeWhole(path, withFolders(await Deno.readTextFile(path)));
  await new Deno.Command(Deno.execPath(), { args: ["fmt", "--quiet", path] }).spawn().status;
}
