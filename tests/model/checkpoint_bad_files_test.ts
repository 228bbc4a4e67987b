/**
 * Files that are damaged, of another kind, or made to hurt: each is refused with its path and the reason.
 * What bounds the work is said in lib/model/checkpoint; where it fails, these tests do not end, or the
 * process runs out of memory.
 */
import assert from "node:assert/strict";
import { deflateRawSync } from "node:zlib";
import { openWeights } from "../../lib/model/checkpoint/open.ts";
import { archive, oneTensor, OPCODES, pickle, tensor } from "../support/pickle_fixture.ts";
import { withFolder } from "../support/temporary.ts";
import { floats, torchFile, zip } from "../support/torch_fixture.ts";

type Bad = [what: string, bytes: () => Uint8Array, reason: RegExp];

const { dict, list, text, int, long, double, global, mark, tuple, put, get, none, pop } = OPCODES;
const { append, setItem, setItems, reduce, build, persistent } = OPCODES;

/** A pickle as the whole of a checkpoint. */
const pickled = (...parts: number[][]) => () => archive(pickle(...parts));
const call = (module: string, name: string) => () =>
  torchFile({ dictionary: [["a", { call: [module, name], args: ["echo pwned"] }]] });
const encode = (value: string) => new TextEncoder().encode(value);
const bytes = (value: string) => () => Uint8Array.from(value, (c) => c.charCodeAt(0));

/** `depth` containers, each holding the one before twice: 2^depth paths to the innermost. */
function shared(depth: number, container: number[], join: (i: number) => number[]): number[] {
  const parts = [...container, ...put(0)];
  for (let i = 0; i < depth; i++) parts.push(...container, ...put(i + 1), ...join(i));
  return parts;
}

