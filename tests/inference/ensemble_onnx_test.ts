/** Our own ONNX files, fed back: the notes of training that they carry, and the sides that they fix. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { exists } from "../../lib/base/files.ts";
import { createRandom } from "../../lib/base/random.ts";
import { writeRgb } from "../../lib/image/write.ts";
import { openEnsemble } from "../../lib/inference/ensemble.ts";
import { checkEnsemble } from "../../lib/inference/predictor.ts";
import { exportOnnx } from "../../lib/model/onnx/export.ts";
import { createModel } from "../../lib/model/segmentation_model.ts";
import { saveWeights } from "../../lib/model/weights.ts";
import { runExport } from "../../scripts/export.ts";
import { infer } from "../../scripts/infer.ts";
import { startBackend } from "../support/reference_models.ts";
import { withFolder } from "../support/temporary.ts";

const TRAINING = {
  ...{ scale: 0.5, patchSize: [64, 64], pixelSize: 1, target: "boundary", diceLimit: 0.7 },
  stain: { mean: [0.3, 0.4, 0.2], deviation: [0.1, 0.1, 0.1] },
  decision: { threshold: 0.4, interior: 0.1, minProbability: 0.3, minAreaUm2: 5 },
  about: "a model of the test",
};

/** A boundary model that has not learnt anything, in a weight file with notes. */
function smallModel() {
  return createModel({
    ...{ architecture: "Unet", encoder: "resnet18", classes: 3, seed: 3 },
    decoderChannels: [16, 8, 8, 8, 8],
  });
}

/** Runs a command; what it says comes back instead of being shown. */
async function quiet(work: () => Promise<number>): Promise<{ code: number; text: string }> {
  const { error, log, warn } = console, lines: string[] = [];
  console.error = console.log = console.warn = (line: string) => lines.push(line);
  try {
    return { code: await work(), text: lines.join("\n") };
  } finally {
    Object.assign(console, { error, log, warn });
  }
}

function noise(height: number, width: number) {
  const random = createRandom(5);
  return {
    ...{ data: Uint8Array.from({ length: 3 * height * width }, () => random.int(200)) },
    ...{ height, width },
  };
}

/** A folder with one image and the model as weights and, by the export command, as ONNX. */
async function withFiles(
  sides: string | null,
  work: (files: { images: string; weights: string; onnx: string; root: string }) => Promise<void>,
): Promise<void> {
  await startBackend();
  await withFolder(async (root) => {
    const images = join(root, "images"), weights = join(root, "m.safetensors");
    const onnx = join(root, "m.onnx"), model = smallModel();
    await writeRgb(join(images, "a.png"), noise(150, 170));
    await saveWeights(model, weights, { "crypts.training": JSON.stringify(TRAINING) });
    model.dispose();
    const given = ["--model", weights, "--out", onnx, ...(sides ? ["--sides", sides] : [])];
    const made = await quiet(() => runExport(given));
    assert.equal(made.code, 0, made.text);
    await startBackend();
    await work({ images, weights, onnx, root });
  });
}

Deno.test("an exported ONNX file has every note of its weight file, and the command segments alike with both", () =>
  withFiles(null, async ({ images, weights, onnx, root }) => {
    const [a, b] = [await openEnsemble([weights]), await openEnsemble([onnx])];
    const notes = ({ predictors: _p, dispose: _d, ...rest }: typeof a) => rest;
    assert.deepEqual(notes(b), notes(a));
    assert.deepEqual(b.decision, TRAINING.decision);
    assert.deepEqual([b.scale, b.pixelSize, b.tile], [0.5, 1, 64]);
    a.dispose();
    b.dispose();
    const masks: Uint8Array[] = [];
    for (const path of [weights, onnx]) {
      const out = join(root, `out_${masks.length}`);
      const { code, text } = await quiet(() =>
        infer(["--images", images, "--models", path, "--out", out, "--pixel-size", "0.5"])
      );
      assert.equal(code, 0, text);
      assert.match(text, /trained at 1 µm per pixel/);
      assert.match(text, /what it is: a model of the test/);
      assert.match(text, /a\.png: 0\.5 µm per pixel, trained at 1, resized by 0\.5/);
      assert.match(text, /tiles of 64 px .*crypt above 0\.4, mean at least 0\.3/);
      assert.doesNotMatch(text, /assumed/);
      masks.push(await Deno.readFile(join(out, "masks", "a.tiff")));
    }
    assert.deepEqual(masks[1], masks[0]);
    await assert.rejects(
      openEnsemble([onnx], { expect: { encoder: "resnet34" } }),
      /m\.onnx has encoder resnet18, expected resnet34/,
    );
  }));

