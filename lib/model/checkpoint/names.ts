/** From the names in a file to the names of a model: wrappers' prefixes, and what is not the model's. */
import type { FileTensor, WeightFile } from "./file_tensor.ts";
import { printable } from "./printable.ts";

/** An entry of a file under the name that the model gives it. */
export interface NamedEntry {
  /** The name in the file. */
  inFile: string;
  tensor: FileTensor;
}

/** Entries by the model's names. */
export type ModelEntries = Map<string, NamedEntry>;

/** What belongs to one model in a file. */
export interface Located {
  /** What stands before the model's names in the file, e.g. "model.module.". */
  prefix: string;
  entries: ModelEntries;
  /** Names in the file that are not the model's: loss weights, metrics, counters of averaged models. */
  ignored: string[];
  /** Names of a classification head (smp's `aux_params`). */
  auxiliary: string[];
}

const PARTS = ["encoder", "decoder", "segmentation_head", "classification_head"];

/** What compilers and parallel wrappers put between a module and its parameters. */
const WRAPPERS = ["module", "_orig_mod", "_fsdp_wrapped_module", "_checkpoint_wrapped_module"];

/** First convolutions of encoders, by which a file with an encoder alone is known. */
const STEM = /^(.*?)(_conv_stem|conv_stem|conv1|features\.0\.0)\.weight$/;

/**
 * The model in a file: entries of `encoder`, `decoder` and `segmentation_head` behind one prefix.
 * Where it has no decoder, those of an encoder.
 *
 * @param prefix the prefix of the model wanted, where the file holds several
 * @throws {RangeError} when the file holds several models and none is named, or none of that prefix
 */
export function locate(file: WeightFile, prefix?: string): Located {
  const groups = new Map<string, ModelEntries>();
  for (const [inFile, tensor] of file.tensors) {
    const parts = inFile.split(".");
    const at = parts.findIndex((part) => PARTS.includes(part));
    if (at < 0) continue;
    const group = parts.slice(0, at).map((part) => `${part}.`).join("");
    const name = parts.slice(at).filter((part) => !WRAPPERS.includes(part)).join(".");
    const entries = groups.get(group) ?? new Map();
    const known = entries.get(name);
    if (known) {
      throw new RangeError(
        `it has two entries for ${name}: "${known.inFile}" and "${inFile}"`,
      );
    }
    groups.set(group, entries.set(name, { inFile, tensor }));
  }
  const [chosen, entries] = choose(groups, prefix) ?? bareEncoder(file, prefix);
  const auxiliary = [...entries.keys()].filter((name) => name.startsWith("classification_head."));
  const inFile = auxiliary.map((name) => entries.get(name)!.inFile);
  for (const name of auxiliary) entries.delete(name);
  const used = new Set([...entries.values()].map((entry) => entry.inFile).concat(inFile));
  return {
    prefix: chosen,
    entries,
    ignored: [...file.tensors.keys()].filter((name) => !used.has(name)),
    auxiliary: inFile,
  };
}

/** The one whole model among the groups; else the one with an encoder; null where none has either. */
function choose(groups: Map<string, ModelEntries>, prefix?: string): [string, ModelEntries] | null {
  if (prefix !== undefined) {
    const entries = groups.get(prefix);
    return entries ? [prefix, entries] : null;
  }
  const having = (part: RegExp) =>
    [...groups].filter(([, entries]) => [...entries.keys()].some((name) => part.test(name)));
  const whole = having(/^(decoder|segmentation_head)\./);
  const candidates = whole.length > 0 ? whole : having(/^encoder\./);
  if (candidates.length === 0) return null;
  candidates.sort(([a], [b]) => a.length - b.length);
  const [first, ...others] = candidates;
  const different = others.filter(([, entries]) => !isAlias(entries, first[1]));
  if (different.length === 0) return first;
  const names = [first, ...different].map(([name]) => `"${name}"`).join(", ");
  throw new RangeError(
    `it holds several models, under the prefixes ${names}: say which one with the option prefix ` +
      "(deno task export --prefix … writes it into a file of its own)",
  );
}

/** Whether two groups are the same tensors under two names, as trainers register them. */
function isAlias(a: ModelEntries, b: ModelEntries): boolean {
  return a.size === b.size &&
    [...a].every(([name, { tensor }]) => b.get(name)?.tensor.place === tensor.place);
}

/** An encoder without `encoder.` in front, behind the shortest prefix. */
function bareEncoder(file: WeightFile, wanted?: string): [string, ModelEntries] {
  const found = [...file.tensors.keys()].flatMap((name) => STEM.exec(name)?.[1] ?? [])
    .sort((a, b) => a.length - b.length);
  const prefix = wanted ?? found[0] ?? "";
  const entries: ModelEntries = new Map();
  for (const [inFile, tensor] of file.tensors) {
    if (!inFile.startsWith(prefix)) continue;
    const name = inFile.slice(prefix.length);
    entries.set(name.split(".").filter((part) => !WRAPPERS.includes(part)).join("."), {
      inFile,
      tensor,
    });
  }
  if (entries.size === 0) {
    throw new RangeError(`it has no entries under the prefix "${prefix}"`);
  }
  return [prefix, entries];
}

/** `names` in a sentence, the first ten of them. */
export function listNames(names: readonly string[], most = 10): string {
  const shown = names.slice(0, most).map(printable).join(", ");
  return names.length > most ? `${shown} and ${names.length - most} more` : shown;
}
