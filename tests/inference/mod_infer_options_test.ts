import assert from "node:assert/strict";
import { join } from "node:path";
import { exists } from "../../lib/base/files.ts";
import type { RgbImage } from "../../lib/image/pixels.ts";
import { writeMask, writeRgb } from "../../lib/image/write.ts";
import { createRandom } from "../../lib/base/random.ts";
import { readTextRows } from "../../lib/tables/csv.ts";
import { parseCommand } from "../../scripts/infer_options.ts";
import { withOptions } from "../support/options.ts";
import { quietInfer } from "../support/quiet_infer.ts";
import { writeSmallModel } from "../support/small_model.ts";
import { withFolder } from "../support/temporary.ts";

function noise(height: number, width: number, seed: number): RgbImage {
  const random = createRandom(seed);
  const data = Uint8Array.from({ length: height * width * 3 }, () => random.int(256));
  return { data, height, width };
}

Deno.test("every option that is empty, unknown, out of range or points nowhere ends with 2 and one sentence", async () => {
  await withFolder(async (folder) => {
    const images = join(folder, "images"), out = join(folder, "out");
    await writeRgb(join(images, "a.png"), noise(20, 20, 1));
    await Deno.mkdir(join(folder, "empty"));
    const base = ["--images", images, "--out", out];
    const cases: [string[], RegExp][] = [
      [["--overlap", "1"], /overlap must be in \[0, 1\), got 1/],
      [["--overlap", "NaN"], /--overlap must be a number, got "NaN"/],
      [["--threshold", "9"], /threshold must be in \[0, 1\], got 9/],
      [["--threshold=-0.1"], /threshold must be in \[0, 1\], got -0\.1/],
      [["--threshold", ""], /--threshold is empty/],
      [["--threshold", "half"], /--threshold must be a number, got "half"/],
      [["--scale", "0"], /^--scale must be in \[0\.01, 4\], got 0/],
      [["--scale", "Infinity"], /--scale must be a number, got "Infinity"/],
      [["--pixel-size", "0"], /--pixel-size must be > 0, got "0"/],
      [["--pixel-size=-1"], /--pixel-size must be > 0, got "-1"/],
      [["--tile", "64.5"], /--tile must be an integer >= 1, got "64\.5"/],
      [["--tile", "0"], /--tile must be an integer >= 1/],
      [["--batch", "0"], /--batch must be an integer >= 1/],
      [["--min-area=-3"], /--min-area must be a number >= 0, got -3/],
      [["--min-probability", "2"], /^--min-probability must be in \[0, 1\], got 2/],
      [
        ["--min-area", "10", "--min-area-um2", "9"],
        /one of --min-area .* and --min-area-um2 .*, not/,
      ],
      [["--pixel-size", "0x1"], /--pixel-size must be a number, got "0x1"/],
      [["--threads", "0b1"], /--threads must be a number, got "0b1"/],
      [["--workers", "200", "--threads", "1000"], /shared by 200 workers\), got 1000/],
      [["--threads", "100000"], /--threads must be at most \d+ \(4 per core\), got 100000/],
      [
        ["--collect", "--threshold", "0.9", "--pixel-size", "1", "--force", "--no-geojson"],
        /^--collect makes tables .*: leave --threshold, --pixel-size, --force, --no-geojson out/,
      ],
      [["--list", "--pixel-size", "1"], /^--list segments nothing: leave --pixel-size out/],
      [["--min-area-um2=-3"], /--min-area-um2 must be a number >= 0, got -3/],
      [["--workers", "0"], /--workers must be an integer >= 1/],
      [["--threads", "x"], /--threads must be a number, got "x"/],
      [["--index=-1"], /--index must be an integer >= 0/],
      [["--index", "1"], /--index must be 0 to 0, got 1/],
      [["--index", "0", "--collect"], /--index is one image to segment: --collect is of all/],
      [["--index", "0", "--workers", "2"], /--index is one image/],
      [["--mode", "round"], /--mode must be one of sliding, original, got "round"/],
      [["--mode", "original", "--overlap", "0.25"], /--mode original .* leave --overlap out/],
      [["--tile", "64", "--tile", "32"], /--tile is given more than once: give it once/],
      [["--out", out, "--out", out], /--out is given more than once/],
      [["--geojson", "--no-geojson"], /--geojson is given more than once/],
      [["--weights", "flat"], /--weights must be one of gaussian, constant/],
      [["--tta", "all"], /--tta must be one of none, flips, d4/],
      [["--combine", "sum"], /--combine must be one of mean, max/],
      [["--engine", "torch"], /engine must be one of auto, onnx, tensorflow, got "torch"/],
      [["--backend", "cuda"], /--backend must be one of .*wasm.*, onnx, got "cuda"/],
      [["--backend", "wasm", "--engine", "onnx"], /--backend wasm is one of TensorFlow\.js/],
      [["--masks", join(folder, "no/such")], /no folder of masks at .*no\/such/],
      [["--masks", join(folder, "empty")], /has a mask for none of the images/],
      [
        ["--models", join(folder, "none.safetensors")],
        /--models .*none\.safetensors matches no file/,
      ],
      [["--models", ""], /--models is empty/],
      [["--collect", "--count"], /give one of --collect and --count, not both/],
      [["--pixel-size", "-1"], /--pixel-size must be > 0, got "-1"/],
      [["--threshold", "-.5"], /threshold must be in \[0, 1\], got -0\.5/],
      [["--tile"], /^--tile needs a value/],
      [["--tile", "--split"], /^--tile needs a value/],
      [["--split=1"], /^--split takes no value/],
      [["--unknown"], /^there is no option --unknown/],
      [["stray"], /^"stray" belongs to no option; a pattern of files must be quoted/],
      [["--images", join(folder, "nowhere")], /no images at .*nowhere: it does not exist/],
      [["--images", join(folder, "empty")], /has no image/],
      [["--images", ""], /--images is empty/],
    ];
    for (const [args, message] of cases) {
      const { code, text } = await quietInfer(...withOptions(base, args));
      assert.equal(code, 2, `${args.join(" ")}: ${text}`);
      assert.match(text, message);
      assert.doesNotMatch(text, /\n\s+at /, "no stack");
    }
    assert.equal(await exists(out), false, "nothing was written");
    assert.equal((await quietInfer("--out", out)).code, 2, "--images is missing");
  });
});

