/** Encoders alone, under other libraries' names. */
import assert from "node:assert/strict";
import {
  adaptFirstConv,
  keyStyle,
  toEncoderNames,
} from "../../lib/model/checkpoint/encoder_keys.ts";
import { createModel } from "../../lib/model/segmentation_model.ts";
import { loadWeights } from "../../lib/model/weights.ts";
import { CONFIG, inFolder, stateOf, writeTorch } from "../support/weight_files.ts";

/** timm's and torchvision's names for a few tensors of efficientnet-b0, as their sources have them. */
const ELSEWHERE: [smp: string, timm: string, torchvision: string][] = [
  ["_conv_stem.weight", "conv_stem.weight", "features.0.0.weight"],
  ["_bn0.running_var", "bn1.running_var", "features.0.1.running_var"],
  [
    "_blocks.0._depthwise_conv.weight",
    "blocks.0.0.conv_dw.weight",
    "features.1.0.block.0.0.weight",
  ],
  ["_blocks.0._bn1.bias", "blocks.0.0.bn1.bias", "features.1.0.block.0.1.bias"],
  ["_blocks.0._se_reduce.bias", "blocks.0.0.se.conv_reduce.bias", "features.1.0.block.1.fc1.bias"],
  ["_blocks.0._project_conv.weight", "blocks.0.0.conv_pw.weight", "features.1.0.block.2.0.weight"],
  ["_blocks.0._bn2.weight", "blocks.0.0.bn2.weight", "features.1.0.block.2.1.weight"],
  ["_blocks.1._expand_conv.weight", "blocks.1.0.conv_pw.weight", "features.2.0.block.0.0.weight"],
  ["_blocks.1._bn0.weight", "blocks.1.0.bn1.weight", "features.2.0.block.0.1.weight"],
  [
    "_blocks.2._depthwise_conv.weight",
    "blocks.1.1.conv_dw.weight",
    "features.2.1.block.1.0.weight",
  ],
  ["_blocks.2._bn1.weight", "blocks.1.1.bn2.weight", "features.2.1.block.1.1.weight"],
  [
    "_blocks.15._se_expand.weight",
    "blocks.6.0.se.conv_expand.weight",
    "features.7.0.block.2.fc2.weight",
  ],
  [
    "_blocks.15._project_conv.weight",
    "blocks.6.0.conv_pwl.weight",
    "features.7.0.block.3.0.weight",
  ],
  ["_blocks.15._bn2.bias", "blocks.6.0.bn3.bias", "features.7.0.block.3.1.bias"],
  ["_conv_head.weight", "conv_head.weight", "features.8.0.weight"],
  ["_bn1.bias", "bn2.bias", "features.8.1.bias"],
];

/** Blocks by stage of efficientnet-b0. */
const STAGES = [1, 2, 2, 3, 3, 4, 1];

Deno.test("encoder names of timm and torchvision become the reference's", () => {
  const some = { shape: [1], values: new Float32Array(1) };
  for (const style of ["timm", "torchvision"] as const) {
    const column = style === "timm" ? 1 : 2;
    const tensors = new Map(ELSEWHERE.map((row) => [row[column], some]));
    // All blocks, so that their numbers can be counted.
    STAGES.forEach((count, s) => {
      for (let i = 0; i < count; i++) {
        const name = style === "timm"
          ? `blocks.${s}.${i}.conv_dw.weight`
          : `features.${s + 1}.${i}.block.${s === 0 ? 0 : 1}.0.weight`;
        tensors.set(name, some);
      }
    });
    tensors.set("classifier.weight", some);
    assert.equal(keyStyle(tensors), style);
    const names = [...toEncoderNames(tensors, style).keys()];
    assert.deepEqual(names.slice(0, ELSEWHERE.length), ELSEWHERE.map((row) => `encoder.${row[0]}`));
    assert.equal(new Set(names).size, names.length);
    assert.ok(!names.some((name) => name.includes("classifier")));
  }
});

Deno.test("an encoder alone is loaded, its classifier and the decoder left alone", async () => {
  await inFolder(async (folder) => {
    const source = createModel({ ...CONFIG, seed: 4 });
    const encoder = new Map(
      [...await stateOf(source)].filter(([name]) => name.startsWith("encoder."))
        .map(([name, tensor]) => [name.slice("encoder.".length), tensor]),
    );
    encoder.set("_fc.weight", { shape: [1], values: new Float32Array(1) });
    await writeTorch(`${folder}/efficientnet-b0.pth`, encoder);
    const model = createModel({ ...CONFIG, seed: 9 });
    const before = await stateOf(model);
    const { scope, style } = await loadWeights(model, `${folder}/efficientnet-b0.pth`);
    assert.deepEqual([scope, style], ["encoder", "bare"]);
    const wanted = await stateOf(source);
    for (const [name, tensor] of await stateOf(model)) {
      const from = name.startsWith("encoder.") ? wanted : before;
      assert.deepEqual(tensor, from.get(name), name);
    }
    encoder.delete("_bn0.weight");
    await writeTorch(`${folder}/efficientnet-b0.pth`, encoder);
    await assert.rejects(
      () => loadWeights(model, `${folder}/efficientnet-b0.pth`),
      /does not fit the encoder efficientnet-b0:\n1 missing: _bn0\.weight/,
    );
    source.dispose();
    model.dispose();
  });
});

Deno.test("a first convolution is adapted to other input channels as in smp", () => {
  const rgb = { shape: [1, 3, 1, 2], values: Float32Array.of(1, 2, 3, 4, 5, 6) };
  assert.deepEqual([...adaptFirstConv(rgb, 1).values], [9, 12]);
  assert.deepEqual([...adaptFirstConv(rgb, 2).values], [1.5, 3, 4.5, 6]);
  assert.deepEqual(adaptFirstConv(rgb, 6).shape, [1, 6, 1, 2]);
  assert.deepEqual([...adaptFirstConv(rgb, 6).values], [
    0.5,
    1,
    1.5,
    2,
    2.5,
    3,
    0.5,
    1,
    1.5,
    2,
    2.5,
    3,
  ]);
});
