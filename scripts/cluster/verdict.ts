/** Whether the results of a broken run are those of an undisturbed one. */
import { join, relative } from "node:path";
import { exists } from "crypts/base";
import { readTextRows } from "crypts/tables";

async function filesBelow(folder: string, below = folder): Promise<string[]> {
  const found: string[] = [];
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    const path = join(folder, name);
    if (isDirectory) found.push(...await filesBelow(path, below));
    else found.push(relative(below, path));
  }
  return found.sort();
}

/** Times, places and indices of digests are no results. */
const NO_RESULT = /^(workflow\/|state\/|summary\.csv$|failed\.csv$|.*digests\.json$|.*\.lock)/;

/**
 * What differs between two folders of results: files that one lacks, files with other bytes, and
 * temporary files of dead processes.
 */
export async function differences(out: string, reference: string): Promise<string[]> {
  const [ours, theirs] = [await filesBelow(out), await filesBelow(reference)];
  const faults = ours.filter((name) => /(^|\/)\.?[^/]*\.part/.test(name)).map((n) => `left: ${n}`);
  for (const name of new Set([...ours, ...theirs])) {
    if (NO_RESULT.test(name)) continue;
    if (!ours.includes(name)) faults.push(`missing: ${name}`);
    else if (!theirs.includes(name)) faults.push(`too much: ${name}`);
    else if (!await same(join(out, name), join(reference, name))) faults.push(`differs: ${name}`);
  }
  return faults;
}

async function same(a: string, b: string): Promise<boolean> {
  const [left, right] = [await Deno.readFile(a), await Deno.readFile(b)];
  return left.length === right.length && left.every((byte, i) => byte === right[i]);
}

/** Why the summary does not say that all good slides are done and the bad one failed. */
export function summaryFaults(out: string, good: string[], bad: string): string[] {
  const rows = readTextRows(join(out, "summary.csv"), ["img", "status", "message"]);
  const status = new Map(rows.map((row) => [row.img, row]));
  const faults = good.filter((id) => status.get(id)?.status !== "done").map((id) =>
    `${id} is not done: ${status.get(id)?.message ?? "no row"}`
  );
  const named = status.get(bad);
  if (named?.status !== "failed" || !named.message?.includes(bad)) {
    faults.push(`the bad slide ${bad} is not named: ${JSON.stringify(named)}`);
  }
  return faults;
}

/** How often a slide was begun, computed to its end, and cut off. */
export interface Attempts {
  begun: number;
  computed: number;
  /** Ended, and found the result of an earlier attempt. */
  found: number;
  /** Ended with an error. */
  failed: number;
  /** Begun and never ended. */
  cutOff: number;
}

/** What `workflow/attempts/<id>.txt` says of a slide. */
export async function attemptsOf(out: string, slide: string): Promise<Attempts> {
  const path = join(out, "workflow/attempts", `${slide}.txt`);
  const text = await exists(path) ? await Deno.readTextFile(path) : "";
  const count = (pattern: RegExp) => text.match(pattern)?.length ?? 0;
  const begun = count(/ attempt \d+ of \d+ on /g), ended = count(/ ended with code /g);
  const found = count(/ ended with code 0, its result was there/g);
  return {
    ...{ begun, found, cutOff: Math.max(0, begun - ended) },
    computed: count(/ ended with code 0$/gm),
    failed: count(/ ended with code [1-9]/g),
  };
}