Deno.test("options: a wrong one does not touch a finished folder, a path with brackets is a path", async () => {
  await withFolder(async (folder) => {
    const images = join(folder, "im[1]"),
      out = join(folder, "out"),
      model = join(folder, "m[0].safetensors");
    await writeRgb(join(images, "a [x].png"), noise(70, 90, 1));
    await writeSmallModel(model, { scale: 0.5, patchSize: [32, 32], pixelSize: 1 });
    const base = ["--images", images, "--out", out, "--models", model, "--pixel-size", "0.4"];
    const done = await quietInfer(...base);
    assert.equal(done.code, 0, done.text);
    assert.match(
      done.text,
      /1 model \(m\[0\]\.safetensors\) by ONNX Runtime, trained at 1 µm per pixel/,
    );
    assert.match(done.text, /a \[x\]\.png: 0\.4 µm per pixel, trained at 1, resized by 0\.4/);
    for (
      const name of [
        "masks/a [x].tiff",
        "geojson/a [x].geojson",
        "overlays/a [x].jpg",
        "crypts/a [x].csv",
      ]
    ) {
      assert.ok(await exists(join(out, name)), name);
    }
    const submission = await Deno.readTextFile(join(out, "submission.csv"));
    for (
      const wrong of [["--overlap", "1"], ["--tile", "33"], ["--masks", "/no/such"], [
        "--expect",
        "resnet18",
      ]]
    ) {
      const { code, text } = await quietInfer(...base, ...wrong);
      assert.equal(code, 2, text);
      assert.equal(
        await Deno.readTextFile(join(out, "submission.csv")),
        submission,
        wrong.join(" "),
      );
      assert.ok(await exists(join(out, "state/a [x].json")));
    }
    const again = await quietInfer(...base);
    assert.match(again.text, /1 of 1 images done \(1 before\)/);
    const unknown = await quietInfer(...base.slice(0, -2));
    assert.match(unknown.text, /µm per pixel unknown, resized by 0\.5 as in training/);
  });
});

