import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { diceScore } from "../../lib/annotation/metrics.ts";
import { BUNDLED_MODEL } from "../../lib/model/bundled.ts";
import { readGreyValues } from "../../lib/image/grey_values.ts";
import { withFolder } from "../support/temporary.ts";
import { TINY_SIZE, tinyMask, writeTinyDataset } from "../support/tiny_dataset.ts";

async function runScript(name: string, args: string[]) {
  const script = fileURLToPath(new URL(`../../scripts/${name}`, import.meta.url));
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", script, ...args],
  }).output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, out: text(stdout), err: text(stderr) };
}

Deno.test("out-of-fold maps: each training image once, by the fold that validated it, with the Dice of its own map", () =>
  withFolder(async (root) => {
    await writeTinyDataset(`${root}/data`);
    // The size of all training images is known, as a training at a pixel size needs it.
    const sizes = `${root}/data/colon-dataset_information.csv`;
    await Deno.writeTextFile(sizes, (await Deno.readTextFile(sizes)).replace("P2,\n", "P2,0.5\n"));
    const settings = {
      model: {
        ...{ architecture: "Unet", encoder: "efficientnet-b0", encoderDepth: 3 },
        decoderChannels: [8, 8, 8],
      },
      ...{ scale: 1, pixelSize: 0.5, patch: 32, cropFrom: 64, epochSteps: 2, epochs: 1 },
      ...{ foldCount: 2, folds: [0, 1], encoderWeights: null, vizTile: 32, batchSize: 2 },
      ...{ modelName: "tiny" },
    };
    const trained = await runScript("train.ts", [
      ...["--data", `${root}/data`, "--out", `${root}/out`, "--profile", "glas", "--no-test"],
      ...["--backend", "wasm", "--workers", "0"],
      ...Object.entries(settings).flatMap(([k, v]) => ["--set", `${k}=${JSON.stringify(v)}`]),
    ]);
    assert.equal(trained.code, 0, trained.err);
    assert.match(trained.out, /2 folds of 2 patients \(2 images\)/);
    const oof = await runScript("out_of_fold.ts", [
      ...["--data", `${root}/data`, "--models", `${root}/out/models/tiny_fold?.safetensors`],
      ...["--out", `${root}/oof`],
    ]);
    assert.equal(oof.code, 0, oof.err);
    const [head, ...rows] = (await Deno.readTextFile(`${root}/oof/dice.csv`)).trim().split("\n");
    assert.equal(head, "image,fold,dice");
    assert.deepEqual(rows.map((row) => row.split(",")[0]).sort(), ["a", "bb"]);
    const [height, width] = TINY_SIZE;
    for (const row of rows) {
      const [id, , dice] = row.split(",");
      const crypt = await readGreyValues(`${root}/oof/${id}_crypt.png`, { height, width });
      const boundary = await readGreyValues(`${root}/oof/${id}_boundary.png`, { height, width });
      boundary.data.forEach((p, i) => assert.ok(p <= crypt.data[i] + 1, "boundary is crypt"));
      const cut = crypt.data.map((p) => p > 127.5 ? 1 : 0);
      assert.ok(Math.abs(diceScore(cut, tinyMask(id).data) - Number(dice)) < 0.02);
    }
    const decided = await runScript("decide.ts", [
      ...["--data", `${root}/data`, "--maps", `${root}/oof`],
    ]);
    assert.equal(decided.code, 0, decided.err);
    assert.match(
      decided.out,
      /450 decisions on 2 images[^]*best: [^]*other folds: [^]*--threshold/,
    );
    const table = (await Deno.readTextFile(`${root}/oof/decisions.csv`)).trim().split("\n");
    assert.equal(table.length, 451);
    // The best printed is the best of the table.
    const worth = table.slice(1).map((row) => row.split(",")).map((c) =>
      Number(c[4]) + Number(c[5])
    );
    const [, f1, objectDice] = decided.out.match(
      /best: object F1 ([\d.]+) .*object Dice ([\d.]+)/,
    )!;
    assert.ok(Number(f1) + Number(objectDice) >= Math.max(...worth) - 0.002);
    // Where no pixel size is known, no area in µm² is claimed.
    for (const name of ["train", "train_mask"]) {
      await Deno.mkdir(`${root}/plain/${name}`, { recursive: true });
      for (const id of ["a", "bb"]) {
        const file = `${name}/${id}.tiff`;
        await Deno.copyFile(`${root}/data/${file}`, `${root}/plain/${file}`);
      }
    }
    const plain = await runScript("decide.ts", [
      ...["--data", `${root}/plain`, "--maps", `${root}/oof`],
    ]);
    assert.match(plain.out, /no pixel size is known: the least area is 500 pixels/);
    assert.match(plain.out, /150 decisions on 2 images[^]*--min-probability \S+\n/);
    assert.doesNotMatch(plain.out, /um2|minAreaUm2/);
    const none = await runScript("decide.ts", ["--data", `${root}/data`, "--maps", `${root}/data`]);
    assert.deepEqual([none.code, /no dice.csv: make it with/.test(none.err)], [2, true]);
    await refused(root);
  }));

/** Nothing is written where the maps would not mean what they say. */
async function refused(root: string): Promise<void> {
  const models = `${root}/out/models`;
  const oof = (pattern: string, out: string) =>
    runScript("out_of_fold.ts", ["--data", `${root}/data`, "--models", pattern, "--out", out]);
  const files = () => Array.from(Deno.readDirSync(`${root}/data/train`), ({ name }) => name).sort();
  const before = files();
  const within = await oof(`${models}/tiny_fold?.safetensors`, `${root}/data/train`);
  assert.deepEqual([within.code, files()], [2, before]);
  assert.match(within.err, /lies in the data set/);
  await Deno.copyFile(`${models}/tiny_fold0.safetensors`, `${models}/other_fold0.safetensors`);
  const twice = await oof(`${models}/*_fold?.safetensors`, `${root}/twice`);
  assert.equal(twice.code, 2);
  assert.match(twice.err, /other_fold0.* and .*tiny_fold0.* both have not seen/);
  const foreign = await oof(BUNDLED_MODEL, `${root}/foreign`);
  assert.equal(foreign.code, 2);
  assert.match(foreign.err, /validated on no training image/);
  for (const folder of ["twice", "foreign"]) {
    await assert.rejects(Deno.stat(`${root}/${folder}`), Deno.errors.NotFound);
  }
  await Deno.writeTextFile(`${root}/oof/dice.csv`, "image,fold,dice\na,0,1\na,1,1\n");
  const decided = await runScript("decide.ts", ["--data", `${root}/data`, "--maps", `${root}/oof`]);
  assert.equal(decided.code, 2);
  assert.match(decided.err, /each image must be there once with its fold, got "a" with "1"/);
}
