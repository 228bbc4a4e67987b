import assert from "node:assert/strict";
import { join } from "node:path";
import sharp from "sharp";
import { digestFile } from "../../lib/base/fingerprint.ts";
import { exists } from "../../lib/base/files.ts";
import { readPolygons } from "../../lib/annotation/geojson.ts";
import { openDataset } from "../../lib/dataset/dataset.ts";
import { openEnsemble } from "../../lib/inference/ensemble.ts";
import { readTextRows } from "../../lib/tables/csv.ts";
import { readRgb } from "../../lib/image/read.ts";
import { writeMask, writeRgb } from "../../lib/image/write.ts";
import { onSmallDisk } from "../support/small_disk.ts";
import { quietInfer } from "../support/quiet_infer.ts";
import { filesBelow, withFolder } from "../support/temporary.ts";
import { blockMask, noiseImage, writeTinyDataset } from "../support/tiny_dataset.ts";
import { writeSmallModel } from "../support/small_model.ts";

/** A pipe that nobody writes to; false where the system has none. */
async function pipe(path: string): Promise<boolean> {
  try {
    return (await new Deno.Command("mkfifo", { args: [path] }).output()).success;
  } catch {
    return false;
  }
}

Deno.test("pipes, sockets and devices among images, masks, tables, annotations and models are named at once", () =>
  withFolder(async (root) => {
    if (!await pipe(join(root, "pipe.safetensors"))) return console.log("no mkfifo: not tested");
    const images = join(root, "images"), masks = join(root, "masks"), out = join(root, "out");
    const model = join(root, "m.safetensors");
    await writeSmallModel(model, { scale: 1, patchSize: [32, 32] });
    for (const id of ["a", "masked"]) await writeRgb(join(images, `${id}.png`), noiseImage(32, 32));
    await pipe(join(images, "pipe.png"));
    await Deno.symlink("/dev/zero", join(images, "zero.tiff"));
    using _socket = Deno.listen({ transport: "unix", path: join(images, "socket.jpg") });
    await writeMask(join(masks, "a.tiff"), blockMask(32, 32));
    await pipe(join(masks, "masked.tiff"));
    const base = ["--models", model, "--out", out, "--backend", "wasm"];
    const run = await quietInfer("--images", images, "--masks", masks, ...base);
    assert.equal(run.code, 1, run.text);
    assert.match(run.text, /1 of 5 images done/);
    assert.match(run.text, /failed: pipe: .*pipe\.png.* is a pipe, expected a file/);
    assert.match(run.text, /failed: zero: .*zero\.tiff.* is a device, expected a file/);
    assert.match(run.text, /failed: socket: .*socket\.jpg.* is a socket, expected a file/);
    assert.match(run.text, /failed: masked: .*masked\.tiff.* is a pipe, expected a file/);

    await pipe(join(root, "list.csv"));
    const table = await quietInfer("--images", join(root, "list.csv"), ...base);
    assert.equal(table.code, 2);
    assert.match(table.text, /cannot read table .*list\.csv: it is a pipe, expected a file/);
    const models = await quietInfer(
      "--images",
      images,
      ...base.with(1, join(root, "pipe.safetensors")),
    );
    assert.equal(models.code, 2);
    assert.match(models.text, /^model .*pipe\.safetensors is a pipe, expected a file$/);

    // The readers themselves, whoever calls them.
    const fifo = join(root, "pipe.safetensors"), message = /it is a pipe, expected a file/;
    await assert.rejects(digestFile(fifo), message);
    assert.throws(() => readTextRows(fifo, []), message);
    await assert.rejects(readPolygons(fifo), message);
    await assert.rejects(openEnsemble([fifo]), /is a pipe, expected a file/);
    for (const name of ["train/a.tiff", "train.csv", "colon-dataset_information.csv"]) {
      const data = join(root, `data_${name.replaceAll("/", "_")}`);
      await writeTinyDataset(data);
      await Deno.remove(join(data, name));
      await pipe(join(data, name));
      await assert.rejects(openDataset(data), /is a pipe, expected a file/, name);
    }
  }));

