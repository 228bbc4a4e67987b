/** Safetensors files that are damaged or made to hurt (the format's rules: safetensors 0.5). */
import assert from "node:assert/strict";
import { openWeights } from "../../lib/model/checkpoint/open.ts";
import { readSafetensors, writeSafetensors } from "../../lib/model/safetensors.ts";
import { loadModel } from "../../lib/model/weights.ts";
import { withFolder } from "../support/temporary.ts";

/** The bytes of a file with a header (an object, or its text) and `data` bytes of values. */
function file(header: unknown, data = 8): Uint8Array<ArrayBuffer> {
  const json = new TextEncoder().encode(
    typeof header === "string" ? header : JSON.stringify(header),
  );
  const bytes = new Uint8Array(8 + json.length + data);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(json.length), true);
  bytes.set(json, 8);
  return bytes;
}

const entry = (dtype: unknown, shape: unknown, offsets: unknown) => ({
  dtype,
  shape,
  data_offsets: offsets,
});
const one = (dtype: unknown, shape: unknown, offsets: unknown) =>
  file({ a: entry(dtype, shape, offsets) });
const A = '"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}';
const B = '{"dtype":"F32","shape":[1],"data_offsets":[4,8]}';

/** A header that claims `length` bytes. */
function claiming(length: bigint): Uint8Array {
  const bytes = file({});
  new DataView(bytes.buffer).setBigUint64(0, length, true);
  return bytes;
}

const BAD: [what: string, bytes: () => Uint8Array, reason: RegExp][] = [
  ["three bytes", () => new Uint8Array(3), /it has 3 bytes/],
  ["a header that is cut off", () => file("{").subarray(0, 8), /header claims 1 bytes/],
  ["a header beyond the file", () => claiming(11n), /claims 11 bytes, the file has 18/],
  ["a header of 2^64 bytes", () => claiming(2n ** 64n - 1n), /claims 18446744073709551615 bytes/],
  ["a header of 5 MB", () => file(" ".repeat(5 * 2 ** 20)), /over the limit of 4194304/],
  [
    "a name of 4 million letters",
    () => file({ ["a".repeat(4e6)]: 3 }),
    /"a{120}…" has no type, shape and offsets/,
  ],
  [
    "a name that would steer the terminal",
    () => file({ "\x1b[2J": 3 }),
    /"\?\[2J" has no type, shape and offsets/,
  ],
  [
    "a million lists in each other",
    () => file(`{"a":${"[".repeat(1e6)}${"]".repeat(1e6)}}`),
    /"a" has no type, shape and offsets/,
  ],
  ["half a header", () => file("{"), /header is not JSON/],
  ["a list as a header", () => file("[]"), /no JSON object/],
  ["null as a header", () => file("null"), /no JSON object/],
  ["brackets without end", () => file("[".repeat(2 ** 20)), /not JSON/],
  ["a size that does not fit", () => one("F32", [3], [0, 8]), /"a" of shape \[3\] lies at bytes 0/],
  ["values beyond the file", () => one("F32", [2], [4, 12]), /lies at bytes 4 to 12 of 8/],
  ["values that end before they begin", () => one("F32", [2], [8, 0]), /lies at bytes 8 to 0 of 8/],
  ["a negative offset", () => one("F32", [2], [-8, 0]), /"a" has no type, shape and offsets/],
  ["a negative side", () => one("F32", [-2], [0, 8]), /"a" has no type, shape and offsets/],
  ["a side that is no integer", () => one("F32", [1.5], [0, 6]), /"a" has no type/],
  ["80 GB in 8 bytes", () => one("F32", [2e5, 1e5], [0, 8]), /shape \[200000,100000\] lies at/],
  ["sides that overflow", () => one("F32", [2 ** 50, 2 ** 50], [0, 8]), /lies at bytes 0 to 8/],
  ["an unknown type", () => one("F8_E4M3", [8], [0, 8]), /is of type F8_E4M3; known: F64/],
  ["a type that every object has", () => one("toString", [8], [0, 8]), /is of type toString/],
  ["an entry that is a number", () => file({ a: 3 }), /"a" has no type, shape and offsets/],
  ["a shape that is a text", () => one("F32", "2", [0, 8]), /"a" has no type/],
  ["three offsets", () => one("F32", [2], [0, 8, 8]), /"a" has no type/],
  [
    "entries that overlap",
    () => file({ a: entry("F32", [2], [0, 8]), b: entry("F32", [1], [4, 8]) }),
    /"b" begins at byte 4 of the values, where 8 was expected: entries overlap/,
  ],
  [
    "a thousand entries of the same values",
    () =>
      file(Object.fromEntries(
        Array.from({ length: 1000 }, (_, i) => [`n${i}`, entry("F32", [2], [0, 8])]),
      )),
    /entries overlap/,
  ],
  [
    "a gap",
    () => file({ a: entry("F32", [1], [0, 4]), b: entry("F32", [1], [8, 12]) }, 12),
    /"b" begins at byte 8 of the values, where 4 was expected: something is missing/,
  ],
  ["bytes that belong to nothing", () => one("F32", [1], [0, 4]), /end at byte 4 of the 8 behind/],
  ["one name twice", () => file(`{${A},"a":${B}}`), /two entries "a"/],
  ["one name twice, once escaped", () => file(`{${A},"\\u0061":${B}}`), /two entries "a"/],
  [
    "metadata twice",
    () => file(`{"__metadata__":{},"__metadata__":{"x":"y"},${A},"b":${B}}`),
    /two entries "__metadata__"/,
  ],
  [
    "metadata that are no strings",
    () => file({ __metadata__: { a: 1 } }, 0),
    /metadata are no str/,
  ],
  ["metadata that are a list", () => file({ __metadata__: ["a"] }, 0), /metadata are no strings/],
];

