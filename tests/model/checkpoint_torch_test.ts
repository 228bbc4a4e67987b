/** PyTorch checkpoints: what is read (what is refused: checkpoint_bad_files_test.ts). */
import assert from "node:assert/strict";
import { crc32, deflateRawSync } from "node:zlib";
import { openWeights } from "../../lib/model/checkpoint/open.ts";
import { readZip } from "../../lib/model/checkpoint/zip.ts";
import { createModel } from "../../lib/model/segmentation_model.ts";
import { loadWeights } from "../../lib/model/weights.ts";
import { withFolder } from "../support/temporary.ts";
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
    const { tensors } = await openWeights(`${folder}/a.pt`);
    const values = Object.fromEntries([...tensors].map(([name, t]) => [name, [...t.read()]]));
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

Deno.test("of several dictionaries of tensors the model's is read, by its usual name; others are named", async () => {
  await withFolder(async (folder) => {
    const path = `${folder}/a.ckpt`;
    const model = (value: number): FixtureValue => ({
      dictionary: [["net.segmentation_head.0.bias", floats([1], [value])]],
    });
    const optimizer: FixtureValue = {
      dictionary: [["state", { dictionary: [["exp_avg", floats([1], [9])]] }]],
    };
    const encoder: FixtureValue = { dictionary: [["conv1.weight", floats([1], [8])]] };
    const cases: [what: string, root: [string, FixtureValue][], value: number, notice: RegExp][] = [
      ["one model", [["optimizer", optimizer], ["hyper", encoder], ["best", model(1)]], 1, /^$/],
      [
        "weights and their mean",
        [["state_dict_ema", model(2)], ["optimizer", optimizer], ["state_dict", model(1)]],
        1,
        /several models: that under "state_dict" is read, not "state_dict_ema"/,
      ],
      ["a model within others", [["run", { dictionary: [["a", [model(3), 7]]] }]], 3, /^$/],
    ];
    for (const [what, root, value, notice] of cases) {
      await Deno.writeFile(path, torchFile({ dictionary: root }));
      const { tensors, notices } = await openWeights(path);
      const bias = tensors.get("net.segmentation_head.0.bias")!;
      assert.deepEqual([...bias.read()], [value], what);
      assert.match(notices.join(), notice, what);
    }
  });
});

Deno.test("zip entries that are compressed are inflated", () => {
  const text = new TextEncoder().encode("colon ".repeat(50));
  const packed = new Uint8Array(deflateRawSync(text));
  const archive = zip([["a", packed]]);
  const view = new DataView(archive.buffer);
  const entry = 30 + 1 + packed.length;
  view.setUint16(entry + 10, 8, true);
  view.setUint32(entry + 16, crc32(text), true);
  view.setUint32(entry + 24, text.length, true);
  assert.deepEqual(new Uint8Array(readZip(archive).entries.get("a")!()), text);
});
