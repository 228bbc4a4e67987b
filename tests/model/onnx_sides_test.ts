/** ONNX files with fixed sides: their structure, ONNX Runtime, and OpenCV 4.11's reader. */
import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs-core";
import { encodeOnnx, exportOnnx, type OnnxOptions } from "../../lib/model/onnx/export.ts";
import { OnnxRunner } from "../../lib/model/onnx/runner.ts";
import { createModel } from "../../lib/model/segmentation_model.ts";
import type { ModelConfig } from "../../lib/model/types.ts";
import { readOnnx } from "../support/onnx_reader.ts";
import { opencvTest, runInOpencv } from "../support/opencv.ts";
import {
  closedFormImage,
  fillClosedForm,
  startBackend,
  toNchw,
} from "../support/reference_models.ts";
import { withFolder } from "../support/temporary.ts";

const decoderChannels = [32, 16, 16, 16, 16];
const CONFIGS: ModelConfig[] = [
  { architecture: "Unet", encoder: "efficientnet-b0", decoderChannels },
  { architecture: "UnetPlusPlus", encoder: "resnet18", decoderChannels },
  { architecture: "Linknet", encoder: "efficientnet-b0", classes: 1 },
  { architecture: "MAnet", encoder: "resnet18", decoderChannels, classes: 3 },
  { architecture: "Unet", encoder: "resnet18", decoderChannels, decoderAttention: "scse" },
  { architecture: "Unet", encoder: "timm-tf_efficientnet_lite0", decoderChannels },
];
const SIDES = [64, 96] as const;

/** Runs `use` with the model of every configuration, closed-form weights, an input and its logits. */
async function everyModel(
  use: (
    model: ReturnType<typeof createModel>,
    input: Float32Array,
    logits: Float32Array,
  ) => Promise<void>,
): Promise<void> {
  await startBackend();
  for (const config of CONFIGS) {
    const model = createModel(config);
    fillClosedForm(model);
    const x = closedFormImage("sides", 1, ...SIDES);
    const y = model.forward(x);
    await use(model, await toNchw(x), await toNchw(y));
    tf.dispose([x, y]);
    model.dispose();
  }
}

/** Largest error by the deviation of the wanted values. */
function error(got: Float32Array, want: Float32Array): number {
  assert.equal(got.length, want.length);
  const mean = want.reduce((a, b) => a + b, 0) / want.length;
  const deviation = Math.sqrt(want.reduce((a, b) => a + (b - mean) ** 2, 0) / want.length);
  return want.reduce((most, w, i) => Math.max(most, Math.abs(got[i] - w)), 0) / deviation;
}

Deno.test("fixed sides stand in the file, no shape is computed in it, and the logits are the same", async () => {
  await everyModel(async (model, input, logits) => {
    const { architecture, classes } = model.config;
    const fixed = await encodeOnnx(model, { sides: SIDES });
    const { operators, inputs, outputs } = readOnnx(fixed);
    assert.deepEqual(inputs, { input: [1, 3, ...SIDES] }, architecture);
    assert.deepEqual(outputs, { logits: [1, classes, ...SIDES] }, architecture);
    assert.ok(!operators.includes("Shape"), architecture);
    const free = readOnnx(await encodeOnnx(model));
    assert.deepEqual(free.inputs, { input: ["batch", 3, "height", "width"] });
    assert.deepEqual(free.outputs, { logits: ["batch", classes, "height", "width"] });
    assert.equal(free.operators.includes("Shape"), architecture === "MAnet");

    const runner = await OnnxRunner.open(fixed);
    const { values } = await runner.run(input, [1, 3, ...SIDES]);
    assert.ok(error(values, logits) < 1e-4, `${architecture}: off by ${error(values, logits)}`);
    await runner.release();

    const features = readOnnx(await encodeOnnx(model, { sides: SIDES, output: "features" }));
    const channels = model.stageChannels.at(-1);
    assert.deepEqual(features.outputs, { features: [1, channels, 2, 3] });
  });
});

opencvTest(
  "OpenCV 4.11 reads files with fixed sides and gives the TensorFlow.js model's values",
  async () => {
    await withFolder(async (folder) => {
      const runs: { what: string; model: string; input: Float32Array; want: Float32Array }[] = [];
      await everyModel(async (model, input, logits) => {
        const { architecture, encoder, classes } = model.config;
        const pixels = SIDES[0] * SIDES[1];
        const wants: [OnnxOptions["output"], Float32Array][] = [
          ["logits", logits],
          ["probabilities", probabilities(logits, classes, pixels)],
        ];
        for (const [output, want] of wants) {
          const path = `${folder}/${runs.length}.onnx`;
          await exportOnnx(model, path, { sides: SIDES, output });
          runs.push({ what: `${architecture} ${encoder} ${output}`, model: path, input, want });
        }
      });
      const got = await runInOpencv(
        folder,
        runs.map((run) => ({ ...run, shape: [1, 3, ...SIDES] })),
      );
      for (const [i, { what, want }] of runs.entries()) {
        assert.ok(error(got[i], want) < 1e-3, `${what}: off by ${error(got[i], want)}`);
      }
    });
  },
);

opencvTest(
  "OpenCV 4.11 does not read a Unet with free sides: the docs say so, this says when it ends",
  async () => {
    await withFolder(async (folder) => {
      await startBackend();
      const model = createModel(CONFIGS[0]);
      await exportOnnx(model, `${folder}/free.onnx`);
      const run = { model: `${folder}/free.onnx`, input: new Float32Array(3 * 64 * 64) };
      await assert.rejects(
        () => runInOpencv(folder, [{ ...run, shape: [1, 3, 64, 64] }]),
        /onnx_importer/,
      );
      model.dispose();
    });
  },
);

/** Softmax over the classes, or the sigmoid of the only one, in NCHW order. */
function probabilities(logits: Float32Array, classes: number, pixels: number): Float32Array {
  if (classes === 1) return logits.map((v) => 1 / (1 + Math.exp(-v)));
  return logits.map((v, i) => {
    let sum = 0;
    for (let c = 0; c < classes; c++) sum += Math.exp(logits[c * pixels + i % pixels] - v);
    return 1 / sum;
  });
}

Deno.test("sides that the model does not take are refused", async () => {
  await startBackend();
  const model = createModel(CONFIGS[0]);
  for (const sides of [[60, 64], [64, 0], [64, 64.5], [-32, 32]] as [number, number][]) {
    await assert.rejects(
      () => encodeOnnx(model, { sides }),
      new RegExp(`multiples of 32, got ${sides.join(" x ")}`),
    );
  }
  model.dispose();
});
