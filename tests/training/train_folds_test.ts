import assert from "node:assert/strict";
import { exists } from "../../lib/base/files.ts";
import { lockFolder } from "../../lib/base/lock.ts";
import { selectBackend } from "../../lib/backend/select.ts";
import { readMask } from "../../lib/image/read.ts";
import { writeMask } from "../../lib/image/write.ts";
import { createModel } from "../../lib/model/segmentation_model.ts";
import { loadModel, saveWeights } from "../../lib/model/weights.ts";
import { readTrainingInfo } from "../../lib/training/checkpoint.ts";
import type { TrainOptions } from "../../lib/training/options.ts";
import { trainFolds } from "../../lib/training/train_folds.ts";
import { withFolder } from "../support/temporary.ts";
import { SMALL_MODEL, writePatches } from "../support/training_data.ts";

await selectBackend("wasm");

/** One epoch of one fold on a few patches; `run` gives results and messages. */
async function trained(test: (training: Training) => Promise<void>): Promise<void> {
  await withFolder(async (folder) => {
    const patches = await writePatches(folder, 3, 2);
    const best = `${folder}/models/small_fold0.safetensors`;
    const run = async (options: Partial<TrainOptions> = {}) => {
      const messages: string[] = [];
      let epochs = 0;
      const results = await trainFolds(patches, {
        model: SMALL_MODEL,
        modelName: "small",
        outDir: `${folder}/models`,
        logDir: `${folder}/logs`,
        foldCount: 3,
        folds: [0],
        batchSize: 4,
        epochs: 1,
        workers: 0,
        onEpoch: () => epochs++,
        onMessage: (text) => messages.push(text),
        ...options,
      });
      return { results, messages, epochs };
    };
    await test({ folder, patches, best, run });
  });
}

type Training = {
  folder: string;
  patches: Awaited<ReturnType<typeof writePatches>>;
  best: string;
  run(options?: Partial<TrainOptions>): Promise<{
    results: Awaited<ReturnType<typeof trainFolds>>;
    messages: string[];
    epochs: number;
  }>;
};

const report = async (folder: string) =>
  (await Deno.readTextFile(`${folder}/logs/small_report.csv`)).trim().split("\n").slice(1)
    .map((row) => row.split(",")[0]);

Deno.test("finished under A, stopped half-way under B: A is trained again and gives A's weights", () =>
  trained(async ({ folder, best, run }) => {
    const a = await run(), weights = await Deno.readFile(best);
    // B stops after its first epoch has replaced the best weights.
    const stop = new AbortController();
    const b = run({
      seed: 5,
      epochs: 3,
      signal: stop.signal,
      onEpoch: () => stop.abort(new Error("killed")),
    });
    await assert.rejects(b, /killed/);
    assert.deepEqual(await report(folder), [], "no row speaks for weights that are being replaced");
    const again = await run();
    assert.equal(again.messages[0], "small_fold0 starts anew: seed changed since the last run");
    assert.equal(again.epochs, 1);
    assert.deepEqual(again.results, a.results);
    assert.deepEqual(await Deno.readFile(best), weights);
  }));

Deno.test("trainings with other settings keep the weights of all before", () =>
  trained(async ({ folder, best, run }) => {
    const kept = new Map<string, Uint8Array>();
    for (const seed of [1, 5, 9]) {
      const weights = await exists(best) ? await Deno.readFile(best) : null;
      const { messages } = await run({ seed });
      if (weights === null) continue;
      const [, path] = /^the weights that were there are kept as (.+)$/.exec(messages[1])!;
      assert.match(path, /models\/previous\/small_fold0_[0-9a-f]{8}\.safetensors$/);
      assert.ok(path.startsWith(folder));
      kept.set(path, weights);
      assert.notDeepEqual(await Deno.readFile(best), weights);
    }
    assert.equal(kept.size, 2);
    for (const [path, weights] of kept) assert.deepEqual(await Deno.readFile(path), weights);
  }));

