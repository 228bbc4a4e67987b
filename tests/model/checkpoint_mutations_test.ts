/**
 * Valid files with bytes changed at random (seeded): each is refused by a sentence that names the file, or
 * gives what the valid file gives. Where a format has no checksum, other values cannot be told from the
 * right ones; then what is read is bounded by the file.
 */
import assert from "node:assert/strict";
import { createRandom, type Random } from "../../lib/base/mod.ts";
import { openWeights } from "../../lib/model/checkpoint/open.ts";
import { readZip } from "../../lib/model/checkpoint/zip.ts";
import { writeSafetensors } from "../../lib/model/safetensors.ts";
import { createModel } from "../../lib/model/segmentation_model.ts";
import { loadModel, saveWeights } from "../../lib/model/weights.ts";
import reference from "../reference/checkpoints.json" with { type: "json" };
import { zip } from "../support/torch_fixture.ts";
import { withFolder } from "../support/temporary.ts";
import { CONFIG, inFolder, stateOf } from "../support/weight_files.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** What engines say when a value is not what the code takes it for: never a sentence for a user. */
const INTERNAL =
  /undefined|is not a function|not iterable|Cannot (read|mix|convert)|call stack|Invalid (array|typed)|out of bounds|outside the bounds/;

/** One change: a bit, a byte, a few bytes, a number, a part cut out or put in twice, the end cut off. */
function mutated(bytes: Uint8Array, random: Random): Bytes {
  const out = bytes.slice();
  const at = random.int(bytes.length);
  switch (random.int(7)) {
    case 0:
      out[at] ^= 1 << random.int(8);
      return out;
    case 1:
      out[at] = random.int(256);
      return out;
    case 2:
      for (let i = at; i < Math.min(at + 1 + random.int(8), out.length); i++) {
        out[i] = random.int(256);
      }
      return out;
    case 3: {
      const extreme = [0, 1, 0x7f, 0x80, 0xff][random.int(5)];
      return out.fill(extreme, at, Math.min(at + 4, out.length));
    }
    case 4:
      return join(out.subarray(0, at), out.subarray(at + 1 + random.int(64)));
    case 5:
      return join(out.subarray(0, at), out.subarray(Math.max(0, at - random.int(64))));
    default:
      return out.slice(0, at);
  }
}

function join(a: Uint8Array, b: Uint8Array): Bytes {
  const out = new Uint8Array(a.length + b.length);
  out.set(a);
  out.set(b, a.length);
  return out;
}

type Contents = Record<string, [readonly number[], number[]]>;

/** Every tensor of a file, or the sentence by which it was refused. */
async function outcome(path: string, bytes: Uint8Array): Promise<Contents | string> {
  await Deno.writeFile(path, bytes);
  try {
    const { tensors, capacity } = await openWeights(path);
    const contents: Contents = {};
    for (const [name, tensor] of tensors) {
      if (tensor.unreadable) throw new Error(`${path}: "${name}" is ${tensor.unreadable}`);
      // One tensor is never larger than what the file holds, whatever it claims.
      assert.ok(tensor.bytes <= capacity && capacity <= 16 * bytes.length + 2 ** 20, name);
      let values: Float32Array;
      try {
        values = tensor.read();
      } catch (error) {
        throw new Error(`${path}: ${(error as Error).message}`, { cause: error });
      }
      assert.ok(values.length * 1 <= capacity, name);
      contents[name] = [tensor.shape, [...values]];
    }
    return contents;
  } catch (error) {
    const { message } = error as Error;
    assert.ok(!(error instanceof assert.AssertionError), message);
    assert.ok(message.includes(path), message);
    assert.doesNotMatch(message.replaceAll(path, ""), INTERNAL);
    return message;
  }
}

const CASES = Object.entries(reference.cases).filter(([, c]) => c.tensors !== null)
  .map(([name, c]): [string, Bytes] => [name, Uint8Array.fromBase64(c.file)]);
const PER_FILE = 120;