Deno.test("the command refuses, before a model is opened, a folder in which files of the user would be lost", () =>
  withFolder(async (root) => {
    const p = join(root, "p"), model = join(root, "p2", "masks", "m.safetensors");
    await writeRgb(join(p, "images", "a.tiff"), noiseImage(32, 32));
    await writeMask(join(p, "masks", "a.tiff"), blockMask(32, 32));
    await writeRgb(join(root, "p2", "masks", "x.png"), noiseImage(32, 32));
    await Deno.writeTextFile(model, "no model at all: it is never opened");
    await Deno.writeTextFile(join(root, "submission.csv"), `image\n${join(p, "images/a.tiff")}\n`);
    const before = await filesBelow(root);
    const images = ["--images", join(p, "images")];
    await Deno.writeTextFile(join(root, "file"), "");
    before.push("file");
    before.sort();
    const cases: [string[], RegExp][] = [
      [[...images, "--out", join(root, "file")], /file is no folder: write to another one/],
      [[...images, "--masks", join(p, "masks"), "--out", p], /p\/masks, a folder of inputs/],
      [["--images", join(root, "p2/masks"), "--out", join(root, "p2")], /a folder of inputs/],
      [["--images", join(root, "submission.csv"), "--out", root], /submission\.csv .* is an input/],
      [["--images", join(root, "submission.csv"), "--out", root, "--collect"], /is an input/],
    ];
    for (const [args, message] of cases) {
      const models = args.includes("--collect") ? [] : ["--models", model];
      const { code, text } = await quietInfer(...args, ...models);
      assert.equal(code, 2, text);
      assert.match(text, message);
      assert.equal(text.split("\n").length, 1, text);
      assert.deepEqual(await filesBelow(root), before);
    }
  }));

