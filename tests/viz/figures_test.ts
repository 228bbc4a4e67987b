import assert from "node:assert/strict";
import { join } from "node:path";
import { parseHTML } from "linkedom";
import sharp from "sharp";
import {
  barFigure,
  curvesFigure,
  histogramFigure,
  linesFigure,
} from "../../lib/viz/figures/charts.ts";
import { contactSheet } from "../../lib/viz/figures/contact_sheet.ts";
import { intervalFigure } from "../../lib/viz/figures/intervals.ts";
import { scatterFigure, smallMultiples } from "../../lib/viz/figures/scatter.ts";
import { twelveFigures } from "../../lib/viz/figures/twelve.ts";
import { writeFigure } from "../../lib/viz/figures/write.ts";
import type { Embedding, EmbeddingMethod } from "../../lib/embedding/job.ts";
import { createRandom } from "../../lib/base/random.ts";
import { assertSnapshot } from "../support/snapshot.ts";

function cloud(n: number, seed: number, spread = 1) {
  const random = createRandom(seed), xy = new Float32Array(2 * n), groups: string[] = [];
  for (let i = 0; i < n; i++) {
    const crypt = i % 3 === 0;
    groups.push(crypt ? "crypt" : "no crypt");
    xy[2 * i] = random.normal(crypt ? 2 : 0, spread);
    xy[2 * i + 1] = random.normal(crypt ? 1 : 0, spread / 2);
  }
  return { xy, groups };
}

const order = ["no crypt", "crypt"];

/** Two folds whose curves fall and rise as such curves do. */
const log = [0, 1].flatMap((fold) =>
  Array.from({ length: 6 }, (_, i) => {
    const gone = Math.exp(-(i + fold / 2) / 3);
    return {
      fold,
      epoch: i + 1,
      trainLoss: 0.1 + 0.5 * gone,
      validLoss: 0.15 + 0.5 * gone,
      trainDice: 0.95 - 0.4 * gone,
      validDice: 0.9 - 0.4 * gone,
      validCryptDice: 0.9 - 0.4 * gone,
    };
  })
);

const figures: Record<string, () => string> = {
  scatter: () =>
    scatterFigure(cloud(60, 1), {
      title: "PCA of the train tiles by class",
      subtitle: "60 tiles · trustworthiness 0.912",
      xLabel: "component 1 (31.0% of variance)",
      yLabel: "component 2 (12.5% of variance)",
      order,
    }),
  small_multiples: () =>
    smallMultiples(
      [5, 15, 50].map((p) => ({ title: `perplexity ${p}`, points: cloud(40, p, p / 10) })),
      { title: "t-SNE and its perplexity", subtitle: "the same tiles", order, ticks: false },
    ),
  curves: () => curvesFigure(log, { title: "Training", subtitle: "Unet, efficientnet-b0" }),
  lines: () =>
    linesFigure([
      {
        name: "mean Dice",
        points: Array.from({ length: 21 }, (_, i) => ({ x: i / 20, y: 0.9 - (i / 20 - 0.5) ** 2 })),
      },
      { name: "chosen", dashed: true, points: [{ x: 0.5, y: 0.65 }, { x: 0.5, y: 0.9 }] },
    ], { title: "Dice over threshold", xLabel: "threshold", yLabel: "Dice" }),
  bars: () =>
    barFigure([
      { label: "HandE_B005_CL_b_RGB_bottomleft", values: { model: 0.763, Otsu: 0.41 } },
      { label: "short <id> & more", values: { model: 0.9, Otsu: 0.55 } },
    ], { title: "Dice of each test image", subtitle: "beside a stain threshold" }),
  histogram: () => {
    const random = createRandom(4), draw = (mean: number) => random.normal(mean, 1);
    return histogramFigure({
      "no crypt": Array.from({ length: 200 }, () => draw(0)),
      crypt: Array.from({ length: 100 }, () => draw(3)),
    }, { title: "Feature norms", xLabel: "norm" });
  },
  contact_sheet: () =>
    contactSheet(
      [1, 2, 3].map((seed) =>
        scatterFigure(cloud(12, seed), { title: `sheet ${seed}`, order, width: 400 })
      ),
      { title: "Contact sheet", columns: 2 },
    ),
};