Deno.test("B stopped before its first epoch leaves nothing that passes for finished", () =>
  trained(async ({ folder, run }) => {
    await run();
    const stop = new AbortController();
    const b = run({ seed: 5, signal: stop.signal, onStep: () => stop.abort(new Error("killed")) });
    await assert.rejects(b, /killed/);
    assert.ok(!await exists(`${folder}/models/last/small_fold0.safetensors`));
    const again = await run();
    assert.equal(again.epochs, 1, "trained, not taken for done");
    assert.match(again.messages[0], /starts anew: .* has no checkpoint beside it/);
  }));

Deno.test("a patch's mask overwritten trains its folds anew and says why", () =>
  trained(async ({ patches, run }) => {
    await run();
    assert.equal((await run()).epochs, 0, "the same content is done");
    const { maskPath } = patches.at(-1)!;
    const mask = await readMask(maskPath);
    await writeMask(maskPath, { ...mask, data: new Uint8Array(mask.data.length).fill(1) });
    const again = await run();
    assert.equal(again.messages[0], "small_fold0 starts anew: patches changed since the last run");
    assert.equal(again.epochs, 1);
  }));

Deno.test("initial weights count by content, and weights from elsewhere are not gone on from", () =>
  trained(async ({ folder, best, run }) => {
    const initialWeights = `${folder}/start.safetensors`;
    const write = async (path: string, seed: number) => {
      const model = createModel({ ...SMALL_MODEL, seed });
      await saveWeights(model, path);
      model.dispose();
    };
    await write(initialWeights, 1);
    await run({ initialWeights });
    await write(initialWeights, 2);
    const other = await run({ initialWeights });
    assert.match(other.messages[0], /starts anew: initialWeights changed/);
    await write(best, 3);
    const replaced = await run({ initialWeights });
    assert.match(replaced.messages[0], /small_fold0\.safetensors is not what was trained/);
    assert.deepEqual(replaced.results, other.results);
  }));

Deno.test("another network under the same name is refused before anything is changed", () =>
  trained(async ({ folder, best, run }) => {
    await run();
    const before = await Deno.readFile(best);
    const model = { ...SMALL_MODEL, architecture: "Linknet" };
    await assert.rejects(
      run({ model }),
      /small_fold0\.safetensors holds a Unet with efficientnet-b0, this training is of a Linknet .* another modelName than "small"/,
    );
    await assert.rejects(run({ model, folds: [1] }), /holds a Unet/, "for another fold, too");
    await assert.rejects(
      run({ model: { ...SMALL_MODEL, decoderChannels: [8, 8, 8] } }),
      /holds another Unet with efficientnet-b0 \(its layers have other sizes\)/,
    );
    assert.deepEqual(await Deno.readFile(best), before);
    assert.equal((await run()).epochs, 0, "still done");
    await run({ model, modelName: "other" });
    assert.ok(await exists(`${folder}/models/other_fold0.safetensors`));
  }));

Deno.test("the report keeps the rows of folds trained before", () =>
  trained(async ({ folder, run }) => {
    for (const fold of [2, 0]) await run({ folds: [fold] });
    assert.deepEqual(await report(folder), ["small_fold0", "small_fold2"]);
    const { model, metadata } = await loadModel(`${folder}/models/small_fold2.safetensors`);
    model.dispose();
    assert.equal(readTrainingInfo(metadata)!.fold, 2);
    await run({ folds: [2], seed: 7 });
    assert.deepEqual(await report(folder), ["small_fold0", "small_fold2"]);
  }));

Deno.test("a second training into the folder is refused, and leftovers of a dead one are swept", () =>
  trained(async ({ folder, run }) => {
    await Deno.mkdir(`${folder}/models/last`, { recursive: true });
    await Deno.writeTextFile(`${folder}/models/last/.part-1-x.safetensors`, "half");
    {
      await using _lock = await lockFolder(`${folder}/models`, "training");
      await assert.rejects(run(), /models is in use by this process/);
    }
    await run();
    assert.ok(!await exists(`${folder}/models/last/.part-1-x.safetensors`));
    assert.ok(!await exists(`${folder}/models/.lock`));
  }));