Deno.test("tables are made of results of one kind only, and of the images that are there", () =>
  withFolder(async (root) => {
    const images = join(root, "images"),
      out = join(root, "out"),
      model = join(root, "m.safetensors");
    const ids = ["a", "b", "c"];
    for (const [i, id] of ids.entries()) {
      await writeRgb(join(images, `${id}.png`), noiseImage(32, 32, i));
    }
    await writeSmallModel(model, { scale: 1, patchSize: [32, 32] });
    const base = ["--images", images, "--models", model, "--out", out, "--backend", "wasm"];
    const tables = ["--images", images, "--out", out, "--collect"];
    const one = async (index: number, ...more: string[]) => {
      const { code, text } = await quietInfer(...base, "--index", `${index}`, ...more);
      assert.equal(code, 0, text);
    };
    await one(0);
    await one(1);
    await one(2, "--threshold", "0.3", "--min-area", "7");
    const mixed = await quietInfer(...tables);
    assert.equal(mixed.code, 2);
    assert.match(mixed.text, /threshold is 0\.5 in 2 \(a, b\), 0\.3 in 1 \(c\)/);
    assert.match(mixed.text, /minArea is not said in 2 \(a, b\), 7 in 1 \(c\)/);
    assert.equal(await exists(join(out, "submission.csv")), false, "no table");
    await one(2);
    assert.equal((await quietInfer(...tables)).code, 0);
    await writeSmallModel(model, { scale: 1, patchSize: [32, 32], about: "another" });
    await one(1);
    const models = await quietInfer(...tables);
    assert.equal(models.code, 2);
    assert.match(models.text, /the models' SHA-256 is \w{8} in 2 \(a, c\), \w{8} in 1 \(b\)/);

    await one(1, "--force");
    await one(0, "--force");
    await one(2, "--force");
    const masks = join(root, "masks");
    await writeMask(join(masks, "a.tiff"), blockMask(32, 32));
    await one(0, "--masks", masks);
    assert.equal((await quietInfer(...tables, "--masks", masks)).code, 0);
    await writeMask(join(masks, "a.tiff"), blockMask(32, 32, 5));
    await writeMask(join(masks, "b.tiff"), blockMask(32, 32, 5));
    const stale = await quietInfer(...tables, "--masks", masks);
    assert.equal(stale.code, 2);
    assert.match(
      stale.text,
      /of 2 of 3 images \(a, b\) were not scored by the masks that are there/,
    );

    await Deno.remove(join(images, "b.png"));
    const fewer = await quietInfer(...base);
    assert.equal(fewer.code, 0, fewer.text);
    assert.match(
      fewer.text,
      /out still holds results of 1 image that is not among the images given \(b\)/,
    );
    const rows = readTextRows(join(out, "submission.csv"), ["img"]).map(({ img }) => img);
    assert.deepEqual(rows, ["a", "c"]);
    assert.ok(await exists(join(out, "masks", "b.tiff")), "nothing is deleted");
  }));

Deno.test("a file that cannot be decoded is one line, without what only its decoder knows", () =>
  withFolder(async (root) => {
    const { data, height, width } = noiseImage(200, 200);
    const image = () => sharp(data, { raw: { height, width, channels: 3 } });
    const damaged = async (name: string, bytes: Uint8Array, length = bytes.length) => {
      const copy = new Uint8Array(bytes.subarray(0, length));
      copy.fill(0xff, 3000, 3050);
      await Deno.writeFile(join(root, name), copy);
    };
    for (const compression of ["lzw", "deflate", "jpeg"] as const) {
      await damaged(`${compression}.tiff`, await image().tiff({ compression }).toBuffer());
    }
    await damaged("a.jpg", await image().jpeg().toBuffer());
    await damaged("a.png", await image().png().toBuffer());
    for (const name of ["lzw.tiff", "deflate.tiff", "jpeg.tiff", "a.jpg", "a.png"]) {
      const error = await readRgb(join(root, name)).then(() => null, (error: Error) => error);
      assert.ok(error, name);
      assert.match(error.message, new RegExp(`^cannot read image .*${name}: .*\\w+`));
      assert.doesNotMatch(error.message, /\n|failOn|tiff2vips|VipsJpeg|vipspng/, name);
    }
  }));

Deno.test("SIGTERM ends the command between two passes with 143, and says what is kept", () =>
  withFolder(async (root) => {
    const images = join(root, "images"), model = join(root, "m.safetensors");
    await writeRgb(join(images, "a.png"), noiseImage(1500, 1500));
    await writeSmallModel(model, { scale: 1, patchSize: [32, 32] });
    const child = new Deno.Command(Deno.execPath(), {
      args: [
        ...["run", "-A", "--no-check", new URL("../../scripts/infer.ts", import.meta.url).pathname],
        ...["--images", images, "--models", model, "--out", join(root, "out")],
        ...["--backend", "wasm", "--batch", "1", "--no-skip-glass"],
      ],
      stdout: "null",
      stderr: "piped",
    }).spawn();
    let text = "", killed = false;
    for await (const chunk of child.stderr.pipeThrough(new TextDecoderStream())) {
      text += chunk;
      if (killed || !text.includes(" tile ")) continue;
      killed = true;
      child.kill("SIGTERM");
    }
    const { code } = await child.status;
    assert.equal(code, 143, text);
    assert.match(text, /interrupted; finished images are kept\n$/);
    assert.equal(await exists(join(root, "out", "state", "a.json")), false);
  }));

Deno.test("a full disk is one sentence with the path and exit code 1, without a word on options", () =>
  withFolder(async (root) => {
    const images = join(root, "images"),
      disk = join(root, "disk"),
      model = join(root, "m.safetensors");
    await writeRgb(join(images, "a.png"), noiseImage(32, 32));
    await writeSmallModel(model, { scale: 1, patchSize: [32, 32] });
    const tried = await onSmallDisk(disk, async () => {
      await Deno.mkdir(join(disk, "out"));
      const filler = await Deno.open(join(disk, "filler"), { write: true, create: true });
      await assert.rejects(async () => {
        for (;;) await filler.write(new Uint8Array(4096));
      });
      filler.close();
      for (const workers of ["1", "2"]) {
        const { code, text } = await quietInfer(
          ...["--images", images, "--models", model, "--out", join(disk, "out")],
          ...["--backend", "wasm", "--workers", workers],
        );
        assert.equal(code, 1, text);
        assert.match(text, /cannot (lock|write) .*disk\/out.*(no space|ENOSPC)/i);
        assert.doesNotMatch(text, /--help/);
      }
      return true;
    });
    if (tried === null) console.log("skipped: this process may not mount a small file system");
  }));

Deno.test("a tile that no machine can hold, or an overlap that moves by less than a pixel, leaves results", () =>
  withFolder(async (root) => {
    const images = join(root, "images"),
      out = join(root, "out"),
      model = join(root, "m.safetensors");
    await writeRgb(join(images, "a.png"), noiseImage(32, 32));
    await writeSmallModel(model, { scale: 1, patchSize: [32, 32] });
    const base = ["--images", images, "--models", model, "--out", out, "--backend", "wasm"];
    assert.equal((await quietInfer(...base)).code, 0);
    const before = await filesBelow(out);
    const states = await Deno.readTextFile(join(out, "state", "a.json"));
    for (
      const [args, message] of [
        [["--tile", "1e9"], /tile must be at most 8192, got 1000000000/],
        [["--tile", "1000000032"], /tile must be at most 8192/],
        [["--tile", "33"], /tile must be a positive multiple of 32/],
        [["--overlap", "0.99"], /overlap 0\.99 moves windows of 32 px by less than a pixel/],
        [["--batch", "1e9"], /--batch must be at most 4096, got 1000000000/],
        [["--threads", "1e9"], /--threads must be at most \d+ \(4 per core\), got 1000000000/],
        [["--workers", "1e9"], /--workers must be at most 256, got 1000000000/],
      ] as const
    ) {
      const { code, text } = await quietInfer(...base, ...args);
      assert.equal(code, 2, text);
      assert.match(text, message);
      assert.deepEqual(await filesBelow(out), before);
      assert.equal(await Deno.readTextFile(join(out, "state", "a.json")), states);
    }
  }));
