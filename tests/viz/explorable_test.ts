import assert from "node:assert/strict";
import { join } from "node:path";
import sharp from "sharp";
import { openDataset } from "../../lib/dataset/dataset.ts";
import type { Embedding } from "../../lib/embedding/job.ts";
import {
  explorableFigure,
  explorablePage,
  type ExplorableTile,
} from "../../lib/viz/explorable/explorable.ts";
import { tilePictures } from "../../lib/viz/explorable/thumbnails.ts";
import type { TileLabel } from "../../lib/embedding/features/table.ts";
import { readRgb } from "../../lib/image/read.ts";
import { chromiumPath, type Page, withPage } from "../support/chromium.ts";
import { withFolder } from "../support/temporary.ts";
import { tinyMask, writeTinyDataset } from "../support/tiny_dataset.ts";

/** Twelve tiles of 16 x 16 of each annotated image of the tiny data set (48 x 64). */
const labels: TileLabel[] = [["train", "a"], ["train", "bb"], ["test", "cccc"]].flatMap(
  ([split, image]) =>
    Array.from({ length: 12 }, (_, i): TileLabel => ({
      image,
      split: split as "train" | "test",
      row: Math.floor(i / 4) * 16,
      column: (i % 4) * 16,
      crypt: i % 4 < 2,
      cryptShare: i % 4 < 2 ? 0.5 : 0,
      donor: image === "a" ? "</script>P1" : null,
    })),
);
const tiles: ExplorableTile[] = labels.map((l, i) => ({ ...l, dice: l.crypt ? i / 40 : null }));

/** Tile i lies at (i % 6, floor(i / 6)), train first; "mirrored" turns the picture round. */
function grid(mirrored: boolean): Embedding {
  const xy = Float32Array.from({ length: 72 }, (_, k) => {
    const i = k >> 1, v = k % 2 ? Math.floor(i / 6) : i % 6;
    return mirrored ? -v : v;
  });
  return {
    train: xy.slice(0, 48),
    test: xy.slice(48),
    quality: { trustworthiness: null, continuity: null },
  };
}

const embeddings = { pca: grid(false), umap: grid(true) };

async function pictures(folder: string) {
  await writeTinyDataset(folder);
  const { train, test } = await openDataset(folder);
  return await tilePictures([...train, ...test], labels, { tile: 16, size: 32 });
}

async function decode(uri: string) {
  const bytes = Uint8Array.from(atob(uri.split(",")[1]), (c) => c.charCodeAt(0));
  return await sharp(bytes).removeAlpha().raw().toBuffer({ resolveWithObject: true });
}

Deno.test("the sheet holds every tile at its place, with the outline of its crypt in orange", async () => {
  await withFolder(async (folder) => {
    const { sheet, columns, size, slides } = await pictures(folder);
    assert.deepEqual([columns, size], [32, 32]);
    const { data, info } = await decode(sheet);
    assert.deepEqual([info.width, info.height], [32 * 32, 2 * 32]);
    // Tile 5 (row 16, column 16) of "a" holds the crypt's right edge, at column 21 of the image.
    const orange = (tile: number, x: number, y: number) => {
      const left = (tile % 32) * 32 + x, top = Math.floor(tile / 32) * 32 + y;
      const [r, g, b] = data.subarray((top * info.width + left) * 3);
      return (r + g) / 2 - b;
    };
    assert.equal(tinyMask("a").data[20 * 64 + 20], 1);
    assert.equal(tinyMask("a").data[20 * 64 + 21], 0);
    assert.ok(orange(5, 9, 16) > 75, `outline: ${orange(5, 9, 16)}`);
    assert.ok(orange(5, 24, 16) < 45, `background: ${orange(5, 24, 16)}`);
    assert.deepEqual(
      slides.map(({ id, split, height, width }) => [id, split, height, width]),
      [["a", "train", 48, 64], ["bb", "train", 48, 64], ["cccc", "test", 48, 64]],
    );
    const overview = await decode(slides[0].picture);
    assert.deepEqual([overview.info.width, overview.info.height], [64, 48]);
    const image = await readRgb(join(folder, "train/a.tiff"));
    let apart = 0;
    for (let i = 0; i < image.data.length; i++) apart += Math.abs(image.data[i] - overview.data[i]);
    assert.ok(apart / image.data.length < 25, "the overview is the image, but for WebP's loss");
  });
});

