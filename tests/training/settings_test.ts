import assert from "node:assert/strict";
import type { Patch } from "../../lib/patching/patch_table.ts";
import { completeOptions } from "../../lib/training/complete_options.ts";
import type { TrainOptions } from "../../lib/training/options.ts";
import { differences, trainingSettings, unlikeSettings } from "../../lib/training/settings.ts";

const patch = (image: string, index: number): Patch => ({
  imagePath: `/patches/${image}${index}.tiff`,
  maskPath: `/masks/${image}${index}.tiff`,
  crypt: index % 2 === 0,
  image,
});
const train = [patch("a", 0), patch("a", 1), patch("b", 0)];
const validation = [patch("c", 0)];
const fold = { index: 0, train, validation, validationImages: ["c"] };
const contents = new Map(
  [...train, ...validation].flatMap((p) => [p.imagePath, p.maskPath]).map((p) => [p, `sha ${p}`]),
);
contents.set("/weights", "sha of weights");

function settings(options: Partial<TrainOptions> = {}, digests = contents, of = fold) {
  const complete = completeOptions({
    model: { architecture: "Unet", encoder: "resnet18" },
    modelName: "x",
    outDir: "/out",
    logDir: "/log",
    ...options,
  });
  return trainingSettings(complete, of, digests);
}

Deno.test("every option that decides the result is in the settings, even one nobody told them of", () => {
  const plain = settings();
  const deciding: Partial<TrainOptions>[] = [
    { model: { architecture: "Unet", encoder: "resnet34" } },
    { batchSize: 3 },
    { microBatchSize: 2 },
    { optimizer: "adam" },
    { learningRate: 0.5 },
    { weightDecay: 0.5 },
    { schedule: "cosine" },
    { clipNorm: 1 },
    { statisticsMomentum: 0.5 },
    { loss: "dice" },
    { classWeights: [1, 2] },
    { classBalance: true },
    { augmentation: "none" },
    { initialWeights: "/weights" },
    { seed: 5 },
    { scale: 0.5 },
    { ofTheFuture: "new" } as Partial<TrainOptions>,
  ];
  for (const options of deciding) {
    const [key] = Object.keys(options);
    const wanted = key === "schedule" ? ["epochs", "schedule"] : [key];
    assert.deepEqual(differences(plain, settings(options)).sort(), wanted);
  }
});

Deno.test("where files go, how long and how fast it runs is not in the settings", () => {
  const neutral: Partial<TrainOptions>[] = [
    { modelName: "y" },
    { outDir: "/o", logDir: "/l" },
    { folds: [1] },
    { patience: 1 },
    { resume: false, stopFile: "/STOP", signal: new AbortController().signal },
    { workers: 0, ahead: 1, cacheBytes: 1 },
    { epochs: 77 },
    { onEpoch: () => {}, groupOf: (image) => image },
  ];
  for (const options of neutral) assert.deepEqual(differences(settings(), settings(options)), []);
  const cosine = (epochs: number) => settings({ schedule: "cosine", epochs });
  assert.deepEqual(differences(cosine(3), cosine(4)), ["epochs"]);
});

Deno.test("an image's or a mask's content, its class and its order count, its path does not", () => {
  const changed = (path: string) => settings({}, new Map(contents).set(path, "other"));
  assert.deepEqual(differences(settings(), changed("/masks/a1.tiff")), ["patches"]);
  assert.deepEqual(differences(settings(), changed("/patches/c0.tiff")), ["patches"]);
  const swapped = { ...fold, train: [train[1], train[0], train[2]] };
  assert.deepEqual(differences(settings(), settings({}, contents, swapped)), ["trainPatches"]);
  const declassed = { ...fold, train: [{ ...train[0], crypt: false }, train[1], train[2]] };
  assert.deepEqual(differences(settings(), settings({}, contents, declassed)), ["patches"]);
  const moved = train.map((p) => ({
    ...p,
    imagePath: `/x${p.imagePath}`,
    maskPath: `/x${p.maskPath}`,
  }));
  const digests = new Map(
    [...contents].flatMap(([path, sha]) => [[path, sha], [`/x${path}`, sha]]),
  );
  assert.deepEqual(differences(settings(), settings({}, digests, { ...fold, train: moved })), []);
});

Deno.test("initial weights of the same file name and other content are others", () => {
  const options = { initialWeights: "/weights" };
  const other = settings(options, new Map(contents).set("/weights", "other"));
  assert.deepEqual(differences(settings(options), other), ["initialWeights"]);
});

Deno.test("folds of one training are alike, folds of another are not", () => {
  const second = {
    index: 1,
    train: [...validation, train[2]],
    validation: [train[0], train[1]],
    validationImages: ["a"],
  };
  assert.deepEqual(unlikeSettings(settings(), settings({}, contents, second)), []);
  assert.deepEqual(unlikeSettings(settings(), settings({ seed: 1 }, contents, second)), ["seed"]);
  const other = new Map(contents).set("/masks/b0.tiff", "other");
  assert.deepEqual(unlikeSettings(settings(), settings({}, other, second)), ["patches"]);
});
