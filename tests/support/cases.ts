/** The small files of tests/reference/cases.py and what is right about them. */

/** One file. */
export interface Case {
  file: string;
  kind: "image" | "mask" | "table";
  /** What it is an example of. */
  why: string;
  /** Part of the sentence that refuses it, as a regular expression. */
  refused?: string;
  /** Part of the notice that it gets. */
  notice?: string;
  /** Images: whether its red channel is all there is. */
  grey?: boolean;
  /** Images: another file with the same pixels, which are not those of rgb.bin.gz. */
  same?: string;
  /** Images: µm per pixel, null where unknown. */
  pixelSize?: number | null;
  /** Masks: crypt pixels, how far off a lossy one may be, and how many labels. */
  crypt?: number;
  near?: number;
  labels?: number;
  /** Tables: ids and encodings. */
  rows?: [string, string | null][];
}

/** The path of a file of the cases. */
export function casePath(file: string): string {
  return decodeURIComponent(new URL(`../reference/cases/${file}`, import.meta.url).pathname);
}

/** All cases of a kind. */
export function cases(kind: Case["kind"]): Case[] {
  const all: Case[] = JSON.parse(Deno.readTextFileSync(casePath("cases.json")));
  return all.filter((c) => c.kind === kind);
}