Deno.test("tiles of an image that is not there are refused, and so are maps that do not fit", async () => {
  await withFolder(async (folder) => {
    const made = await pictures(folder);
    const stranger = [{ ...labels[0], image: "z" }];
    await assert.rejects(tilePictures([], stranger, { tile: 16 }), /image train\/z, which is not/);
    assert.throws(
      () => explorableFigure([{ ...tiles[0], image: "z" }], embeddings, made),
      /no picture of train image z/,
    );
    assert.throws(
      () => explorableFigure(tiles.slice(1), embeddings, made),
      /PCA must hold 23 train and 12 test points, got 24 and 12/,
    );
    assert.throws(() => explorableFigure(tiles, {}, made), /needs tiles and embeddings/);
  });
});

Deno.test("the figure carries everything it needs, and no text of the data can end its script", async () => {
  await withFolder(async (folder) => {
    const html = explorableFigure(tiles, embeddings, await pictures(folder));
    assert.equal(html.match(/<script/g)!.length, 1);
    assert.equal(html.match(/<\/script>/g)!.length, 1);
    assert.ok(!/https?:\/\/(?!www\.w3\.org)/.test(html), "no address");
    assert.match(html, /can be explored where scripts run/);
    assert.match(explorablePage(html, "a < b"), /<title>a &lt; b<\/title>/);
  });
});

/** What the page's state is, from outside of the shadow root. */
const HOST = `document.querySelector("[data-explorable]")`;
const inside = (page: Page, query: string, what: string) =>
  page.evaluate<string>(`${HOST}.shadowRoot.querySelector(${JSON.stringify(query)}).${what}`);
const state = async (page: Page) =>
  await page.evaluate<{ hovered: string; selected: string }>(`({...${HOST}.dataset})`);

/** Page coordinates of tile i in view v (the maps are grids, see {@link grid}). */
async function placeOf(page: Page, v: number, i: number): Promise<[number, number]> {
  const [left, top, side] = await page.evaluate<number[]>(
    `(() => { const c = ${HOST}.shadowRoot.querySelectorAll("canvas")[${v}];
      c.scrollIntoView({ block: "center" });
      const b = c.getBoundingClientRect(); return [b.left, b.top, b.width]; })()`,
  );
  // Both coordinates run over 0..5 and fill the unit square.
  const unit = [i % 6, Math.floor(i / 6)].map((k) => (v === 1 ? 5 - k : k) / 5);
  return [
    left + side * (24 + 592 * unit[0]) / 640,
    top + side * (616 - 592 * unit[1]) / 640,
  ];
}

/** The colour of a tile's dot in a view. */
async function dot(page: Page, v: number, i: number): Promise<number[]> {
  const unit = [i % 6, Math.floor(i / 6)].map((k) => (v === 1 ? 5 - k : k) / 5);
  return await page.evaluate<number[]>(
    `[...${HOST}.shadowRoot.querySelectorAll("canvas")[${v}].getContext("2d")
      .getImageData(${24 + Math.round(592 * unit[0])}, ${
      616 - Math.round(592 * unit[1])
    }, 1, 1).data]`,
  );
}

async function lasso(page: Page, points: [number, number][], shift = false) {
  await page.mouse("mousePressed", ...points[0], { buttons: 1, shift });
  for (const point of points.slice(1)) {
    await page.mouse("mouseMoved", ...point, { buttons: 1, shift });
  }
  await page.mouse("mouseReleased", ...points.at(-1)!, { shift });
}

/** Four corners around tiles a (lower left) and b (upper right) of view 0. */
async function around(page: Page, a: number, b: number): Promise<[number, number][]> {
  const [ax, ay] = await placeOf(page, 0, a), [bx, by] = await placeOf(page, 0, b), m = 12;
  return [[ax - m, ay + m], [bx + m, ay + m], [bx + m, by - m], [ax - m, by - m]];
}

Deno.test({
  name: chromiumPath
    ? "in Chromium: hover, lasso, colours and filter do what they say, offline"
    : "in Chromium: hover, lasso, colours and filter (skipped: no Chromium)",
  ignore: !chromiumPath,
  async fn(test) {
    await withFolder(async (folder) => {
      const html = explorableFigure(tiles, embeddings, await pictures(folder));
      const path = join(folder, "figure.html");
      await Deno.writeTextFile(path, explorablePage(html, "figure"));
      await withPage(`file://${path}`, (page) => exercise(page, test));
    });
  },
});

/**
 * A page that shows an output as JupyterLab and VS Code do: as inner HTML, whose scripts are then
 * made anew, and under VS Code's content security policy.
 */
