/**
 * The format of `torch.save` before PyTorch 1.6: four pickles (a magic number, the protocol, facts
 * about the machine, the value), a pickle with the keys of the storages, then each storage as its
 * number of values (int64) and the values.
 */
import { VALUE_BYTES } from "../values.ts";
import { unpickle } from "./pickle.ts";
import { type PickleRules, said } from "./pickle_value.ts";
import { type Storage, TORCH_RULES, type TorchContents } from "./torch_values.ts";

/** The pickle of 0x1950a86a20f9469cfc6c, with protocol 2. */
const MAGIC = [0x80, 2, 0x8a, 10, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19, 0x2e];
const PROTOCOL = 1001;

/** Whether the bytes begin as `torch.save` began them. */
export function isLegacy(bytes: Uint8Array): boolean {
  return MAGIC.every((byte, i) => bytes[i] === byte);
}

/** What a file that {@link isLegacy} holds; @throws {RangeError} saying what is wrong */
export function readLegacy(bytes: Uint8Array): TorchContents {
  let at = MAGIC.length;
  const storages = new Map<string, Storage>();
  const rules: PickleRules = {
    global: TORCH_RULES.global,
    persistent(id) {
      const storage = TORCH_RULES.persistent(id) as Storage;
      const known = storages.get(storage.key);
      if (known && (known.name !== storage.name || known.length !== storage.length)) {
        throw new RangeError(`its storage ${storage.key} is described in two ways`);
      }
      storages.set(storage.key, storage);
      return storage;
    },
  };
  const next = () => {
    const { value, end } = unpickle(bytes, rules, at);
    at = end;
    return value;
  };
  const protocol = next();
  if (protocol !== PROTOCOL) {
    throw new RangeError(`it is of torch.save's protocol ${said(protocol)}, not ${PROTOCOL}`);
  }
  const machine = next();
  if (machine instanceof Map && machine.get("little_endian") === false) {
    throw new RangeError("its values are big-endian");
  }
  const root = next();
  const keys = next();
  if (!Array.isArray(keys)) throw new RangeError("it has no list of storages");
  const found = new Map<string, Uint8Array>();
  for (const key of keys) {
    const storage = storages.get(String(key));
    if (!storage?.type) {
      throw new RangeError(`its storage ${said(key)} is of ${storage?.name ?? "no known type"}`);
    }
    const raw = values(bytes, at, storage);
    found.set(storage.key, raw);
    at += 8 + raw.length;
  }
  return {
    root,
    capacity: bytes.length,
    open(storage) {
      const raw = found.get(storage.key);
      if (!raw) throw new RangeError(`there is no storage ${storage.key}`);
      return raw;
    },
  };
}

/** The values of the storage whose length stands at byte `at`. */
function values(bytes: Uint8Array, at: number, { key, length, type }: Storage): Uint8Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (at + 8 > bytes.length) throw new RangeError(`its storage ${key} is cut off`);
  const said = Number(view.getBigUint64(at, true));
  if (said !== length) {
    throw new RangeError(`its storage ${key} holds ${said} values instead of ${length}`);
  }
  const end = at + 8 + length * VALUE_BYTES[type!];
  if (end > bytes.length) throw new RangeError(`its storage ${key} is cut off`);
  return bytes.subarray(at + 8, end);
}
