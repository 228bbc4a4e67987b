/** Opening a weight file of any kind: what it is decides its first bytes, not its name. */
import { openSafetensors } from "../safetensors.ts";
import { readBytes } from "./bytes.ts";
import type { WeightFile } from "./file_tensor.ts";
import { isLegacy } from "./legacy.ts";
import { readTorch } from "./torch.ts";

/** Extensions under which weights are looked for. */
export const WEIGHT_EXTENSIONS = [".safetensors", ".pth", ".pt", ".ckpt", ".bin", ".tar"];

/** Beginnings of files that are something else, and what to do with them. */
const OTHERS: [magic: string, at: number, what: string][] = [
  ["\x89HDF", 0, "an HDF5 file (Keras): only PyTorch's and safetensors files are read"],
  ["\x1f\x8b", 0, "compressed with gzip: unpack it first"],
  ["ustar", 257, "a tar archive: unpack it first, or (PyTorch before 0.1.10) save it again there"],
  ["version https://git-lfs", 0, "a pointer of Git LFS: fetch the file itself with git lfs pull"],
  ["<", 0, "a web page or XML: the download failed"],
  [
    "\x80",
    0,
    "a Python pickle that torch.save did not write: save model.state_dict() with torch.save",
  ],
  ["\x08", 0, "probably an ONNX file: those are run as they are, their weights are not loaded"],
];

/**
 * Opens a weight file: safetensors, PyTorch's zip format, or PyTorch's format before 1.6. Values are
 * read when they are asked for.
 *
 * @throws {Error} naming the file and why it cannot be read; the time is bounded by its length
 */
export async function openWeights(path: string): Promise<WeightFile> {
  if (!WEIGHT_EXTENSIONS.some((extension) => path.toLowerCase().endsWith(extension))) {
    const known = WEIGHT_EXTENSIONS.join(", ");
    throw new Error(`weights must be in a file of the kind ${known}, got ${path}`);
  }
  const bytes = await readBytes(path);
  const torch = startsWith(bytes, "PK\x03\x04", 0) || isLegacy(bytes);
  const safetensors = !torch && (/\.safetensors$/i.test(path) || bytes[8] === "{".charCodeAt(0));
  try {
    if (safetensors) return { path, ...openSafetensors(bytes) };
    const other = OTHERS.find(([magic, at]) => startsWith(bytes, magic, at));
    if (other && !torch) throw new RangeError(`it is ${other[2]}`);
    return { path, ...readTorch(bytes) };
  } catch (cause) {
    const kind = safetensors ? "is no valid safetensors file" : "cannot be read as a checkpoint";
    throw new Error(`${path} ${kind}: ${(cause as Error).message}`, { cause });
  }
}

function startsWith(bytes: Uint8Array, magic: string, at: number): boolean {
  return [...magic].every((character, i) => bytes[at + i] === character.charCodeAt(0));
}