Deno.test("a model without notes is told to be one, with what is assumed in their place", () =>
  withFiles(null, async ({ images, root }) => {
    const model = smallModel(), path = join(root, "plain.onnx");
    await exportOnnx(model, path);
    model.dispose();
    const run = (...more: string[]) =>
      quiet(() =>
        infer(["--images", images, "--models", path, "--out", join(root, "o"), "--force", ...more])
      );
    const plain = await run();
    assert.equal(plain.code, 0, plain.text);
    assert.match(
      plain.text,
      /the models do not say: scale, µm per pixel, tile, decision; assumed: images are not resized \(--scale\), tiles of 512 px \(--tile\), crypt above 0\.5 \(--threshold\)/,
    );
    assert.match(plain.text, /a\.png: not resized, as the models say no scale of their training/);
    assert.doesNotMatch(plain.text, /as in training/);
    const said = await run("--scale", "0.5", "--tile", "64", "--threshold", "0.4");
    assert.equal(said.code, 0, said.text);
    assert.doesNotMatch(said.text, /assumed/);
  }));

Deno.test("in an ensemble it is said which model is taken to be as another, and whose decision is taken", () =>
  withFiles(null, async ({ weights, onnx, root }) => {
    const model = smallModel(), plain = join(root, "plain.onnx");
    await exportOnnx(model, plain);
    const other = join(root, "other.safetensors");
    await saveWeights(model, other, {
      "crypts.training": JSON.stringify({ ...TRAINING, decision: { threshold: 0.5 } }),
    });
    model.dispose();
    const linesOf = async (...paths: string[]) => {
      const lines: string[] = [];
      const ensemble = await openEnsemble(paths, { onMessage: (line) => lines.push(line) });
      assert.deepEqual([ensemble.scale, ensemble.decision.threshold], [0.5, 0.4]);
      ensemble.dispose();
      return lines;
    };
    assert.deepEqual(await linesOf(weights, onnx), []);
    assert.deepEqual(await linesOf(plain, onnx), [
      "plain.onnx does not say its scale or µm per pixel: taken to be those of m.onnx",
      "plain.onnx has another decision than m.onnx, whose is taken",
    ]);
    assert.deepEqual(await linesOf(onnx, other), [
      "other.safetensors has another decision than m.onnx, whose is taken",
    ]);
  }));

Deno.test("notes that are no JSON are refused, naming the file", () =>
  withFiles(null, async ({ root }) => {
    const model = smallModel(), path = join(root, "odd.onnx");
    await exportOnnx(model, path, { metadata: { "crypts.training": "{scale: 1" } });
    model.dispose();
    await assert.rejects(openEnsemble([path]), /odd\.onnx: its metadata "crypts\.training" are no/);
  }));

Deno.test("what an ONNX file says of itself is not replaced by the metadata of its weights", async () => {
  await startBackend();
  await withFolder(async (root) => {
    const model = smallModel(), path = join(root, "m.onnx");
    await exportOnnx(model, path, { metadata: { sideMultiple: "1", mean: "9 9 9", config: "{}" } });
    model.dispose();
    const { predictors: [predictor], dispose } = await openEnsemble([path]);
    assert.equal(predictor.sideMultiple, 32);
    dispose();
  });
});

Deno.test("an ONNX file of fixed sides gives its own tile, whatever the batch, and refuses another by name", () =>
  withFiles("96,96", async ({ images, weights, onnx, root }) => {
    const ensemble = await openEnsemble([onnx]);
    assert.equal(ensemble.tile, 96, "the patches of training were 64");
    assert.throws(
      () => checkEnsemble(ensemble.predictors, 64),
      /"m\.onnx" takes tiles of 96 x 96 px alone, got tile 64/,
    );
    const tiles = [1, 2, 3].map((k) => noise(96, 96).data.map((v) => v / k));
    const free = await openEnsemble([weights]);
    const [got, want] = await Promise.all(
      [ensemble, free].map(({ predictors: [p] }) => p.predict(tiles, 96, 96)),
    );
    assert.equal(got.length, 3);
    got.forEach((values, t) =>
      values.forEach((p, i) => assert.ok(Math.abs(p - want[t][i]) < 1e-5, `tile ${t}`))
    );
    ensemble.dispose();
    free.dispose();
    const out = join(root, "out"), base = ["--images", images, "--models", onnx, "--out", out];
    const other = await quiet(() => infer([...base, "--tile", "64"]));
    assert.equal(other.code, 2, other.text);
    assert.match(other.text, /"m\.onnx" takes tiles of 96 x 96 px alone, got tile 64/);
    assert.equal(await exists(out), false);
    const own = await quiet(() => infer(base));
    assert.equal(own.code, 0, own.text);
    assert.match(own.text, /tiles of 96 px/);
  }));

Deno.test("an ONNX file of two sides is refused, as tiles are squares", () =>
  withFiles("96,64", async ({ onnx }) => {
    await assert.rejects(openEnsemble([onnx]), /m\.onnx takes images of 96 x 64 px alone/);
  }));