for (const [name, draw] of Object.entries(figures)) {
  Deno.test(`${name}: the figure is its snapshot, complete and in one font`, async () => {
    const svg = draw();
    await assertSnapshot(name, svg);
    const { document } = parseHTML(svg);
    const root = document.querySelector("svg")!;
    assert.ok(Number(root.getAttribute("width")) > 0 && Number(root.getAttribute("height")) > 0);
    assert.match(root.getAttribute("font-family")!, /sans-serif$/);
    assert.ok(!svg.includes("<style") && !svg.includes("<figure"), "librsvg draws all of it");
    assert.ok(!/NaN|undefined/.test(svg));
  });

  Deno.test(`${name}: librsvg draws it, and no text leaves the picture`, async () => {
    const svg = draw();
    const image = sharp(new TextEncoder().encode(svg)).flatten({ background: "#fff" });
    const { data, info } = await image.greyscale().raw().toBuffer({ resolveWithObject: true });
    let ink = 0;
    for (const v of data) ink += v < 128 ? 1 : 0;
    assert.ok(ink / data.length > 0.002, `${ink} dark pixels`);
    for (let y = 0; y < info.height; y++) {
      assert.ok(data[y * info.width] > 200 && data[(y + 1) * info.width - 1] > 200, `row ${y}`);
    }
  });
}

Deno.test("legends and titles are part of the SVG, and names are escaped", () => {
  const svg = scatterFigure({ xy: [0, 0, 1, 1], groups: ["a<b", "c&d"] }, { title: '"x" < y' });
  const { document } = parseHTML(svg);
  const texts = [...document.querySelectorAll("text")].map((t) => t.textContent);
  for (const wanted of ["a<b", "c&d", '"x" < y']) assert.ok(texts.includes(wanted), wanted);
});

Deno.test("a group keeps its colour whatever comes with it", () => {
  const colourOf = (groups: string[]) => {
    const svg = scatterFigure({ xy: groups.flatMap((_, i) => [i, i]), groups }, { title: "t" });
    const legend = new RegExp(`fill="(#[0-9A-F]{6})"/><text[^>]*>crypt<`).exec(svg);
    return legend![1];
  };
  assert.equal(colourOf(["crypt", "no crypt"]), colourOf(["no crypt", "other", "crypt"]));
});

Deno.test("equal axes give a unit the same length on both", () => {
  const ticks = (equalAxes: boolean) => {
    const svg = scatterFigure({ xy: [0, 0, 100, 1], groups: ["a", "a"] }, {
      title: "t",
      equalAxes,
    });
    return [...svg.matchAll(/ transform="translate\(([\d.]+),([\d.]+)\)" \/>/g)].map((
      m,
    ) => [Number(m[1]), Number(m[2])]);
  };
  const distance = (points: number[][], axis: number) => {
    const [a, b] = points.slice(-2);
    return Math.abs(a[axis] - b[axis]);
  };
  const equal = ticks(true), free = ticks(false);
  const ratio = distance(equal, 1) / distance(equal, 0);
  assert.ok(ratio < 0.02, `100 : 1 is drawn as ${1 / ratio} : 1`);
  assert.ok(distance(free, 1) > 300, "free axes fill the picture");
});

Deno.test("figures refuse empty and impossible input", () => {
  const refuse = (draw: () => string, message: RegExp) =>
    assert.throws(draw, (e) => e instanceof RangeError && message.test(e.message));
  refuse(
    () => scatterFigure({ xy: [0], groups: ["a"] }, { title: "" }),
    /need 2 coordinates, got 1/,
  );
  refuse(
    () => scatterFigure({ xy: [0, NaN], groups: ["a"] }, { title: "" }),
    /coordinate 1 is NaN/,
  );
  refuse(() => smallMultiples([], { title: "" }), /at least one plot/);
  refuse(() => curvesFigure([]), /at least one epoch/);
  refuse(() => linesFigure([], { title: "" }), /at least one line/);
  refuse(() => barFigure([], { title: "" }), /at least one row/);
  refuse(() => histogramFigure({ a: [] }, { title: "" }), /finite values/);
  refuse(() => contactSheet([]), /at least one figure/);
  refuse(() => contactSheet(["<p>"]), /figure 0 is no complete SVG/);
});