Deno.test(`${BAD.length} bad safetensors files are refused with their path and the reason`, async () => {
  await withFolder(async (folder) => {
    const path = `${folder}/bad.safetensors`;
    for (const [what, make, reason] of BAD) {
      await Deno.writeFile(path, make());
      for (const read of [readSafetensors, openWeights]) {
        await assert.rejects(() => read(path), (error: Error) => {
          assert.ok(error.message.startsWith(`${path} is no valid safetensors file`), what);
          assert.match(error.message, reason, what);
          return true;
        });
      }
    }
  });
});

Deno.test("names inside of entries and metadata may be those of others", async () => {
  await withFolder(async (folder) => {
    const header = `{"__metadata__":{"a":"[{,}]","dtype":"\\"a\\":"},${A},"dtype":${B}}`;
    await Deno.writeFile(`${folder}/a.safetensors`, file(header));
    const { tensors, metadata } = await readSafetensors(`${folder}/a.safetensors`);
    assert.deepEqual([...tensors.keys()], ["a", "dtype"]);
    assert.deepEqual(metadata, { a: "[{,}]", dtype: '"a":' });
  });
});

Deno.test("a file of ours that was changed is refused; in another order it is the same", async () => {
  await withFolder(async (folder) => {
    const path = `${folder}/a.safetensors`;
    const a = { name: "a", shape: [2], values: Float32Array.of(1, 2) };
    const b = { name: "b", shape: [], values: Float32Array.of(3), counter: true };
    await writeSafetensors(path, [a, b], { scale: "0.5" });
    const written = await Deno.readFile(path);
    const text = new TextDecoder("latin1").decode(written);
    for (const change of [written.length - 1, text.indexOf('"0.5"') + 3]) {
      const bytes = written.slice();
      bytes[change] ^= 1;
      await Deno.writeFile(path, bytes);
      await assert.rejects(() => readSafetensors(path), /the checksum differs .*crypts\.checksum/);
    }
    // As a Python tool writes it that keeps the metadata: other order, other blanks.
    await writeSafetensors(path, [b, a], { scale: "0.5" });
    const other = new TextDecoder("latin1").decode(await Deno.readFile(path));
    const sum = (file: string) => /"crypts\.checksum":"(\w{32})"/.exec(file)![1];
    assert.equal(sum(other), sum(text));
    const { metadata } = await readSafetensors(path);
    assert.deepEqual(metadata, { scale: "0.5" });
  });
});

const CONFIGS: [what: string, json: string, reason: RegExp][] = [
  ["a head of 10^12 classes", '{"architecture":"Unet","encoder":"resnet18","classes":1e12}', /fit/],
  [
    "decoders of 10^9 channels",
    '{"architecture":"Unet","encoder":"resnet18","decoderChannels":[1e9,1e9,1e9,1e9,1e9]}',
    /does not fit Unet with resnet18:\n\d+ missing: .* more/s,
  ],
  ["an architecture that nobody knows", '{"architecture":"Vnet","encoder":"resnet18"}', /"Vnet"/],
  ["an encoder that every object has", '{"architecture":"Unet","encoder":"toString"}', /toString/],
  [
    "a setting of a later version",
    '{"architecture":"Unet","encoder":"resnet18","stride":8}',
    /settings that this version does not know: stride/,
  ],
  ["no JSON", "{", /configuration is not JSON/],
  ["a list", "[]", /configuration is no object/],
  ["null", "null", /configuration is no object/],
];

Deno.test("configurations that do not fit are refused before anything is allocated", async () => {
  await withFolder(async (folder) => {
    const path = `${folder}/a.safetensors`;
    const tensor = { name: "encoder.conv1.weight", shape: [2], values: Float32Array.of(1, 2) };
    for (const [what, json, reason] of CONFIGS) {
      await writeSafetensors(path, [tensor], { "crypts.config": json });
      await assert.rejects(() => loadModel(path), (error: Error) => {
        assert.ok(error.message.startsWith(path), error.message);
        assert.match(error.message, reason, what);
        return true;
      });
    }
    await writeSafetensors(path, [{ ...tensor, name: "a" }]);
    await assert.rejects(() => loadModel(path), /does not say which model it is/);
  });
});
