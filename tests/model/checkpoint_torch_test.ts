/** PyTorch checkpoints: what is read, what is refused. */
import assert from "node:assert/strict";
import { readTorch } from "../../lib/model/checkpoint/torch.ts";
import { readZip } from "../../lib/model/checkpoint/zip.ts";
import { createModel } from "../../lib/model/segmentation_model.ts";
import { loadWeights } from "../../lib/model/weights.ts";
import { type FixtureValue, floats, torchFile, zip } from "../support/torch_fixture.ts";
import { CONFIG, inFolder, stateOf, writeTorch } from "../support/weight_files.ts";

Deno.test("PyTorch checkpoints are read at top level, nested, and from DataParallel", async () => {
  await inFolder(async (folder) => {
    const source = createModel({ ...CONFIG, seed: 3 });
    const state = await stateOf(source);
    const renamed = new Map([...state].map(([name, t]) => [`module.${name}`, t]));
    await writeTorch(`${folder}/plain.pth`, state);
    await writeTorch(`${folder}/wrapped.pt`, renamed, (entries) => ({
      dictionary: [
        ["epoch", 7],
        ["loss", 0.0696],
        ["optimizer", { dictionary: [["state", { dictionary: [] }], ["lr", 1e-3]] }],
        ["state_dict", {
          call: ["collections", "OrderedDict"],
          args: [entries.map(([name, tensor]) => [name, tensor])],
        }],
      ],
    }));
    for (const name of ["plain.pth", "wrapped.pt"]) {
      const model = createModel({ ...CONFIG, initialize: false });
      const { scope } = await loadWeights(model, `${folder}/${name}`);
      assert.equal(scope, "model");
      assert.deepEqual(await stateOf(model), state, name);
      model.dispose();
    }
    source.dispose();
  });
});

Deno.test("every number type and strided views of a checkpoint become float32, row-major", async () => {
  await inFolder(async (folder) => {
    const bytes = (array: ArrayBufferView) => new Uint8Array(array.buffer);
    const tensor = (storage: string, values: Uint8Array, length: number, more = {}) => ({
      tensor: { shape: [length], storage, values, length, ...more },
    });
    const six = bytes(Float32Array.of(0, 1, 2, 3, 4, 5, 6));
    const root: FixtureValue = {
      dictionary: [
        ["half", tensor("HalfStorage", bytes(Uint16Array.of(0x3c00, 0xc100, 0x0001)), 3)],
        ["brain", tensor("BFloat16Storage", bytes(Uint16Array.of(0x3f80, 0xc020)), 2)],
        ["double", tensor("DoubleStorage", bytes(Float64Array.of(0.5, -2)), 2)],
        ["long", tensor("LongStorage", bytes(BigInt64Array.of(12n, -1n)), 2)],
        ["int", tensor("IntStorage", bytes(Int32Array.of(-7)), 1)],
        ["scalar", tensor("LongStorage", bytes(BigInt64Array.of(3n)), 1, { shape: [] })],
        ["turned", tensor("FloatStorage", six, 7, { shape: [3, 2], strides: [1, 3], offset: 1 })],
        ["spread", tensor("FloatStorage", six, 7, { shape: [2, 2], strides: [0, 2] })],
      ],
    };
    await Deno.writeFile(`${folder}/a.pt`, torchFile(root));
    const tensors = await readTorch(`${folder}/a.pt`);
    const values = Object.fromEntries([...tensors].map(([name, t]) => [name, [...t.values]]));
    assert.deepEqual(values, {
      half: [1, -2.5, 2 ** -24],
      brain: [1, -2.5],
      double: [0.5, -2],
      long: [12, -1],
      int: [-7],
      scalar: [3],
      turned: [1, 4, 2, 5, 3, 6],
      spread: [0, 2, 0, 2],
    });
    assert.deepEqual(tensors.get("scalar")!.shape, []);
  });
});

Deno.test("a checkpoint that would run code, or is damaged, is refused with its path and the reason", async () => {
  await inFolder(async (folder) => {
    const path = `${folder}/bad.pth`;
    const refuse = async (bytes: Uint8Array, reason: RegExp) => {
      await Deno.writeFile(path, bytes);
      await assert.rejects(() => readTorch(path), (error: Error) => {
        assert.ok(error.message.startsWith(`${path} cannot be read`), error.message);
        assert.match(error.message, reason);
        return true;
      });
    };
    const call = (module: string, name: string) =>
      torchFile({ dictionary: [["a", { call: [module, name], args: ["echo pwned"] }]] });
    await refuse(call("os", "system"), /holds a os\.system; only tensors/);
    await refuse(call("builtins", "eval"), /builtins\.eval/);
    await refuse(call("torch.nn.modules.conv", "Conv2d"), /save model\.state_dict\(\) instead/);
    await refuse(call("torch", "FloatStorage"), /calls torch\.FloatStorage/);
    const good = torchFile({ dictionary: [["a", floats([2, 2], [1, 2, 3, 4])]] });
    await refuse(good.subarray(0, good.length - 30), /cut off, or no zip archive/);
    await refuse(new TextEncoder().encode("not a zip"), /no zip archive/);
    await refuse(Uint8Array.of(0x80, 2, 0x8a, 10), /PyTorch before 1\.6/);
    await refuse(zip([["archive/other", new Uint8Array(1)]]), /no data\.pkl/);
    await refuse(zip([["archive/data.pkl", Uint8Array.of(0x80, 2, 0x7d)]]), /pickle is cut off/);
    await refuse(zip([["archive/data.pkl", Uint8Array.of(0x80, 2, 0x69, 0x2e)]]), /opcode 0x69/);
    await refuse(zip([["archive/data.pkl", Uint8Array.of(0x80, 2, 0x73, 0x2e)]]), /malformed/);
    await refuse(torchFile({ dictionary: [["epoch", 3]] }), /no state_dict/);
    const beyond = floats([2, 2], [1, 2, 3, 4]);
    beyond.tensor.offset = 1;
    await refuse(torchFile({ dictionary: [["a", beyond]] }), /"a" of shape \[2,2\] reaches beyond/);
    const short = floats([4], [1, 2, 3, 4]);
    short.tensor.values = short.tensor.values.subarray(0, 12);
    await refuse(torchFile({ dictionary: [["a", short]] }), /values of "a" are missing or cut off/);
  });
});

Deno.test("zip entries that are compressed are inflated", async () => {
  const { deflateRawSync } = await import("node:zlib");
  const text = new TextEncoder().encode("colon ".repeat(50));
  const packed = new Uint8Array(deflateRawSync(text));
  const archive = zip([["a", packed]]);
  const view = new DataView(archive.buffer);
  const entry = 30 + 1 + packed.length;
  view.setUint16(entry + 10, 8, true);
  view.setUint32(entry + 24, text.length, true);
  assert.deepEqual(new Uint8Array(readZip(archive).get("a")!()), text);
});
