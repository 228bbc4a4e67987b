/** Finding the state_dict among what a trainer has put into its checkpoint. */
import { Opaque, type PickleValue } from "./pickle_value.ts";
import { LazyTensor } from "./torch_values.ts";

/** Names under which trainers keep the weights, the most telling first. */
const USUAL = ["state_dict", "model_state_dict", "model", "net", "network", "weights", "params"];

/** A dictionary with tensors, and how it is reached. */
interface Candidate {
  path: string[];
  tensors: Map<string, LazyTensor | Opaque>;
}

/** What {@link findStateDict} found. */
export interface StateDict {
  entries: Map<string, LazyTensor | Opaque>;
  notices: string[];
}

/**
 * The dictionary of a model's tensors: the top level, or inside other containers. Whole models come
 * before encoders, these before other dictionaries of tensors; then the usual names, then the order
 * in the file. Each container is visited once, however often it is referred to.
 *
 * @throws {RangeError} when no dictionary holds tensors
 */
export function findStateDict(root: unknown): StateDict {
  const candidates = collect(root);
  if (candidates.length === 0) {
    throw new RangeError("it holds no state_dict: no dictionary from names to tensors");
  }
  const ranked = candidates.map((candidate, order) => ({ candidate, order, rank: rank(candidate) }))
    .sort((a, b) => a.rank - b.rank || a.order - b.order);
  const [{ candidate: chosen, rank: best }] = ranked;
  const others = ranked.slice(1).filter((r) => r.rank < 100 && Math.floor(best / 10) === 0)
    .map(({ candidate }) => candidate.path.join("."));
  const notices = others.length > 0
    ? [
      `it holds several models: that under "${chosen.path.join(".")}" is read, ` +
      `not ${others.map((name) => `"${name}"`).join(", ")}`,
    ]
    : [];
  return { entries: chosen.tensors, notices };
}

/** Whole models 0 to 9, encoders 100 to 109, others 200 to 209: the last digit is the name's place. */
function rank({ path, tensors }: Candidate): number {
  const names = [...tensors.keys()];
  const kind = names.some((n) => /(^|\.)(segmentation_head|decoder)\./.test(n))
    ? 0
    : names.some((n) => /(^|\.)(conv_?stem|_conv_stem|conv1|features\.0\.0)\.weight$/.test(n))
    ? 100
    : 200;
  const usual = USUAL.indexOf(path[path.length - 1]);
  return kind + (usual >= 0 ? usual : path.length === 0 ? 8 : 9);
}

/** Every dictionary that holds tensors under names, breadth first. */
function collect(root: unknown): Candidate[] {
  const found: Candidate[] = [];
  const seen = new Set<unknown>([root]);
  const queue: { value: unknown; path: string[] }[] = [{ value: root, path: [] }];
  for (const { value, path } of queue) {
    const visit = (key: string, inner: PickleValue | undefined) => {
      if (!(inner instanceof Map || Array.isArray(inner)) || seen.has(inner)) return;
      seen.add(inner);
      // Beyond a few levels the path is for errors only.
      queue.push({ value: inner, path: path.length < 8 ? [...path, key] : path });
    };
    if (value instanceof Map) {
      const tensors = new Map<string, LazyTensor | Opaque>();
      let real = false;
      for (const [key, inner] of value) {
        const isTensor = inner instanceof LazyTensor;
        if (typeof key === "string" && (isTensor || (inner instanceof Opaque && inner.isTensor))) {
          tensors.set(key, inner);
          real ||= isTensor;
        }
        visit(String(key), inner);
      }
      if (real) found.push({ path, tensors });
    } else if (Array.isArray(value)) value.forEach((inner, i) => visit(String(i), inner));
  }
  return found;
}
