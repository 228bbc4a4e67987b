/** Names in files: wrappers' prefixes, what is not the model's, architectures (names from smp 0.5). */
import assert from "node:assert/strict";
import { architectureOf } from "../../lib/model/checkpoint/architectures.ts";
import type { WeightFile } from "../../lib/model/checkpoint/file_tensor.ts";
import { locate } from "../../lib/model/checkpoint/names.ts";
import reference from "../reference/smp_models.json" with { type: "json" };

/** A file of empty tensors; `places` says which names are one tensor. */
function fileOf(names: readonly string[], places: Record<string, string> = {}): WeightFile {
  const tensors = names.map((name) => {
    const place = places[name] ?? name;
    return [name, { shape: [1], bytes: 4, place, read: () => new Float32Array(1) }] as const;
  });
  return { path: "a.ckpt", tensors: new Map(tensors), metadata: {}, capacity: 99, notices: [] };
}

const MODEL = [
  "encoder.conv1.weight",
  "encoder.bn1.weight",
  "decoder.blocks.0.conv1.0.weight",
  "segmentation_head.0.weight",
];
const under = (prefix: string, names = MODEL) => names.map((name) => prefix + name);

/** What stands in the file, and what of it is ignored. */
const WRAPPED: [what: string, names: string[], prefix: string, ignored: string[]][] = [
  ["a plain state_dict", MODEL, "", []],
  ["DataParallel", under("module."), "module.", []],
  ["torch.compile", under("_orig_mod."), "_orig_mod.", []],
  ["torch.compile of DataParallel", under("_orig_mod.module."), "_orig_mod.module.", []],
  ["Lightning", under("model."), "model.", []],
  ["Lightning with torch.compile", under("model._orig_mod."), "model._orig_mod.", []],
  ["a net of a project", under("net."), "net.", []],
  ["three wrappers", under("network.segmentation.model."), "network.segmentation.model.", []],
  ["a name with digits and dashes", under("m-1.0."), "m-1.0.", []],
  [
    "Lightning's loss weights and metrics",
    [...under("model."), "criterion.weight", "train_iou.confmat", "valid_iou.confmat"],
    "model.",
    ["criterion.weight", "train_iou.confmat", "valid_iou.confmat"],
  ],
  ["an averaged model", ["n_averaged", ...under("module.")], "module.", ["n_averaged"]],
  [
    "buffers beside a plain state_dict",
    ["mean", "std", ...MODEL, "loss.pos_weight"],
    "",
    ["mean", "std", "loss.pos_weight"],
  ],
  [
    "an encoder that is compiled alone",
    [
      "encoder._orig_mod.conv1.weight",
      "encoder._orig_mod.bn1.weight",
      ...MODEL.slice(2),
    ],
    "",
    [],
  ],
  [
    "parts that are wrapped by FSDP",
    under("_fsdp_wrapped_module.", [
      "encoder._fsdp_wrapped_module._checkpoint_wrapped_module.conv1.weight",
      "encoder._fsdp_wrapped_module.bn1.weight",
      ...MODEL.slice(2),
    ]),
    "_fsdp_wrapped_module.",
    [],
  ],
  [
    "another network's encoder beside it",
    [...under("model."), "teacher.encoder.conv1.weight"],
    "model.",
    ["teacher.encoder.conv1.weight"],
  ],
];

Deno.test("the model is found behind any prefix, and what is not its own is named", () => {
  for (const [what, names, prefix, ignored] of WRAPPED) {
    const located = locate(fileOf(names));
    assert.equal(located.prefix, prefix, what);
    assert.deepEqual([...located.entries.keys()], MODEL, what);
    assert.deepEqual(located.ignored, ignored, what);
    // The names in the file are kept for errors.
    const inFile = [...located.entries.values()].map((entry) => entry.inFile);
    assert.deepEqual(inFile, names.filter((name) => !ignored.includes(name)), what);
  }
});

Deno.test("a classification head is left out by name", () => {
  const head = ["classification_head.3.weight", "classification_head.3.bias"];
  const located = locate(fileOf(under("net.", [...MODEL, ...head])));
  assert.deepEqual([...located.entries.keys()], MODEL);
  assert.deepEqual(located.auxiliary, under("net.", head));
  assert.deepEqual(located.ignored, []);
});

Deno.test("of several models the one that is named is taken, none by chance; an alias is no other", () => {
  const two = fileOf([...under("model."), ...under("ema.module.")]);
  assert.throws(() => locate(two), /several models, under the prefixes "model\.", "ema\.module\."/);
  const chosen = locate(two, "ema.module.");
  assert.deepEqual([...chosen.entries.keys()], MODEL);
  assert.deepEqual(chosen.ignored, under("model."));
  assert.throws(() => locate(two, "student."), /no entries under the prefix "student\."/);

  const names = [...under("model."), ...under("criterion.model.")];
  const places = Object.fromEntries(names.map((n) => [n, n.replace("criterion.", "")]));
  const alias = locate(fileOf(names, places));
  assert.equal(alias.prefix, "model.");
  assert.deepEqual(alias.ignored, under("criterion.model."));

  const twice = fileOf([...MODEL, "encoder.module.conv1.weight"]);
  assert.throws(
    () => locate(twice),
    /two entries for encoder\.conv1\.weight: .* and "encoder\.mod/,
  );
});

Deno.test("an encoder alone is found behind its wrappers too", () => {
  const encoder = ["conv1.weight", "bn1.weight", "layer1.0.conv1.weight"];
  for (const prefix of ["", "module.", "model.backbone.", "net._orig_mod."]) {
    const located = locate(fileOf([...under(prefix, encoder), "head.weight"]));
    assert.deepEqual([...located.entries.keys()].slice(0, 3), encoder, prefix);
    assert.deepEqual(located.ignored, prefix ? ["head.weight"] : []);
  }
  const smp = locate(fileOf(under("model.", MODEL.slice(0, 2))));
  assert.deepEqual([smp.prefix, [...smp.entries.keys()]], ["model.", MODEL.slice(0, 2)]);
});

Deno.test("architectures of smp are recognized by their names; those not built are named", () => {
  const built = ["Unet", "UnetPlusPlus", "Linknet", "MAnet"];
  const spelled: Record<string, string> = { DeepLabV3Plus: "DeepLabV3+" };
  for (const [architecture, names] of Object.entries(reference.names)) {
    if (built.includes(architecture)) {
      assert.equal(architectureOf(names), architecture);
      continue;
    }
    const said = (spelled[architecture] ?? architecture).replace("+", "\\+");
    assert.throws(
      () => architectureOf(names),
      new RegExp(
        `its architecture is ${said}, which is not built here; built are Linknet, MAnet, Unet, Unet`,
      ),
    );
    // As smp 0.2 to 0.4 named DeepLabV3: a Sequential.
    const older = names.map((name) => name.replace("decoder.aspp.convs", "decoder.0.convs"));
    assert.throws(() => architectureOf(older), new RegExp(`its architecture is ${said},`));
  }
  assert.equal(architectureOf(["encoder.conv1.weight", "segmentation_head.0.weight"]), null);
});
