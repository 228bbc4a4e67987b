/** All four embeddings as linked views in one piece of HTML that needs no kernel and no network. */
import { equalScales, extent } from "../figures/extent.ts";
import type { Embedding, EmbeddingMethod, TileLabel } from "../../embedding/mod.ts";
import type { TilePictures } from "./thumbnails.ts";
import { COLOURS, escapeXml, groupStyles } from "../figures/style.ts";

export { type SlideOverview, type TilePictures, tilePictures } from "./thumbnails.ts";

/** A tile and, where a prediction is known, its Dice in [0, 1] (see `tileDice`). */
export type ExplorableTile = TileLabel & { dice?: number | null };

const CLIENT = Deno.readTextFileSync(new URL("./client.js", import.meta.url));
const STYLE = Deno.readTextFileSync(new URL("./style.css", import.meta.url));

const VIEWS: Record<EmbeddingMethod, { title: string }> = {
  pca: { title: "PCA" },
  tsne: { title: "t-SNE" },
  umap: { title: "UMAP" },
  mds: { title: "MDS" },
};

/** How train and test share the plane of a view. */
const FRAMES = {
  placed: "test laid into the map of train",
  joint: "one map of train and test",
  apart: "train and test mapped apart",
};

/** What stands beside the title of a view. */
function noteOf({ frame }: Embedding): string {
  return frame ? FRAMES[frame] : "train";
}

/**
 * The explorable figure as an HTML fragment, for a notebook's output (`showHtml`) or a page
 * ({@link explorablePage}): hovering shows a tile, its outline, its place and its numbers; a lasso in
 * one view selects in all; colours by class, split, donor, crypt share, Dice and image. Script,
 * style and pictures are inside.
 *
 * @param tiles every row of the feature table, in its order
 * @param embeddings what `embed` gave for some or all methods with the same split
 * @param classes what tiles without and with `crypt` are called, see `cryptClasses`
 * @throws {RangeError} when embeddings or pictures do not fit the tiles
 */
export function explorableFigure(
  tiles: readonly ExplorableTile[],
  embeddings: Partial<Record<EmbeddingMethod, Embedding>>,
  pictures: TilePictures,
  classes: readonly [without: string, crypt: string] = ["no crypt", "crypt"],
): string {
  const methods = (Object.keys(VIEWS) as EmbeddingMethod[]).filter((m) => embeddings[m]);
  if (tiles.length === 0 || methods.length === 0) {
    throw new RangeError(
      `an explorable figure needs tiles and embeddings, got ${tiles.length} and ${methods.length}`,
    );
  }
  const slideOf = new Map(pictures.slides.map(({ split, id }, i) => [`${split}/${id}`, i]));
  const data = {
    tiles: tiles.map(({ image, dice = null, ...rest }) => {
      const slide = slideOf.get(`${rest.split}/${image}`);
      if (slide === undefined) throw new RangeError(`no picture of ${rest.split} image ${image}`);
      return { ...rest, dice, image: slide };
    }),
    modes: colourModes(tiles, classes),
    views: methods.map((m) => ({
      ...VIEWS[m],
      note: noteOf(embeddings[m]!),
      xy: unitSquare(m, embeddings[m]!, tiles),
    })),
    ...pictures,
  };
  const id = `explorable-${crypto.randomUUID()}`;
  // "<" inside of the script is written as an escape: no text in the data can end the script.
  const json = (value: unknown) => JSON.stringify(value).replaceAll("<", "\\u003c");
  return `<div data-explorable="${id}"><p>This figure can be explored where scripts run: in ` +
    `JupyterLab, VS Code or a browser.</p></div>\n<script>(() => {\n${CLIENT}\n` +
    `for (const host of document.querySelectorAll('[data-explorable="${id}"]')) ` +
    `explore(host, ${json(data)}, ${json(STYLE)});\n})();</script>`;
}

/** A complete HTML page around {@link explorableFigure}'s fragment. */
export function explorablePage(fragment: string, title: string): string {
  return `<!doctype html><html lang="en"><head><meta charset="utf-8">` +
    `<meta name="viewport" content="width=device-width"><title>${escapeXml(title)}</title></head>` +
    `<body>${fragment}</body></html>\n`;
}

/** What tiles can be coloured by; donors and Dice only where some are known. */
function colourModes(tiles: readonly ExplorableTile[], classes: readonly [string, string]) {
  const groups = (name: string, labels: (string | null)[], order: string[] = []) => {
    const names = [...new Set([...order, ...labels.filter((l) => l !== null)])];
    const styles = groupStyles(names);
    return {
      name,
      values: labels.map((l) => l === null ? null : names.indexOf(l)),
      groups: styles.map(({ label }, i) => ({
        label,
        // Images may be more than the palette has colours: then neighbours differ at least.
        colour: order.length ? styles[i].colour : COLOURS[i % COLOURS.length],
      })),
    };
  };
  const numbers = (name: string, values: (number | null)[]) => ({
    name,
    values: values.map((v) => v === null ? null : Math.round(v * 1000) / 1000),
  });
  const dice = tiles.map((t) => t.dice ?? null), donors = tiles.map((t) => t.donor);
  return [
    groups("class", tiles.map((t) => classes[t.crypt ? 1 : 0]), [...classes]),
    groups("split", tiles.map((t) => t.split), ["train", "test"]),
    ...(donors.some((d) => d !== null) ? [groups("donor", donors)] : []),
    numbers("crypt share", tiles.map((t) => t.cryptShare)),
    ...(dice.some((d) => d !== null) ? [numbers("Dice", dice)] : []),
    groups("image", tiles.map((t) => t.image)),
  ];
}

/**
 * Coordinates of all tiles in [0, 1], interleaved, with one scale for both axes; the few far beyond
 * all others lie at the edge.
 */
function unitSquare(
  method: EmbeddingMethod,
  { train, test = new Float32Array() }: Embedding,
  tiles: readonly ExplorableTile[],
): number[] {
  const counts = { train: 0, test: 0 };
  for (const { split } of tiles) counts[split]++;
  if (train.length !== 2 * counts.train || test.length !== 2 * counts.test) {
    throw new RangeError(
      `${VIEWS[method].title} must hold ${counts.train} train and ${counts.test} test points, ` +
        `got ${train.length / 2} and ${test.length / 2}`,
    );
  }
  const next = { train: 0, test: 0 }, points = { train, test };
  const xy = tiles.flatMap(({ split }) => {
    const at = 2 * next[split]++;
    return [points[split][at], points[split][at + 1]];
  });
  const ranges = equalScales(extent(xy, 0, 0), extent(xy, 1, 0));
  return xy.map((v, i) => {
    const [low, high] = ranges[i % 2];
    const share = Math.min(1, Math.max(0, (v - low) / (high - low)));
    return Math.round(1e4 * share) / 1e4;
  });
}
