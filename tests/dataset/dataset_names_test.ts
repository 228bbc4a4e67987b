import assert from "node:assert/strict";
import { gzipSync } from "node:zlib";
import { checkId } from "../../lib/base/ids.ts";
import { collectNotices } from "../../lib/base/notices.ts";
import { encodeRle } from "../../lib/annotation/rle.ts";
import { ensureMask, openDataset } from "../../lib/dataset/dataset.ts";
import type { Mask } from "../../lib/image/pixels.ts";
import { writeMask, writeRgb } from "../../lib/image/write.ts";
import { withFolder } from "../support/temporary.ts";
import { noiseImage } from "../support/tiny_dataset.ts";

const HEIGHT = 12, WIDTH = 10, AREA = 20;
const CRYPT: Mask = {
  data: new Uint8Array(HEIGHT * WIDTH).map((_, i) => i % WIDTH < 4 && i < 50 ? 1 : 0),
  height: HEIGHT,
  width: WIDTH,
};
const GEOJSON = JSON.stringify({
  type: "Feature",
  geometry: { type: "Polygon", coordinates: [[[0, 0], [4, 0], [4, 5], [0, 5]]] },
});

/** Writes one image; masks as `train_mask/…`, other files as text. */
async function write(root: string, image: string, files: Record<string, string | Uint8Array>) {
  await Deno.mkdir(`${root}/train`, { recursive: true });
  await writeRgb(`${root}/train/plain.tiff`, noiseImage(HEIGHT, WIDTH));
  await Deno.rename(`${root}/train/plain.tiff`, `${root}/train/${image}`);
  for (const [name, content] of Object.entries(files)) {
    const path = `${root}/${name}`;
    await Deno.mkdir(path.slice(0, path.lastIndexOf("/")), { recursive: true });
    if (typeof content !== "string") await Deno.writeFile(path, content);
    else if (content !== "mask") await Deno.writeTextFile(path, content);
    else {
      await writeMask(`${root}/plain.tiff`, CRYPT);
      await Deno.rename(`${root}/plain.tiff`, path);
    }
  }
}

interface Found {
  why: string;
  image: string;
  files: Record<string, string | Uint8Array>;
  id: string;
  notice?: RegExp;
}

const RLE = encodeRle(CRYPT.data, HEIGHT, WIDTH);
const composed = "Köln".normalize("NFC"), decomposed = "Köln".normalize("NFD");
const table = (id: string, rle = RLE) => `id,predicted\n${id},${rle}\n`;