function notebookPage(output: string): string {
  const policy = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; " +
    "img-src data:";
  const text = JSON.stringify(output).replaceAll("<", "\\u003c");
  return `<!doctype html><meta http-equiv="Content-Security-Policy" content="${policy}">
    <div id="output"></div><script>
    const place = document.getElementById("output");
    place.innerHTML = ${text};
    for (const old of place.querySelectorAll("script")) {
      const script = document.createElement("script");
      script.textContent = old.textContent;
      old.replaceWith(script);
    }</script>`;
}

Deno.test({
  name: chromiumPath
    ? "in Chromium: it works as a notebook's output, in several cells, under VS Code's policy"
    : "in Chromium: it works as a notebook's output (skipped: no Chromium)",
  ignore: !chromiumPath,
  async fn() {
    await withFolder(async (folder) => {
      const made = await pictures(folder), path = join(folder, "notebook.html");
      const outputs = [embeddings, { pca: grid(true) }].map((e) =>
        explorableFigure(tiles, e, made)
      );
      await Deno.writeTextFile(path, notebookPage(outputs.join("<p>another cell</p>")));
      await withPage(`file://${path}`, async (page) => {
        const views = await page.evaluate<number[]>(
          `[...document.querySelectorAll("[data-explorable]")].map((h) =>
            h.shadowRoot.querySelectorAll("canvas").length)`,
        );
        assert.deepEqual(views, [2, 1]);
        await page.mouse("mouseMoved", ...await placeOf(page, 1, 25));
        assert.equal((await state(page)).hovered, "25");
        const seen = await page.evaluate<boolean>(
          `(async () => { const i = ${HOST}.shadowRoot.querySelector(".slide img");
            await i.decode(); return i.naturalWidth > 0; })()`,
        );
        assert.ok(seen, "pictures are allowed");
        assert.deepEqual(page.complaints, []);
      });
    });
  },
});

