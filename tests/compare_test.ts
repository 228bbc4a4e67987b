import assert from "node:assert/strict";
import { join } from "node:path";
import { writeGreyValues, writeMask, writeRgb } from "../lib/image/mod.ts";
import { readTextRows } from "../lib/tables/mod.ts";
import { compareConfigurations } from "../scripts/compare.ts";

const SIDE = 96, IDS = ["one", "two", "three", "four"];

/** Two discs per image; `grow` is added to their radii. */
function discs(image: number, grow = 0): Uint8Array {
  const data = new Uint8Array(SIDE * SIDE);
  for (const [x, y, radius] of [[28, 30, 16 + image], [68, 62, 18]]) {
    for (let i = 0; i < data.length; i++) {
      if (Math.hypot(i % SIDE - x, Math.floor(i / SIDE) - y) <= radius + grow) data[i] = 1;
    }
  }
  return data;
}

const size = { height: SIDE, width: SIDE };

/** A data set and, per configuration, maps that show the discs grown by so many pixels. */
async function withMaps(
  configurations: Record<string, { grow: number; folds?: number[] }>,
  use: (folder: string) => Promise<void>,
): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    for (const name of ["train", "train_mask"]) {
      await Deno.mkdir(join(folder, "data", name), { recursive: true });
    }
    const header = "image_file,width_pixels,height_pixels,patient_number\n";
    await Deno.writeTextFile(
      join(folder, "data/colon-dataset_information.csv"),
      header + IDS.map((id, i) => `${id},${SIDE},${SIDE},${i % 3}\n`).join(""),
    );
    for (const [i, id] of IDS.entries()) {
      const truth = { data: discs(i), ...size };
      const colours = Uint8Array.from({ length: 3 * SIDE * SIDE }, (_, k) => (k * 7) % 251);
      await writeRgb(join(folder, `data/train/${id}.tiff`), { data: colours, ...size });
      await writeMask(join(folder, `data/train_mask/${id}.tiff`), truth);
    }
    for (const [name, { grow, folds = [0, 0, 1, 1] }] of Object.entries(configurations)) {
      const maps = join(folder, "out/out_of_fold", name);
      await Deno.mkdir(maps, { recursive: true });
      for (const [i, id] of IDS.entries()) {
        const data = discs(i, grow).map((inside) => inside ? 230 : 20);
        await writeGreyValues(join(maps, `${id}_crypt.png`), { data, ...size });
      }
      const lines = IDS.map((id, i) => `${id},${folds[i]},0\n`).join("");
      await Deno.writeTextFile(join(maps, "dice.csv"), `image,fold,dice\n${lines}`);
    }
    await use(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

const optionsOf = (folder: string, ...names: string[]) => [
  ...["--data", join(folder, "data"), "--out", join(folder, "out"), ...names],
];

Deno.test("perfect maps score 1, are chosen, and are ahead of others in every pair", async () => {
  await withMaps(
    { wide: { grow: 5 }, exact: { grow: 0 }, narrow: { grow: -5 } },
    async (folder) => {
      await compareConfigurations(optionsOf(folder, "wide", "exact", "narrow"));
      const out = join(folder, "out");
      const table = readTextRows(join(out, "table.csv"), ["configuration", "dice", "f1"]);
      assert.deepEqual(
        table.map(({ configuration }) => configuration),
        ["wide", "exact", "narrow", "chosen ensemble", "ensemble, chosen on other folds"],
      );
      assert.equal(table[1].dice, "1.000 (1.000 to 1.000)");
      assert.equal(table[3].dice, table[1].dice, "the ensemble is the exact one alone");
      assert.equal(table[4].dice, table[1].dice, "chosen without the fold, too");
      assert.equal(
        await Deno.readTextFile(join(out, "ensemble.txt")),
        "models/exact_fold?.safetensors\n",
      );
      const pairs = readTextRows(join(out, "differences.csv"), ["first", "second", "dice"]);
      assert.equal(pairs.length, 10);
      const pair = pairs.find(({ first, second }) => first === "wide" && second === "exact")!;
      const [value, low, high] = pair.dice!.match(/-?\d\.\d+/g)!.map(Number);
      const wide = Number(table[0].dice!.split(" ")[0]);
      assert.ok(Math.abs(value - (wide - 1)) < 1e-9, `${value} against ${wide} - 1`);
      assert.ok(low <= value && value <= high && high < 0, `${pair.dice}`);
      assert.match(await Deno.readTextFile(join(out, "figure.svg")), /bootstrap over 3 patients/);
    },
  );
});

Deno.test("the decision of the options decides: what is fainter is no crypt", async () => {
  await withMaps({ exact: { grow: 0 } }, async (folder) => {
    const scores = async (...decision: string[]) => {
      await compareConfigurations([...optionsOf(folder, "exact"), ...decision]);
      const [row] = readTextRows(join(folder, "out/table.csv"), ["dice", "f1"]);
      return [row.dice, row.f1].map((cell) => Number(cell!.split(" ")[0]));
    };
    // Crypts have 230 / 255 = 0.90 everywhere.
    assert.deepEqual(await scores("--min-probability", "0.89", "--threshold", "0.88"), [1, 1]);
    assert.deepEqual(await scores("--min-probability", "0.95"), [1, 0], "masks keep all");
    assert.deepEqual(await scores("--threshold", "0.95"), [0, 0]);
  });
});

Deno.test("configurations with other folds, or without an image, are refused by name", async () => {
  await withMaps({ a: { grow: 0 }, b: { grow: 0, folds: [0, 1, 1, 1] } }, async (folder) => {
    await assert.rejects(
      compareConfigurations(optionsOf(folder, "a", "b")),
      /two is in fold 1 of b and in fold 0 of a/,
    );
  });
  await withMaps({ a: { grow: 0 }, b: { grow: 0 } }, async (folder) => {
    const path = join(folder, "out/out_of_fold/b/dice.csv");
    const lines = (await Deno.readTextFile(path)).split("\n");
    await Deno.writeTextFile(path, lines.filter((line) => !line.startsWith("two")).join("\n"));
    await assert.rejects(
      compareConfigurations(optionsOf(folder, "a", "b")),
      /1 of 4 images lack the maps of a configuration/,
    );
  });
});

Deno.test("options are checked before anything is opened", async () => {
  await assert.rejects(compareConfigurations(["--data", "nowhere"]), /--out.*needed/);
  await assert.rejects(
    compareConfigurations(["--data", "nowhere", "--out", "x", "--interior", "2", "a"]),
    /--interior must be a number in \[-1, 1\], got "2"/,
  );
  await assert.rejects(
    compareConfigurations(["--data", "nowhere", "--out", "x", "--largest", "0", "a"]),
    /--largest must be an integer >= 1, got "0"/,
  );
});