Deno.test(`${CASES.length * PER_FILE} changed files of PyTorch are refused by name or give the same`, async () => {
  await withFolder(async (folder) => {
    const path = `${folder}/a.pth`;
    const random = createRandom(14);
    let refused = 0;
    for (const [name, bytes] of CASES) {
      const want = await outcome(path, bytes);
      assert.equal(typeof want, "object", name);
      const checked = !/legacy|without checksums/.test(name);
      for (let i = 0; i < PER_FILE; i++) {
        const got = await outcome(path, mutated(bytes, random));
        if (typeof got === "string") refused++;
        else if (checked) assert.deepEqual(got, want, `${name}, change ${i}`);
      }
    }
    assert.ok(refused > CASES.length * PER_FILE / 3, `only ${refused} were refused`);
  });
});

Deno.test("changed pickles behind right checksums are refused by name or read within bounds", async () => {
  await withFolder(async (folder) => {
    const path = `${folder}/a.pth`;
    const random = createRandom(15);
    let refused = 0, read = 0;
    for (const [name, bytes] of CASES) {
      if (/legacy/.test(name)) continue;
      const entries = [...readZip(bytes).entries].map(([key, open]): [string, Uint8Array] => [
        key,
        open(),
      ]);
      const pickle = entries.findIndex(([key]) => key.endsWith("data.pkl"));
      for (let i = 0; i < PER_FILE; i++) {
        const [key, data] = entries[pickle];
        const got = await outcome(path, zip(entries.with(pickle, [key, mutated(data, random)])));
        if (typeof got === "string") refused++;
        else read++;
      }
    }
    assert.ok(refused > read && read > 100, `${refused} refused, ${read} read`);
  });
});

Deno.test("changed safetensors files of ours are refused by name or give the same", async () => {
  await withFolder(async (folder) => {
    const path = `${folder}/a.safetensors`;
    const random = createRandom(16);
    await writeSafetensors(path, [
      { name: "a.weight", shape: [2, 3], values: Float32Array.of(1, 2, 3, 4, 5, 6) },
      { name: "a.bias", shape: [2], values: Float32Array.of(0.5, -1), half: true },
      { name: "a.num_batches_tracked", shape: [], values: Float32Array.of(7), counter: true },
    ], { format: "pt", scale: "0.5" });
    const bytes = await Deno.readFile(path);
    const want = await outcome(path, bytes);
    let refused = 0;
    for (let i = 0; i < 1500; i++) {
      const got = await outcome(path, mutated(bytes, random));
      if (typeof got === "string") refused++;
      else assert.deepEqual(got, want, `change ${i}`);
    }
    assert.ok(refused > 1200, `only ${refused} were refused`);
  });
});

Deno.test("changed files of a whole model are refused by name or give the same model", async () => {
  await inFolder(async (folder) => {
    const path = `${folder}/model.safetensors`;
    const model = createModel({ ...CONFIG, encoderDepth: 3, decoderChannels: [8, 8, 8], seed: 3 });
    await saveWeights(model, path, {}, { half: true });
    const bytes = await Deno.readFile(path);
    const { model: first } = await loadModel(path);
    const want = await stateOf(first);
    first.dispose();
    const header = Number(new DataView(bytes.buffer).getBigUint64(0, true));
    const random = createRandom(17);
    let refused = 0;
    for (let i = 0; i < 40; i++) {
      // Every second change is in the header, which is a hundredth of the file.
      const start = i % 2 ? 0 : 8 + header;
      const end = i % 2 ? 8 + header : bytes.length;
      const part = mutated(bytes.subarray(start, end), random);
      await Deno.writeFile(path, join(join(bytes.subarray(0, start), part), bytes.subarray(end)));
      try {
        const { model: loaded } = await loadModel(path);
        assert.deepEqual(await stateOf(loaded), want, `change ${i}`);
        assert.deepEqual(loaded.config, model.config, `change ${i}`);
        loaded.dispose();
      } catch (error) {
        const { message } = error as Error;
        assert.ok(!(error instanceof assert.AssertionError), message);
        assert.ok(message.includes(path), message);
        assert.doesNotMatch(message.replaceAll(path, ""), INTERNAL);
        refused++;
      }
    }
    assert.ok(refused >= 30, `only ${refused} were refused`);
    model.dispose();
  });
});