const FOUND: Found[] = [
  ...["a.tiff", "a.tif", "a.TIF", "a.png", "a.jpg", "a.JPEG", "a.ome.tif", "a.tiff.png"].map(
    (name): Found => ({
      why: `a mask ${name}`,
      image: "a.tiff",
      files: { [`train_mask/${name}`]: "mask" },
      id: "a",
    }),
  ),
  ...["a.json", "a.JSON", "a.geojson", "a.GeoJSON", "a.svs.geojson"].map((name): Found => ({
    why: `annotations ${name}`,
    image: "a.svs",
    files: { [`train/${name}`]: GEOJSON },
    id: "a",
  })),
  {
    why: "annotations that are gzipped",
    image: "a.png",
    files: { "train/a.geojson.gz": gzipSync(GEOJSON) },
    id: "a",
  },
  {
    why: "an id with dots, in table and files",
    image: "S1.2.tif.tiff",
    files: { "train/S1.2.tif.json": GEOJSON, "train.csv": table("S1.2.tif.tiff", "0 0") },
    id: "S1.2.tif",
  },
  {
    why: "an id with brackets and spaces",
    image: "a [1] (b).tiff",
    files: { "train_mask/a [1] (b).png": "mask" },
    id: "a [1] (b)",
  },
  {
    why: "a decomposed file name and a composed table",
    image: `${decomposed}.tiff`,
    files: { "train.csv": table(composed) },
    id: composed,
  },
  {
    why: "a composed file name, decomposed masks",
    image: `${composed}.tiff`,
    files: { [`train_mask/${decomposed}.tiff`]: "mask" },
    id: composed,
  },
  {
    why: "a numeric id",
    image: "007.tiff",
    files: { "train.csv": table("007") },
    id: "007",
  },
  ...["predicted", "encoding", "rle", "EncodedPixels", "RLE"].map((column): Found => ({
    why: `the column ${column}`,
    image: "a.tiff",
    files: { "train.csv": `ImageId,${column}\na.tiff,${RLE}\n` },
    id: "a",
  })),
  {
    why: "blank lines, a byte order mark and the row 0 0 beside a mask",
    image: "a.tiff",
    files: { "train.csv": "\uFEFFid,predicted\n\n,\na,0 0\n", "train_mask/a.tiff": "mask" },
    id: "a",
  },
  {
    why: "masks and annotations that belong to no image",
    image: "a.tiff",
    files: { "train/a.json": GEOJSON, "train/b.geojson": GEOJSON, "train_mask/c.png": "mask" },
    id: "a",
    notice: /train_mask: c\.png is left out.*\n.*train: b\.geojson is left out, since no image/,
  },
  {
    why: "other files in the folder of masks",
    image: "a.tiff",
    files: { "train_mask/a.tiff": "mask", "train_mask/a.bmp": "BM", "train_mask/a_m.tiff": "mask" },
    id: "a",
    notice: /a\.bmp, a_m\.tiff are left out, since no image has that name/,
  },
  {
    why: "images of formats that are not read",
    image: "a.tiff",
    files: { "train/a.json": GEOJSON, "train/b.ndpi": "x", "train/notes.txt": "x" },
    id: "a",
    notice: /train: b\.ndpi is left out, expected images as TIFF, SVS, PNG or JPEG/,
  },
  {
    why: "hidden files of a Macintosh",
    image: "a.tiff",
    files: { "train/a.json": GEOJSON, "train/._a.tiff": "x", "train_mask/.DS_Store": "x" },
    id: "a",
  },
];

for (const { why, image, files, id, notice } of FOUND) {
  Deno.test(`found in a data set: ${why}`, () =>
    withFolder(async (root) => {
      await write(root, image, files);
      const { result, notices } = await collectNotices(() => openDataset(root));
      assert.deepEqual(result.train.map((r) => [r.id, r.annotated]), [[id, true]]);
      const { data } = await ensureMask(result.train[0]);
      assert.equal(data.reduce((sum, v) => sum + v, 0), AREA);
      if (notice) assert.match(notices.join("\n"), notice);
      else assert.deepEqual(notices, []);
    }));
}

const REFUSED: [why: string, files: Record<string, string | Uint8Array>, sentence: RegExp][] = [
  [
    "an id that is a path upwards",
    { "train.csv": table("../x") },
    /train\.csv, line 2: the id "\.\.\/x".* is a path/,
  ],
  ["an absolute id", { "train.csv": table("/etc/x") }, /line 2: the id "\/etc\/x".* is a path/],
  ["a Windows path", { "train.csv": table("..\\x") }, /line 2: the id "\.\.\\\\x".* is a path/],
  ["two dots", { "train.csv": table("..") }, /the id "\.\.".* is a path/],
  ["a NUL", { "train.csv": table("a\0b") }, /the id "a\\u0000b".* holds a control character/],
  [
    "a device of Windows",
    { "train.csv": table("con.tiff") },
    /the id "con".* is a name that Windows/,
  ],
  ["a long id", { "train.csv": table("ü".repeat(101)) }, /is longer than 200 bytes/],
  ["no id", { "train.csv": "id,predicted\n,1 2\n" }, /line 2 has no id/],
  [
    "two ids of one file",
    { "train.csv": `id,predicted\na,1 2\na.tiff,3 4\n` },
    /line 3 repeats the id "a"/,
  ],
  [
    "composed and decomposed ids of one file",
    { "train.csv": `id,predicted\n${composed},1 2\n${decomposed},3 4\n` },
    /line 3 repeats the id/,
  ],
  [
    "two masks of one image",
    { "train_mask/a.png": "mask", "train_mask/a.tiff": "mask" },
    /image "a" has two mask files: .*a\.png and .*a\.tiff/,
  ],
  [
    "two annotations of one image",
    { "train/a.json": GEOJSON, "train/a.tiff.geojson": GEOJSON },
    /image "a" has two annotation files/,
  ],
  [
    "an encoding that Excel has cut",
    { "train.csv": table("a", "1 1 ".repeat(8191) + "123") },
    /line 2: the encoding of "a" is cut at 32767 characters, as Excel does/,
  ],
  [
    "two columns of encodings",
    { "train.csv": "id,rle,encoding\na,1 2,3 4\n" },
    /several columns for "predicted": rle, encoding/,
  ],
  ["a ragged row", { "train.csv": "id,predicted\na,1 2\nb\n" }, /train\.csv: line 3 has 1 cells/],
  [
    "a pixel size that is none",
    {
      "colon-dataset_information.csv":
        "image_file,width_pixels,height_pixels,pixel_size_um\na,10,12,NaN\n",
    },
    /image a: pixel_size_um must be a positive number of µm per pixel, or empty, got "NaN"/,
  ],
];

