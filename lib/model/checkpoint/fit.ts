/** Whether a file's entries are those of a model, and their values: read and checked before any is used. */
import type { Parameter } from "../types.ts";
import { elements, type FileTensor } from "./file_tensor.ts";
import { listNames, type ModelEntries } from "./names.ts";

/** A state_dict entry that is wanted. */
export type Wanted = Pick<Parameter, "name" | "torchShape">;

/** Where entries come from, for errors. */
export interface Source {
  path: string;
  /** The name that an entry of the model has, or would have, in the file. */
  nameOf: (name: string) => string;
  /** What the entries should fit, e.g. "Unet with resnet18". */
  target: string;
}

/**
 * Compares names and shapes; nothing is read. `num_batches_tracked` may be absent: files from before
 * PyTorch 0.4.1 have none.
 *
 * @param known whether the model has a parameter of a name, wanted or not
 * @throws {Error} naming the file, and its missing, unexpected, misshapen and unreadable entries
 */
export function requireFit(
  wanted: readonly Wanted[],
  entries: ModelEntries,
  source: Source,
  known: (name: string) => boolean,
): void {
  const missing: string[] = [], misshapen: string[] = [], unreadable: string[] = [];
  for (const { name, torchShape } of wanted) {
    const found = entries.get(name);
    if (!found) {
      if (!name.endsWith(".num_batches_tracked")) missing.push(source.nameOf(name));
      continue;
    }
    const { inFile, tensor } = found;
    if (tensor.unreadable) unreadable.push(`${inFile} is ${tensor.unreadable}`);
    else if (tensor.shape.join() !== torchShape.join()) {
      misshapen.push(`${inFile}: [${tensor.shape}] instead of [${torchShape}]`);
    }
  }
  const unexpected = [...entries].filter(([name]) => !known(name)).map(([, e]) => e.inFile);
  const problems = Object.entries({ missing, unexpected, misshapen, unreadable })
    .filter(([, names]) => names.length > 0)
    .map(([kind, names]) => `${names.length} ${kind}: ${listNames(names, 20)}`);
  if (problems.length === 0) return;
  throw new Error(`${source.path} does not fit ${source.target}:\n${problems.join("\n")}`);
}

/**
 * The values of the wanted entries.
 *
 * @param capacity bytes of values that the file holds
 * @throws {Error} naming the file when the entries claim more values than it holds, or the first entry
 *   whose values are cut off or damaged, not finite, or (a variance) negative
 */
export function readChecked(
  wanted: readonly Wanted[],
  entries: ModelEntries,
  { path }: Source,
  capacity: number,
): Map<string, Float32Array> {
  const found = wanted.flatMap(({ name }) => {
    const entry = entries.get(name);
    return entry ? [{ name, ...entry }] : [];
  });
  const claimed = found.reduce((sum, { tensor }) => sum + tensor.bytes, 0);
  if (claimed > capacity) {
    throw new Error(
      `${path}: its tensors claim ${claimed} bytes of values, the file holds ${capacity}: ` +
        "they overlap",
    );
  }
  return new Map(found.map(({ name, inFile, tensor }) => {
    const values = readOne(path, tensor);
    requireFinite(values, path, inFile, tensor.shape);
    return [name, values];
  }));
}

function readOne(path: string, tensor: FileTensor): Float32Array {
  try {
    return tensor.read();
  } catch (cause) {
    throw new Error(`${path}: ${(cause as Error).message}`, { cause });
  }
}

/** @throws {Error} naming file, entry and index of the first value that is none */
export function requireFinite(
  values: Float32Array,
  path: string,
  name: string,
  shape: readonly number[],
): void {
  // A sum is finite unless a value is not, or the values are beyond any weights.
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i] * 0;
  const variance = name.endsWith("running_var");
  if (sum === 0 && !(variance && values.some((value) => value < 0))) return;
  const at = values.findIndex((value) => !Number.isFinite(value) || (variance && value < 0));
  const count = values.reduce((n, v) => n + Number(!Number.isFinite(v) || (variance && v < 0)), 0);
  throw new Error(
    `${path}: "${name}" of shape [${shape}] holds ${values[at]} at index ${at} ` +
      `(${count} of ${elements(shape)} values are no ${variance ? "variances" : "numbers"}): ` +
      "the training diverged, take an earlier checkpoint",
  );
}
