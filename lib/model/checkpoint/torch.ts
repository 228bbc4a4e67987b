/** PyTorch checkpoints (`torch.save`): the zip format, and the format before PyTorch 1.6. */
import { VALUE_BYTES } from "../values.ts";
import { elements, type FileTensor, type WeightFile } from "./file_tensor.ts";
import { isLegacy, readLegacy } from "./legacy.ts";
import { unpickle } from "./pickle.ts";
import { Opaque } from "./pickle_value.ts";
import { findStateDict } from "./state_dict.ts";
import {
  type LazyTensor,
  type Storage,
  storageBytes,
  TORCH_RULES,
  type TorchContents,
} from "./torch_values.ts";
import { readView } from "./view.ts";
import { readZip } from "./zip.ts";

/**
 * The state_dict of the bytes of a `torch.save` file. It may be the file's top level or lie in a
 * dictionary ("state_dict", "model", "model_state_dict", …). No values are read yet.
 *
 * @throws {RangeError} saying what is wrong: cut off, holding anything but tensors, containers and
 *   plain values, or no state_dict
 */
export function readTorch(bytes: Uint8Array): Omit<WeightFile, "path"> {
  const { root, open, capacity } = isLegacy(bytes) ? readLegacy(bytes) : readArchive(bytes);
  const { entries, notices } = findStateDict(root);
  const tensors = new Map<string, FileTensor>();
  for (const [name, value] of entries) tensors.set(name, fileTensor(name, value, open));
  return { tensors, metadata: {}, capacity, notices };
}

function fileTensor(
  name: string,
  value: LazyTensor | Opaque,
  open: (storage: Storage) => Uint8Array,
): FileTensor {
  const flaw = value instanceof Opaque ? value.what : value.flaw;
  if (value instanceof Opaque || flaw !== null) {
    const shape = value instanceof Opaque ? [] : value.shape;
    const read = () => {
      throw new RangeError(`"${name}" is ${flaw}`);
    };
    return { shape, bytes: 0, place: name, unreadable: flaw!, read };
  }
  const { storage, offset, shape, strides } = value;
  return {
    shape,
    bytes: elements(shape) * VALUE_BYTES[storage.type!],
    place: [storage.key, offset, shape, strides].join(":"),
    read() {
      try {
        return readView(open(storage), storage.type!, value);
      } catch (cause) {
        throw new RangeError(`the values of "${name}": ${(cause as Error).message}`, { cause });
      }
    },
  };
}

function readArchive(bytes: Uint8Array): TorchContents {
  const { entries, size } = readZip(bytes);
  const pickle = [...entries.keys()].find((name) => /(^|\/)data\.pkl$/.test(name));
  if ([...entries.keys()].some((name) => /(^|\/)code\//.test(name))) {
    throw new RangeError("it is a TorchScript archive: save model.state_dict()");
  }
  if (pickle === undefined) throw new RangeError("it has no data.pkl");
  const folder = pickle.slice(0, -"data.pkl".length);
  const order = entries.get(`${folder}byteorder`)?.();
  if (order && new TextDecoder().decode(order).trim() !== "little") {
    throw new RangeError("its values are big-endian");
  }
  const { value } = unpickle(entries.get(pickle)!(), TORCH_RULES);
  return {
    root: value,
    capacity: size,
    open(storage) {
      const raw = entries.get(`${folder}data/${storage.key}`)?.();
      if (!raw) throw new RangeError(`there is no entry data/${storage.key}`);
      if (raw.length < storageBytes(storage)) {
        throw new RangeError(`they are cut off: ${raw.length} of ${storageBytes(storage)} bytes`);
      }
      return raw;
    },
  };
}