for (const [why, files, sentence] of REFUSED) {
  Deno.test(`refused in a data set: ${why}`, () =>
    withFolder(async (root) => {
      await write(root, "a.tiff", files);
      await assert.rejects(openDataset(root), { name: "RangeError", message: sentence });
    }));
}

Deno.test("a decimal comma, and pixel sizes that are implausible or contradict the file", () =>
  withFolder(async (root) => {
    const say = (value: string) =>
      `image_file,width_pixels,height_pixels,pixel_size_um\na,10,12,"${value}"\n`;
    for (
      const [value, size, notice] of [["0,62", 0.62, null], [
        "65",
        65,
        /says 65 µm per pixel/,
      ]] as const
    ) {
      await write(root, "a.tiff", { "colon-dataset_information.csv": say(value) });
      const { result, notices } = await collectNotices(() => openDataset(root));
      assert.equal(result.train[0].pixelSize, size);
      if (notice) assert.match(notices.join(), notice);
      else assert.deepEqual(notices, []);
    }
  }));

Deno.test("the class that is crypt is an option of the data set", () =>
  withFolder(async (root) => {
    const feature = (name: string) => ({
      ...JSON.parse(GEOJSON),
      properties: { classification: { name } },
    });
    const two = JSON.stringify([feature("Gland"), feature("Stroma")]);
    await write(root, "a.tiff", { "train/a.json": two });
    const plain = await openDataset(root);
    await assert.rejects(ensureMask(plain.train[0]), /has the classes "Gland", "Stroma"/);
    const { train } = await openDataset(root, { annotationClass: "Gland" });
    assert.equal((await ensureMask(train[0])).data.reduce((x, y) => x + y), AREA);
  }));

Deno.test("polygons outside of their image are told, in any direction", () =>
  withFolder(async (root) => {
    const moved = (dx: number, dy: number) => ({
      type: "Feature",
      geometry: {
        type: "Polygon",
        coordinates: [[[dx, dy], [dx + 4, dy], [dx + 4, dy + 5], [dx, dy + 5]]],
      },
    });
    const places = [[0, 0], [-9, 0], [11, 0], [0, -9], [0, 13], [8, 10]];
    const json = JSON.stringify(places.map(([dx, dy]) => moved(dx, dy)));
    await write(root, "a.tiff", { "train/a.json": json });
    const { train } = await openDataset(root);
    const { notices } = await collectNotices(() => ensureMask(train[0]));
    assert.match(notices.join(), /a\.json: 4 of 6 polygons lie outside of their image of 12 x 10/);
  }));

Deno.test("ids that are names of files are kept, in composed form", () => {
  for (const id of ["a", "S1.2", "a b", "[1]", "-", "#", "1e3", "constant", "ü"]) {
    assert.equal(checkId(id, "here"), id.normalize("NFC"));
  }
  assert.equal(checkId(decomposed, "here"), composed);
  for (const id of ["", ".", "a/b", " a", "a ", "LPT1", "nul.x", "a\nb", ".a", "a:b", "a?"]) {
    assert.throws(() => checkId(id, "here"), /^RangeError: here: the id/);
  }
});
