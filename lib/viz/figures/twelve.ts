/** The twelve figures of the original: four methods, each by split and by class. */
import type { Embedding, EmbeddingMethod, EmbeddingQuality } from "../../embedding/mod.ts";
import { scatterFigure, type ScatterOptions } from "./scatter.ts";
import { writeFigure } from "./write.ts";

/** What the twelve figures need to know of each row of the feature table. */
export interface EmbeddedTile {
  split: "train" | "test";
  crypt: boolean;
}

/** One of the twelve figures. */
export interface NamedFigure {
  /** The original's file name without extension, e.g. `TSNE_train_class`. */
  name: string;
  svg: string;
}

/** How the methods are written in figures and tables. */
export const METHOD_TITLES: Readonly<Record<EmbeddingMethod, string>> = {
  pca: "PCA",
  tsne: "t-SNE",
  umap: "UMAP",
  mds: "MDS",
};

/**
 * Draws `{PCA,TSNE,UMAP,MDS}_{train_test,train_class,test_class}` and writes each as SVG and JPEG
 * to `outDir`. Colours are the same in all of them.
 *
 * @param embeddings what `embed` gave for each method with the same split
 * @param tiles every row of the feature table, in its order
 * @param classes what tiles without and with `crypt` are called, see `cryptClasses`
 * @returns the figures row by row, for a contact sheet; without test tiles the four of train by class
 * @throws {RangeError} when an embedding does not fit the tiles
 */
export async function twelveFigures(
  embeddings: Record<EmbeddingMethod, Embedding>,
  tiles: readonly EmbeddedTile[],
  outDir: string,
  classes: readonly [without: string, crypt: string] = ["no crypt", "crypt"],
): Promise<NamedFigure[]> {
  const figures = (Object.keys(METHOD_TITLES) as EmbeddingMethod[])
    .flatMap((method) => figuresOf(method, embeddings[method], tiles, classes));
  // 1080 pixels: the SVG is for print, and all twelve stay small enough to be committed.
  for (const { name, svg } of figures) await writeFigure(`${outDir}/${name}`, svg, 1.5);
  return figures;
}

/** What may be compared between train and test, by how they share the plane. */
const FRAMES = {
  placed: "test laid into the map that train was fitted to",
  joint: "one map of both",
  apart: "mapped apart: shapes compare, places do not",
};

function figuresOf(
  method: EmbeddingMethod,
  embedding: Embedding,
  tiles: readonly EmbeddedTile[],
  classes: readonly [string, string],
): NamedFigure[] {
  const train = tiles.filter((t) => t.split === "train");
  const test = tiles.filter((t) => t.split === "test");
  const testXy = embedding.test ?? new Float32Array();
  if (
    embedding.train.length !== 2 * train.length ||
    testXy.length !== 2 * test.length
  ) {
    throw new RangeError(
      `${METHOD_TITLES[method]} must hold ${train.length} train and ${test.length} test points, ` +
        ` got ${embedding.train.length / 2} and ${testXy.length / 2}`,
    );
  }
  const title = embedding.approximation
    ? embedding.approximation[0].toUpperCase() + embedding.approximation.slice(1) + ","
    : METHOD_TITLES[method];
  const file = method.toUpperCase();
  const axes = axesOf(method, embedding.quality);
  const classOf = (t: EmbeddedTile) => classes[t.crypt ? 1 : 0];
  const byClass = (xy: Float32Array, which: EmbeddedTile[], split: string, q?: EmbeddingQuality) =>
    scatterFigure({ xy, groups: which.map(classOf) }, {
      title: `${title} of the ${split} tiles by class`,
      subtitle: describe(q, which.length),
      order: classes,
      ...axes,
    });
  const trainClass = {
    name: `${file}_train_class`,
    svg: byClass(embedding.train, train, "train", embedding.quality),
  };
  if (test.length === 0) return [trainClass];
  const both = scatterFigure({
    xy: Float32Array.of(...embedding.train, ...testXy),
    groups: [...train, ...test].map((t) => t.split),
  }, {
    title: `${title} of train and test tiles`,
    subtitle: `${train.length} train and ${test.length} test tiles, ` +
      FRAMES[embedding.frame ?? "apart"],
    order: ["train", "test"],
    ...axes,
  });
  return [
    { name: `${file}_train_test`, svg: both },
    trainClass,
    { name: `${file}_test_class`, svg: byClass(testXy, test, "test", embedding.testQuality) },
  ];
}

function axesOf(method: EmbeddingMethod, quality: EmbeddingQuality): Partial<ScatterOptions> {
  if (method === "pca") {
    const [a, b] = (quality.explained ?? [0, 0]).map((v) => `${(100 * v).toFixed(1)}% of variance`);
    return { xLabel: `component 1 (${a})`, yLabel: `component 2 (${b})` };
  }
  // Only MDS, like PCA, places points by distances that can be read off; the others' axes have no unit.
  return {
    xLabel: `${METHOD_TITLES[method]} 1`,
    yLabel: `${METHOD_TITLES[method]} 2`,
    ticks: method === "mds",
  };
}

function describe(quality: EmbeddingQuality | undefined, points: number): string {
  const sampled = quality?.sampled;
  const parts = [sampled ? `${sampled} of ${points} tiles judged` : `${points} tiles`];
  const add = (name: string, value: number | null | undefined) => {
    if (value !== null && value !== undefined) parts.push(`${name} ${value.toFixed(3)}`);
  };
  add("trustworthiness", quality?.trustworthiness);
  // The line has no room for both.
  if (!sampled) add("continuity", quality?.continuity);
  add("KL", quality?.divergence);
  add("stress-1", quality?.stressOne);
  const known = quality?.separation;
  if (known) {
    parts.push(
      `5-NN balanced accuracy ${known.balanced.toFixed(2)} (chance ${known.chance.toFixed(2)})`,
    );
  }
  return parts.join(" · ");
}