const PICKLES: Bad[] = [
  ["a call of os.system", call("os", "system"), /holds a os\.system; only tensors/],
  ["a call of eval", call("builtins", "eval"), /builtins\.eval/],
  ["a call of eval, Python 2", call("__builtin__", "eval"), /builtin__\.eval/],
  [
    "a pickled layer",
    call("torch.nn.modules.conv", "Conv2d"),
    /save model\.state_dict\(\) instead/,
  ],
  ["a storage that is called", call("torch", "FloatStorage"), /calls what is no function/],
  [
    "a name that would steer the terminal",
    call("os", "\x1b[2J\x1b[Hsystem"),
    /holds a os\.\?\[2J\?\[Hsystem;/,
  ],
  ["a global that is another's name", call("toString", ""), /holds a toString\./],
  ["a pickle that is cut off", () => archive(Uint8Array.of(0x80, 2, 0x7d)), /pickle is cut off/],
  ["no pickle at all", () => archive(new Uint8Array(0)), /pickle is cut off/],
  ["a text beyond the end", pickled([0x58, 255, 255, 255, 127]), /pickle is cut off/],
  ["a global without an end", pickled([0x63, 65, 65]), /pickle is cut off/],
  ["an opcode of protocol 0", pickled([0x69]), /opcode 0x69 at byte 2, which is not allowed/],
  ["an item without a dictionary", pickled(setItem), /malformed at byte 3/],
  ["an item of a number", pickled(int(1), int(2), int(3), setItem), /malformed/],
  ["items that are no pairs", pickled(dict, mark, int(1), int(2), int(3), setItems), /malformed/],
  ["a memo that was never set", pickled(get(2 ** 31 - 1)), /malformed/],
  ["a tuple without a mark", pickled(int(1), tuple), /malformed/],
  ["the state of a list", pickled(list, dict, build), /sets the state of a value that has none/],
  ["an outside reference", pickled(text("file"), persistent), /refers to something outside/],
  ["nothing but numbers", () => torchFile({ dictionary: [["epoch", 3]] }), /no state_dict/],
  ["a list", pickled(list), /no state_dict/],
  [
    "dictionaries that share each other, 2^200 paths",
    pickled(shared(200, dict, (i) => [
      ...[...text("a"), ...get(i), ...setItem],
      ...[...text("b"), ...get(i), ...setItem],
    ])),
    /no state_dict/,
  ],
  [
    "lists that share each other, 2^200 paths",
    pickled(shared(200, list, (i) => [...get(i), ...append, ...get(i), ...append])),
    /no state_dict/,
  ],
  [
    "a dictionary that holds itself",
    pickled(dict, put(0), text("a"), get(0), setItem),
    /no state_dict/,
  ],
  [
    "100,000 lists in each other",
    pickled(Array.from({ length: 100_000 }, () => list[0]), new Array(99_999).fill(append[0])),
    /no state_dict/,
  ],
  [
    "a long list copied 10,000 times",
    pickled(
      [...mark, ...new Array(20_000).fill([...none, ...none, 0x86]).flat(), ...tuple, ...put(0)],
      new Array(10_000).fill(0).flatMap(() => [
        ...[...global("collections", "OrderedDict"), ...get(0), 0x85, ...reduce],
      ]),
    ),
    /more values than its length can hold/,
  ],
  [
    "an OrderedDict of numbers",
    pickled(global("collections", "OrderedDict"), mark, mark, int(1), tuple, tuple, reduce),
    /made of something else than pairs/,
  ],
  [
    "17 million values that are thrown away",
    () =>
      archive(new Uint8Array(new Uint16Array(2 ** 23 + 2048).fill(pop[0] << 8 | none[0]).buffer)),
    /longer than 16777216 bytes/,
  ],
  [
    "two million dictionaries, a byte each",
    () => archive(new Uint8Array(2 ** 21).fill(dict[0])),
    /makes over 1048576 objects/,
  ],
  [
    "two million values remembered, a byte each",
    () => archive(new Uint8Array(2 ** 21).fill(0x94).with(0, none[0])),
    /remembers over 1048576 values/,
  ],
];

const one = [int(1)];
const tensorCase = (
  what: string,
  [length, offset, shape, strides]: [number[], number[], number[][], number[][]],
  reason: RegExp,
): Bad => [what, () => oneTensor(tensor(length, offset, shape, strides)), reason];

const TENSORS: Bad[] = [
  tensorCase(
    "80 GB from 2 KB by a stride of 0",
    [int(512), int(0), [int(20_000), int(1_000_000)], [int(0), int(0)]],
    /"a" is a tensor of shape \[20000,1000000\] that claims 20000000000 values of a storage of 512/,
  ),
  tensorCase(
    "sides whose product overflows",
    [int(512), int(0), [long(2n ** 52n), long(2n ** 52n)], [int(0), int(0)]],
    /claims .* values of a storage of 512/,
  ),
  tensorCase("a view beyond its storage", [int(512), int(510), [int(4)], one], /reaches beyond/),
  tensorCase("a stride beyond its storage", [int(512), int(0), [int(2)], [int(600)]], /reaches/),
  tensorCase("a negative side", [int(512), int(0), [int(-4)], one], /the size, .* -4/),
  tensorCase("a negative offset", [int(512), int(-4), [int(4)], one], /the size, .* -4/),
  tensorCase("a negative stride", [int(512), int(9), [int(4)], [int(-1)]], /the size, .* -1/),
  tensorCase("a side that is no integer", [int(512), int(0), [double(2.5)], one], /2\.5/),
  tensorCase("a side beyond 2^53", [int(512), int(0), [long(2n ** 60n)], one], /the size/),
  tensorCase("a side that is a text", [int(512), int(0), [text("4")], one], /the size, .* "4"/),
  tensorCase("more strides than sides", [int(512), int(0), [int(4)], [one[0], one[0]]], /strides/),
  tensorCase(
    "65 axes",
    [int(512), int(0), new Array(65).fill(int(1)), new Array(65).fill(int(1))],
    /has 65 axes/,
  ),
  tensorCase(
    "a storage that says it is longer than it is",
    [int(600), int(0), [int(600)], one],
    /values of "a": they are cut off: 2048 of 2400 bytes/,
  ),
  ["a storage that is not there", () => {
    const entry = tensor(int(4), int(0), [int(4)], one);
    return archive(pickle(dict, text("a"), entry, setItem));
  }, /there is no entry data\/0/],
  ["20,000 tensors of 64 axes by one description", () => {
    const axes = [...mark, ...new Array(64).fill(int(1)).flat(), ...tuple];
    const named = [
      ...[...global("torch._utils", "_rebuild_tensor_v2"), ...put(0)],
      ...[...axes, ...put(1)],
      ...tensor(int(512), int(0), [int(1)], one),
    ];
    const storage = [...mark, ...text("storage"), ...global("torch", "FloatStorage"), ...text("0")];
    const args = [
      ...[...mark, ...storage, ...text("cpu"), ...int(512), ...tuple, ...persistent],
      ...[...int(0), ...get(1), ...get(1), ...tuple, ...put(2)],
    ];
    const again = new Array(20_000).fill([...get(0), ...get(2), ...reduce]).flat();
    return archive(pickle(named, args, again));
  }, /more values than its length can hold/],
  ["a tensor without a storage", () => {
    const args = [...mark, ...int(1), ...int(0), ...list, ...list, ...tuple];
    const entry = [...global("torch._utils", "_rebuild_tensor_v2"), ...args, ...reduce];
    return oneTensor(entry);
  }, /a tensor has no storage/],
];

/** A good checkpoint whose bytes `change` damages. */
function damaged(change: (view: DataView, bytes: Uint8Array) => void) {
  return () => {
    const good = torchFile({ dictionary: [["a", floats([2, 2], [1, 2, 3, 4])]] });
    change(new DataView(good.buffer), good);
    return good;
  };
}

/** Offset of the directory's entry for the first storage. */
function directoryEntry(bytes: Uint8Array): number {
  const name = encode("archive/data/0");
  for (let at = bytes.length - name.length; at > 46; at--) {
    if (name.every((b, i) => bytes[at + i] === b) && bytes[at - 46] === 0x50) return at - 46;
  }
  throw new Error("no such entry");
}

/** An archive with one deflated entry that says it has `claimed` bytes. */
function deflated(data: Uint8Array, claimed: number) {
  return () => {
    const packed = new Uint8Array(deflateRawSync(data));
    const file = zip([["archive/data.pkl", packed]]);
    const view = new DataView(file.buffer);
    const entry = 30 + "archive/data.pkl".length + packed.length;
    view.setUint16(entry + 10, 8, true);
    view.setUint32(entry + 24, claimed, true);
    return file;
  };
}

const ARCHIVES: Bad[] = [
  ["an archive that is cut off", () => damaged(() => {})().slice(0, -30), /cut off, or no zip/],
  ["an archive without data.pkl", () => zip([["archive/x", new Uint8Array(1)]]), /no data\.pkl/],
  [
    "two entries of one name",
    () => zip([["archive/data.pkl", new Uint8Array(1)], ["archive/data.pkl", new Uint8Array(1)]]),
    /two entries archive\/data\.pkl/,
  ],
  [
    "a declared deflate bomb",
    deflated(new Uint8Array(1000), 2 ** 32 - 1),
    /claim 4294967295 bytes/,
  ],
  ["a deflate bomb that hides its size", deflated(new Uint8Array(2 ** 26), 999), /unpacked to 999/],
  ["a deflated entry that is shorter", deflated(new Uint8Array(10), 99), /10 bytes instead of 99/],
  [
    "entries that overlap",
    damaged((view, b) => view.setUint32(directoryEntry(b) + 20, b.length, true)),
    /overlap/,
  ],
  [
    "an encrypted entry",
    damaged((view, b) => view.setUint16(directoryEntry(b) + 8, 1, true)),
    /data\/0 is encrypted/,
  ],
  [
    "another compression",
    damaged((view, b) => view.setUint16(directoryEntry(b) + 10, 14, true)),
    /data\/0 uses method 14/,
  ],
  [
    "a value that was changed",
    damaged((view, b) => view.setUint32(directoryEntry(b) + 16, 1, true)),
    /data\/0 is damaged: its checksum differs/,
  ],
  [
    "an entry that is elsewhere",
    damaged((view, b) => view.setUint32(directoryEntry(b) + 42, 3, true)),
    /data\/0 is not where the directory says/,
  ],
  [
    "a directory with more entries than it has",
    damaged((view, b) => view.setUint16(b.length - 12, 900, true)),
    /directory ends after 4 of 900 entries/,
  ],
  ["zip64", damaged((view, b) => view.setUint16(b.length - 12, 0xffff, true)), /zip64/],
];

const MAGIC = [0x80, 2, 0x8a, 10, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19, 0x2e];

/** A file of the format before PyTorch 1.6. */
function legacy(
  { protocol = 1001, machine = [...dict], tail = [] as number[], value = [...dict] },
) {
  const parts = [pickle(int(protocol)), pickle(machine), pickle(value)];
  return () => Uint8Array.from([...MAGIC, ...parts.flatMap((p) => [...p]), ...tail]);
}

const entryA = [...dict, ...text("a"), ...tensor(int(1), int(0), [int(1)], one), ...setItem];
const keys = [...pickle(mark, text("0"), tuple)];
const LEGACY: Bad[] = [
  ["a pickle that torch.save did not write", () => pickle(dict), /torch\.save did not write/],
  ["an unknown protocol", legacy({ protocol: 7 }), /protocol 7, not 1001/],
  [
    "big-endian values",
    legacy({ machine: [...dict, ...text("little_endian"), 0x89, ...setItem] }),
    /big-endian/,
  ],
  ["no list of storages", legacy({ value: entryA }), /pickle is cut off/],
  ["storages that are cut off", legacy({ value: entryA, tail: keys }), /storage 0 is cut off/],
  [
    "a storage of another length",
    legacy({ value: entryA, tail: [...keys, 9, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4] }),
    /storage 0 holds 9 values instead of 1/,
  ],
  [
    "values that are cut off",
    legacy({ value: entryA, tail: [...keys, 1, 0, 0, 0, 0, 0, 0, 0, 1, 2] }),
    /storage 0 is cut off/,
  ],
  [
    "a storage that no tensor has",
    legacy({ tail: [...pickle(mark, text("7"), tuple)] }),
    /storage "7" is of no known type/,
  ],
];

const OTHER_KINDS: Bad[] = [
  ["an empty file", () => new Uint8Array(0), /no zip archive/],
  ["a text", bytes("not a zip"), /no zip archive/],
  ["a Keras file", bytes("\x89HDF\r\n\x1a\n"), /it is an HDF5 file \(Keras\)/],
  ["a gzipped file", bytes("\x1f\x8b\x08"), /it is compressed with gzip: unpack it first/],
  ["a tar archive", bytes("x".repeat(257) + "ustar"), /it is a tar archive: unpack it first/],
  ["a pointer of Git LFS", bytes("version https://git-lfs"), /pointer of Git LFS: fetch/],
  ["a web page", bytes("<!DOCTYPE html>"), /a web page or XML: the download failed/],
  ["an ONNX file", bytes("\x08\x07\x12\x06crypts"), /probably an ONNX file/],
];

for (
  const [kind, cases] of Object.entries({
    pickles: PICKLES,
    tensors: TENSORS,
    archives: ARCHIVES,
    "files before PyTorch 1.6": LEGACY,
    "other kinds of files": OTHER_KINDS,
  })
) {
  Deno.test(`${cases.length} bad ${kind} are refused with their path and the reason`, async () => {
    await withFolder(async (folder) => {
      const path = `${folder}/bad.pth`;
      for (const [what, make, reason] of cases) {
        await Deno.writeFile(path, make());
        await assert.rejects(() => readAll(path), (error: Error) => {
          assert.ok(error.message.includes(path), `${what}: ${error.message}`);
          assert.match(error.message, reason, what);
          return true;
        });
      }
    });
  });
}

/** Opens a file and reads every tensor. */
async function readAll(path: string): Promise<void> {
  const { tensors } = await openWeights(path);
  try {
    for (const tensor of tensors.values()) tensor.read();
  } catch (cause) {
    // What the loader does where it reads.
    throw new Error(`${path}: ${(cause as Error).message}`, { cause });
  }
}

Deno.test("what is no regular file, absent, or named like none of the known kinds is refused", async () => {
  await withFolder(async (folder) => {
    await Deno.mkdir(`${folder}/folder.pth`);
    await assert.rejects(() => openWeights(`${folder}/folder.pth`), /folder\.pth: it is a folder/);
    await assert.rejects(() => openWeights(`${folder}/none.ckpt`), /cannot read .*none\.ckpt/);
    await assert.rejects(
      () => openWeights(`${folder}/a.h5`),
      /\.safetensors, \.pth, .* got .*a\.h5/,
    );
    if (Deno.build.os === "windows") return;
    await new Deno.Command("mkfifo", { args: [`${folder}/pipe.pth`] }).output();
    await assert.rejects(
      () => openWeights(`${folder}/pipe.pth`),
      /pipe\.pth: it is no regular file/,
    );
  });
});