Deno.test("a figure is written as SVG and as a JPEG of twice its size", async () => {
  const folder = await Deno.makeTempDir({ prefix: "figures_" });
  try {
    const svg = figures.lines();
    await writeFigure(join(folder, "new/lines"), svg);
    assert.equal(await Deno.readTextFile(join(folder, "new/lines.svg")), svg);
    const { format, width } = await sharp(join(folder, "new/lines.jpg")).metadata();
    assert.deepEqual([format, width], ["jpeg", 1600]);
    assert.deepEqual([...Deno.readDirSync(join(folder, "new"))].length, 2);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

/** A made-up map, so that the figures do not depend on the embeddings. */
function fakeEmbedding(seed: number): Embedding {
  const separation = { accuracy: 0.7, balanced: 0.65, majority: 0.67, chance: 0.5 };
  const quality = { trustworthiness: 0.9, continuity: 0.8, separation };
  return {
    train: cloud(30, seed).xy,
    test: cloud(12, seed + 10).xy,
    frame: (
      ["placed", "joint", "placed", "apart"] as const
    )[seed - 1],
    quality: { ...quality, explained: [0.31, 0.125], divergence: 0.5 },
    testQuality: { ...quality, trustworthiness: null },
  };
}

const embeddings = Object.fromEntries(
  (["pca", "tsne", "umap", "mds"] as const).map((method, i) => [method, fakeEmbedding(i + 1)]),
) as Record<EmbeddingMethod, Embedding>;
const tiles = Array.from({ length: 42 }, (_, i) => ({
  split: i < 30 ? "train" as const : "test" as const,
  crypt: i % 3 === 0,
}));

Deno.test("the twelve figures carry the original's names, as SVG and as JPEG", async () => {
  const folder = await Deno.makeTempDir({ prefix: "twelve_" });
  try {
    const drawn = await twelveFigures(embeddings, tiles, folder);
    const names = ["PCA", "TSNE", "UMAP", "MDS"].flatMap((method) =>
      ["train_test", "train_class", "test_class"].map((kind) => `${method}_${kind}`)
    );
    assert.deepEqual(drawn.map((f) => f.name), names);
    const files = [...Deno.readDirSync(folder)].map((e) => e.name).sort();
    assert.deepEqual(files, names.flatMap((n) => [`${n}.jpg`, `${n}.svg`]).sort());
    for (const name of ["PCA_train_test", "TSNE_train_class", "MDS_test_class"]) {
      await assertSnapshot(`twelve_${name}`, drawn.find((f) => f.name === name)!.svg);
    }
    const points = (name: string, symbol: RegExp) => {
      const { svg } = drawn.find((f) => f.name === name)!;
      return svg.match(symbol)!.length;
    };
    // 30 train and 12 test points and a mark in the legend; crypts are every third.
    assert.equal(points("UMAP_train_test", /fill="#0072B2"/g), 31);
    assert.equal(points("UMAP_train_test", /fill="#E69F00"/g), 13);
    assert.equal(points("UMAP_train_class", /fill="#D55E00"/g), 11);
    assert.equal(points("UMAP_test_class", /fill="#009E73"/g), 9);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("without test tiles there are the four figures of the train tiles", async () => {
  const folder = await Deno.makeTempDir({ prefix: "four_" });
  try {
    const alone = Object.fromEntries(
      Object.entries(embeddings).map(([method, { test: _, ...rest }]) => [method, rest]),
    ) as typeof embeddings;
    const drawn = await twelveFigures(alone, tiles.slice(0, 30), folder);
    const names = ["PCA", "TSNE", "UMAP", "MDS"].map((method) => `${method}_train_class`);
    assert.deepEqual(drawn.map((f) => f.name), names);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("figures of an approximate map name its method and how many tiles were judged", async () => {
  const folder = await Deno.makeTempDir({ prefix: "approximate_" });
  try {
    const { tsne } = embeddings;
    const approximate = {
      ...tsne,
      approximation: "landmark MDS, 1000 landmarks",
      quality: { ...tsne.quality, sampled: 20 },
    };
    const drawn = await twelveFigures({ ...embeddings, tsne: approximate }, tiles, folder);
    const { svg } = drawn.find(({ name }) => name === "TSNE_train_class")!;
    assert.match(svg, /Landmark MDS, 1000 landmarks, of the train tiles by class/);
    assert.match(svg, /20 of 30 tiles judged · trustworthiness/);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("the twelve figures refuse embeddings that do not fit their tiles", async () => {
  const refuse = (some: Partial<Record<EmbeddingMethod, Embedding>>, message: RegExp) =>
    assert.rejects(twelveFigures({ ...embeddings, ...some }, tiles, "/nowhere"), message);
  const { test: _, ...without } = embeddings.umap;
  await refuse({ umap: without }, /UMAP must hold 30 train and 12 .*got 30 and 0/);
  await refuse({ pca: { ...embeddings.pca, train: new Float32Array(4) } }, /PCA .*got 2 and 12/);
});

Deno.test("intervals: a row per label, a line from low to high, the value as text", () => {
  const scores = { Dice: { value: 0.8, low: 0.7, high: 0.9 } };
  const svg = intervalFigure([{ label: "Unet", scores }, { label: "MAnet", scores }], {
    title: "configurations",
  });
  for (const text of ["Unet", "MAnet", "Dice", "0.800"]) assert.ok(svg.includes(text), text);
  assert.equal(svg.match(/<circle/g)?.length, 3, "two dots and the legend's");
  assert.throws(() => intervalFigure([], { title: "" }), /at least one row/);
});
