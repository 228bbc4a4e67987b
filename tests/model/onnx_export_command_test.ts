/** The command that writes ONNX and safetensors files. */
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { onnxMetadata } from "../../lib/model/onnx/metadata.ts";
import { createModel } from "../../lib/model/segmentation_model.ts";
import { loadModel } from "../../lib/model/weights.ts";
import { parseCommand } from "../../scripts/export.ts";
import { readOnnx } from "../support/onnx_reader.ts";
import { CONFIG, inFolder, stateOf, writeTorch } from "../support/weight_files.ts";

Deno.test("the export command understands its options and names those it cannot use", () => {
  const given = ["--model", "a.pth", "--out", "b.onnx"];
  assert.deepEqual(parseCommand([...given, "--sides", "512,256", "--output", "probabilities"]), {
    ...{ model: "a.pth", out: "b.onnx", prefix: undefined, padding: undefined, sides: [512, 256] },
    ...{ output: "probabilities", force: false },
  });
  assert.equal(parseCommand([...given])!.sides, undefined);
  assert.equal(parseCommand(["--help"]), null);
  for (
    const [args, reason] of [
      [["--out", "b.onnx"], /--model needs a weight file/],
      [["--model", "a.pth"], /--out must be an \.onnx or \.safetensors file, got nothing/],
      [["--model", "a.pth", "--out", "b.pth"], /--out must be .* got b\.pth/],
      [[...given, "--sides", "512"], /--sides must be a height and a width .* got "512"/],
      [[...given, "--sides", "0,512"], /got "0,512"/],
      [[...given, "--sides", "512,5e2"], /got "512,5e2"/],
      [[...given, "--sides", "-1,0"], /--sides must be a height and a width .* got "-1,0"/],
      [[...given, "--output", "mask"], /--output must be one of logits, .* got "mask"/],
      [["--model", "a.pth", "--out", "b.safetensors", "--sides", "64,64"], /for \.onnx files/],
      [[...given, "--padding", "smp"], /--padding must be one of smp-0\.2, .* got "smp"/],
      [[...given, "--side", "512,512"], /--side/],
    ] as [string[], RegExp][]
  ) {
    assert.throws(() => parseCommand(args), reason);
  }
});

Deno.test("the export command writes both kinds of file, and says in one sentence what it cannot do", async () => {
  await inFolder(async (folder) => {
    const script = fileURLToPath(new URL("../../scripts/export.ts", import.meta.url));
    const run = async (...args: string[]) => {
      const command = ["run", "-A", "--no-check", script, ...args];
      const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), { args: command })
        .output();
      const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
      return { code, out: text(stdout), err: text(stderr) };
    };
    const model = createModel({ ...CONFIG, seed: 8 });
    const state = await stateOf(model);
    const two = new Map([
      ...[...state].map(([name, t]) => [`model.${name}`, t] as const),
      ...[...state].map(([name, t]) => [`ema.${name}`, t] as const),
    ]);
    await writeTorch(`${folder}/a.ckpt`, two);
    const given = ["--model", `${folder}/a.ckpt`];

    const onnx = `${folder}/a.onnx`;
    const several = await run(...given, "--out", onnx);
    assert.equal(several.code, 1);
    assert.match(several.err, /a\.ckpt: it holds several models, .* --prefix/);

    const written = await run(...given, "--out", onnx, "--prefix", "ema.", "--sides", "32,64");
    assert.equal(written.code, 0, written.err);
    assert.match(
      written.out,
      /Unet with efficientnet-b0, 2 classes → .*a\.onnx: input \[1, 3, 32, 64\]/,
    );
    assert.match(written.err, /a\.ckpt: \d+ entries .* ignored: model\./);
    const bytes = await Deno.readFile(onnx);
    assert.deepEqual(readOnnx(bytes).outputs, { logits: [1, 2, 32, 64] });
    assert.deepEqual(JSON.parse(onnxMetadata(bytes).config), model.config);

    const odd = await run(
      ...given,
      "--out",
      `${folder}/b.onnx`,
      "--prefix",
      "ema.",
      "--sides",
      "100,96",
    );
    assert.equal(odd.code, 2, odd.err);
    assert.match(odd.err, /--sides must be multiples of \d+ for this model, got 100,96\n$/);

    const again = await run(...given, "--out", onnx, "--prefix", "ema.");
    assert.equal(again.code, 1);
    assert.match(again.err, /a\.onnx is there already: give --force/);

    const alone = await run(...given, "--out", `${folder}/a.safetensors`, "--prefix", "ema.");
    assert.equal(alone.code, 0, alone.err);
    const { model: loaded } = await loadModel(`${folder}/a.safetensors`);
    assert.deepEqual(await stateOf(loaded), state);

    const before = await Deno.readFile(`${folder}/a.safetensors`);
    await Deno.link(`${folder}/a.safetensors`, `${folder}/link.safetensors`);
    for (const out of [`${folder}/a.safetensors`, `${folder}/./link.safetensors`]) {
      const itself = await run("--model", `${folder}/a.safetensors`, "--out", out, "--force");
      assert.equal(itself.code, 2);
      assert.match(itself.err, /^--out .* is the file of --model: give another name\n$/);
    }
    assert.deepEqual(await Deno.readFile(`${folder}/a.safetensors`), before);

    const absent = await run("--model", `${folder}/none.pth`, "--out", `${folder}/b.onnx`);
    assert.equal(absent.code, 1);
    assert.match(absent.err, /^cannot read the weights .*none\.pth: .*\n$/);
    const lacking = await run("--model", "a");
    assert.equal(lacking.code, 2);
    assert.match(
      lacking.err,
      /^--out must be .*\n\(deno task export --help lists the options\)\n$/,
    );
    model.dispose();
    loaded.dispose();
  });
});