async function exercise(page: Page, test: Deno.TestContext) {
  await test.step("it starts with nothing hovered or selected, and its colours in a legend", async () => {
    assert.deepEqual(
      { hovered: (await state(page)).hovered, selected: (await state(page)).selected },
      { hovered: "-1", selected: "0" },
    );
    assert.match(await inside(page, ".legend", "textContent"), /no crypt.*crypt/);
    assert.match(await inside(page, ".detail", "textContent"), /Point at a tile/);
  });

  await test.step("hovering shows the tile, its image, position, numbers and place on the slide", async () => {
    await page.mouse("mouseMoved", ...await placeOf(page, 1, 25));
    assert.equal((await state(page)).hovered, "25");
    const text = await inside(page, ".detail dl", "textContent");
    assert.match(
      text,
      /imageccccpositionrow 0, column 16splittestclasscryptcrypt share0\.500Dice0\.625$/,
    );
    // Tile 25 is in column 25 of the sheet's first row, shown at 192 pixels a tile.
    assert.equal(
      await inside(page, ".detail .tile", "style.backgroundPosition"),
      `${-25 * 192}px 0px`,
    );
    const frame = await page.evaluate<string[]>(
      `(({ left, top, width, height }) => [left, top, width, height])
        (${HOST}.shadowRoot.querySelector(".slide div").style)`,
    );
    assert.deepEqual(frame.map(parseFloat), [25, 0, 25, 100 / 3].map((v) => +v.toFixed(4)));
    // Its ring is drawn in the other view too: dark pixels beside the dot.
    const ring = (i: number) =>
      page.evaluate<number[]>(
        `[...${HOST}.shadowRoot.querySelectorAll("canvas")[0].getContext("2d")
          .getImageData(${24 + Math.round(592 * (i % 6) / 5) + 13}, ${
          616 - Math.round(592 * Math.floor(i / 6) / 5)
        }, 1, 1).data]`,
      );
    assert.deepEqual((await ring(25)).slice(0, 3), [0, 0, 0]);
    assert.ok((await ring(25))[3] > 200);
    assert.equal((await ring(20))[3], 0);
  });

  await test.step("leaving a view ends the hovering", async () => {
    await page.mouse("mouseMoved", 2, 2);
    assert.equal((await state(page)).hovered, "-1");
  });

  await test.step("a lasso in one view highlights the same tiles in the other", async () => {
    assert.ok((await dot(page, 1, 20))[3] > 190, "all dots are strong at first");
    await lasso(page, await around(page, 0, 7));
    assert.equal((await state(page)).selected, "4");
    for (const v of [0, 1]) {
      for (const i of [0, 1, 6, 7]) assert.ok((await dot(page, v, i))[3] > 250, `${v}: ${i}`);
      for (const i of [2, 20, 35]) assert.ok((await dot(page, v, i))[3] < 60, `${v}: ${i}`);
    }
    const summary = await inside(page, ".status", "textContent");
    // Of tiles 0, 1, 6 and 7 only 0 and 1 have crypt, with Dice 0 and 0.025.
    assert.equal(
      summary,
      "4 of 36 tiles selected · 2 of class crypt · mean crypt share 0.250 · mean Dice 0.013 · 0 of the test split",
    );
    assert.equal(await inside(page, ".strip", "children.length"), 4);
  });

  await test.step("a thumbnail of the selection points at its tile in the views", async () => {
    const [x, y] = await page.evaluate<number[]>(
      `(() => { const t = ${HOST}.shadowRoot.querySelectorAll(".strip .tile")[2];
        t.scrollIntoView({ block: "center" });
        const b = t.getBoundingClientRect(); return [b.left + 20, b.top + 20]; })()`,
    );
    await page.mouse("mouseMoved", x, y);
    assert.equal((await state(page)).hovered, "6");
  });

  await test.step("Shift adds, a click selects one tile, Escape and the button clear", async () => {
    await lasso(page, await around(page, 28, 35), true);
    assert.equal((await state(page)).selected, "8");
    await lasso(page, [await placeOf(page, 1, 14)]);
    assert.equal((await state(page)).selected, "1");
    await page.evaluate(`${HOST}.focus()`);
    await page.press("Escape");
    assert.equal((await state(page)).selected, "0");
    await lasso(page, await around(page, 0, 7));
    assert.equal((await state(page)).selected, "4");
    await page.evaluate(`${HOST}.shadowRoot.querySelector("button").click()`);
    assert.equal((await state(page)).selected, "0");
  });

  const choose = (name: string, value: string) =>
    page.evaluate(
      `(() => { const s = ${HOST}.shadowRoot.querySelector("[name=${name}]");
        s.value = ${JSON.stringify(value)}; s.dispatchEvent(new Event("change")); })()`,
    );

  await test.step("colours follow class, split, donor, crypt share, Dice and image", async () => {
    const names = await page.evaluate<string[]>(
      `[...${HOST}.shadowRoot.querySelector("[name=colour]").options].map((o) => o.text)`,
    );
    assert.deepEqual(names, ["class", "split", "donor", "crypt share", "Dice", "image"]);
    const colour = async (i: number) => (await dot(page, 0, i)).slice(0, 3).join();
    const near = async (i: number, wanted: number[]) => {
      const found = (await dot(page, 0, i)).slice(0, 3);
      assert.ok(found.every((v, c) => Math.abs(v - wanted[c]) <= 3), `${i}: ${found}`);
    };
    await near(0, [0xd5, 0x5e, 0x00]);
    await near(2, [0x00, 0x9e, 0x73]);
    await choose("colour", "split");
    await near(0, [0x00, 0x72, 0xb2]);
    await near(30, [0xe6, 0x9f, 0x00]);
    await choose("colour", "donor");
    assert.match(await inside(page, ".legend", "textContent"), /<\/script>P1.*unknown/);
    await near(20, [0xaa, 0xaa, 0xaa]);
    await choose("colour", "crypt share");
    await near(0, [33, 145, 140]);
    await near(2, [68, 1, 84]);
    await choose("colour", "Dice");
    await near(0, [68, 1, 84]);
    await near(2, [0xaa, 0xaa, 0xaa]);
    await choose("colour", "image");
    assert.equal(await colour(0), await colour(11));
    assert.notEqual(await colour(0), await colour(12));
  });

  await test.step("the filter hides tiles of the other split from sight and from the lasso", async () => {
    await choose("split", "test");
    assert.equal((await dot(page, 0, 0))[3], 0);
    assert.ok((await dot(page, 0, 30))[3] > 190);
    await lasso(page, await around(page, 0, 35));
    assert.equal((await state(page)).selected, "12");
    await page.mouse("mouseMoved", ...await placeOf(page, 0, 3));
    assert.equal((await state(page)).hovered, "-1");
    await choose("split", "all");
  });

  await test.step("nothing was asked of the network and nothing complained", () => {
    assert.deepEqual(page.requests.filter((r) => !/^(file|data):/.test(r)), []);
    assert.deepEqual(page.complaints, []);
  });
}