Deno.test("without models and folder the bundled model writes beside the images", async () => {
  await withFolder(async (folder) => {
    const images = join(folder, "mine");
    await writeRgb(join(images, "a.png"), noise(60, 50, 2));
    const { code, text } = await quietInfer("--images", images);
    assert.equal(code, 0, text);
    assert.match(text, /the bundled model \(.*\.safetensors\) by/);
    const out = join(folder, "mine_crypts");
    for (const name of ["masks/a.tiff", "overlays/a.jpg", "geojson/a.geojson", "summary.csv"]) {
      assert.ok(await exists(join(out, name)), name);
    }
    const command = parseCommand([
      "--images",
      join(folder, "list.csv"),
      "--no-overlay",
      "--no-geojson",
    ])!;
    assert.equal(command.out, join(folder, "list_crypts"));
    assert.deepEqual(
      [command.settings.overlay, command.settings.geojson, command.settings.labels],
      [false, false, false],
    );
  });
});

Deno.test("two workers give the files that one process gives, failures among them", async () => {
  await withFolder(async (folder) => {
    const images = join(folder, "images"), model = join(folder, "m.safetensors");
    for (let i = 0; i < 3; i++) await writeRgb(join(images, `i${i}.png`), noise(40, 50, i));
    await Deno.writeTextFile(join(images, "broken.png"), "no image");
    await writeSmallModel(model, { scale: 1, patchSize: [32, 32] });
    const base = ["--images", images, "--models", model];
    const one = await quietInfer(...base, "--out", join(folder, "one"));
    const two = await quietInfer(...base, "--out", join(folder, "two"), "--workers", "2");
    assert.deepEqual([one.code, two.code], [1, 1], two.text);
    assert.match(two.text, /3 of 4 images done/);
    assert.match(two.text, /failed: broken: /);
    assert.doesNotMatch(two.text, /TensorFlow|absl|I0000/, "what libraries say of themselves");
    // Notices are told once, those of workers too.
    const list = join(folder, "list.csv"), mask = join(folder, "mask.tiff");
    await writeMask(mask, { data: new Uint8Array(40 * 50).fill(1), height: 40, width: 50 });
    const rows = [0, 1].map((i) => `${join(images, `i${i}.png`)},7,${mask}\n`);
    await Deno.writeTextFile(list, `image,patient,mask\n${rows.join("")}`);
    const noticed = await quietInfer(
      ...["--images", list, "--models", model, "--out", join(folder, "three"), "--workers", "2"],
    );
    assert.equal(noticed.code, 0, noticed.text);
    for (const said of ['not read: "patient"', "mask.tiff covers 100.00 % of its image"]) {
      assert.equal(noticed.text.split(said).length, 2, `${said}\n${noticed.text}`);
    }
    for (const name of ["submission.csv", ...[0, 1, 2].map((i) => `masks/i${i}.tiff`)]) {
      const [a, b] = [
        await Deno.readFile(join(folder, "one", name)),
        await Deno.readFile(join(folder, "two", name)),
      ];
      assert.deepEqual(a, b, name);
    }
    const ids = readTextRows(join(folder, "two", "summary.csv"), ["img"]).map((r) => r.img);
    assert.deepEqual(ids, ["broken", "i0", "i1", "i2"], "in the order of the images");
    assert.equal(await exists(join(folder, "two", ".lock")), false, "the lock is taken away");
    const again = await quietInfer(...base, "--out", join(folder, "two"), "--workers", "2");
    assert.match(again.text, /3 of 4 images done \(3 before, /);
    const wrong = await quietInfer(
      ...base,
      "--out",
      join(folder, "two"),
      "--workers",
      "2",
      "--tile",
      "33",
    );
    assert.equal(wrong.code, 2);
    assert.match(wrong.text, /tile must be a positive multiple of 32/);
  });
});
