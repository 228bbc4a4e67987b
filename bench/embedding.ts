/**
 * Time and quality of the four embeddings beside the npm packages and, where CRYPTS_SKLEARN_PYTHON
 * names a Python with scikit-learn and umap-learn, beside those.
 *
 *     deno run -A bench/embedding.ts [FEATURES.npy | ROWS…]
 *
 * Without an argument: 630 x 256, three overlapping clusters; a number gives as many rows of them.
 * The notebook Viz leaves its features in work/ as .npy. Times are those of one fit, ours in one
 * thread, distances included. Above 2,000 rows ours are the approximate methods, the exact ones stand
 * beside them up to 5,000, packages and scikit-learn's MDS are left out, everything runs once, and
 * quality is estimated from 2,000 rows.
 */
import { basename, join } from "node:path";
import {
  decodeNpy,
  divergence,
  type EmbeddingMethod,
  encodeNpy,
  EXACT_ROWS,
  jointProbabilities,
  landmarkMds,
  type Matrix,
  METHODS,
  neighbourTsne,
  pairDistances,
  pca,
  pcaFromDistances,
  planeDistances,
  RowDistances,
  sampledQuality,
  smacof,
  tsne,
} from "crypts/embedding";
import { createRandom } from "crypts/base";
import { packagedMds, packagedPca, packagedTsne } from "../lib/embedding/packages.ts";
import { umap } from "../lib/embedding/umap.ts";
import { clusters } from "./clusters.ts";
import { median, peakMegabytes, printMachine, printTable } from "./machine.ts";

type Fit = (m: Matrix, seed: number) => Float32Array;
interface Result {
  ms: number;
  xy: Float32Array;
}

const PERPLEXITY = 50, NEIGHBOURS = 15, MIN_DIST = 0.1;

const perplexityOf = (m: Matrix) => Math.min(PERPLEXITY, (m.rows - 1) / 3);
const umapOptions = (seed: number) => ({
  random: createRandom(seed),
  minDist: MIN_DIST,
  farthest: 1,
});
const neighboursOf = (m: Matrix, k: number) =>
  new RowDistances(m).nearest(Int32Array.from({ length: m.rows }, (_, i) => i), m, k, true);

const OWN: Record<EmbeddingMethod, Fit> = {
  pca: (m) => m.columns <= m.rows ? pca(m).train : pcaFromDistances(pairDistances(m), m.rows).train,
  tsne: (m, seed) => {
    const d = pairDistances(m), start = pcaFromDistances(d, m.rows).train;
    const options = { random: createRandom(seed), perplexity: perplexityOf(m), start };
    return tsne(d, m.rows, options).xy;
  },
  umap: (m, seed) => umap(neighboursOf(m, NEIGHBOURS - 1), m.rows, umapOptions(seed)).train,
  mds: (m, seed) => smacof(pairDistances(m), m.rows, { random: createRandom(seed) }),
};

const APPROXIMATE: Partial<Record<EmbeddingMethod, Fit>> = {
  tsne: (m, seed) =>
    neighbourTsne(neighboursOf(m, 3 * PERPLEXITY + 1), {
      random: createRandom(seed),
      perplexity: PERPLEXITY,
      start: pca(m).train,
    }).xy,
  mds: (m, seed) => landmarkMds(m, { random: createRandom(seed) }),
};

const PACKAGES: Partial<Record<EmbeddingMethod, Fit>> = {
  pca: (m) => packagedPca(m).train,
  tsne: (m, seed) =>
    packagedTsne(m, pairDistances(m), {
      random: createRandom(seed),
      perplexity: perplexityOf(m),
    }).xy,
  mds: (m, seed) => packagedMds(pairDistances(m), m.rows, { random: createRandom(seed) }),
};

const PACKAGE_NAMES = { pca: "ml-pca", tsne: "tsne-js", umap: "", mds: "druidjs" };

/** Medians of three fits after one that does not count; the slow packages run once. */
const PYTHON = `
import sys, json, time, warnings
import numpy as np
warnings.filterwarnings("ignore")
from sklearn.decomposition import PCA
from sklearn.manifold import TSNE, MDS
import umap
x, out = np.load(sys.argv[1]), sys.argv[2]
p = min(${PERPLEXITY}, (len(x) - 1) / 3)
fits = {
  "pca": lambda s: PCA(2, random_state=s).fit_transform(x),
  "tsne": lambda s: TSNE(2, perplexity=p, init="pca", random_state=s).fit_transform(x),
  "umap": lambda s: umap.UMAP(n_neighbors=${NEIGHBOURS}, min_dist=${MIN_DIST}, random_state=s).fit_transform(x),
  "mds": lambda s: MDS(2, n_init=4, init="random", random_state=s).fit_transform(x),
}
times = {}
large = len(x) > ${EXACT_ROWS}
for name, fit in fits.items():
    if large and name == "mds": continue
    runs = []
    quick = name in ("pca", "umap") and not large
    if quick: fit(0)
    for s in range(3 if quick else 1):
        a = time.perf_counter(); xy = fit(s); runs.append((time.perf_counter() - a) * 1000)
    np.save(f"{out}/{name}.npy", np.ascontiguousarray(xy, dtype=np.float32))
    times[name] = sorted(runs)[len(runs) // 2]
print(json.dumps(times))
`;

printMachine();
const tables: [string, Matrix][] = (Deno.args.length > 0 ? Deno.args : ["630"]).map((given) =>
  /^\d+$/.test(given)
    ? ["three overlapping clusters", clusters(Number(given), 256)]
    : [basename(given), decodeNpy(Deno.readFileSync(given), given)]
);
for (const [name, matrix] of tables) await benchTable(name, matrix);

async function benchTable(name: string, m: Matrix): Promise<void> {
  console.log(`## ${name}, ${m.rows} x ${m.columns}\n`);
  const large = m.rows > EXACT_ROWS, pairs = m.rows <= 5000;
  const joint = pairs && jointProbabilities(pairDistances(m), m.rows, perplexityOf(m));
  const reference = await scikitLearn(m);
  const rows = [["", "ms", "ratio", "trustworthiness", "KL / stress"]];
  for (const method of METHODS) {
    const approximate = large ? APPROXIMATE[method] : undefined, packaged = PACKAGES[method];
    const own = run(approximate ?? OWN[method], m, large ? 1 : 3);
    const others: [string, Result | undefined][] = [
      ["exact", approximate && pairs ? run(OWN[method], m, 1) : undefined],
      [PACKAGE_NAMES[method], packaged && !large ? run(packaged, m, 1) : undefined],
      [method === "umap" ? "umap-learn" : "scikit-learn", reference?.get(method)],
    ];
    const line = (label: string, { ms, xy }: Result) => {
      const { trustworthiness, stress } = sampledQuality(xy, m, undefined, method);
      const special = method === "tsne"
        ? joint ? divergence(joint, planeDistances(xy), m.rows).toFixed(4) : ""
        : stress?.toPrecision(6) ?? "";
      const kept = trustworthiness?.toFixed(4) ?? "";
      rows.push([label, ms.toFixed(0), (ms / own.ms).toFixed(2), kept, special]);
    };
    line(`${method} (${method === "umap" ? "umap-js" : "this project"})`, own);
    for (const [label, result] of others) if (result) line(`  ${label}`, result);
  }
  printTable(rows);
  console.log(`\npeak memory of this process ${peakMegabytes()} MiB\n`);
}

function run(fit: Fit, m: Matrix, repeats: number): Result {
  let xy = repeats > 1 ? fit(m, 0) : new Float32Array();
  const times = Array.from({ length: repeats }, (_, seed) => {
    const start = performance.now();
    xy = fit(m, seed);
    return performance.now() - start;
  });
  return { ms: median(times), xy };
}

async function scikitLearn(m: Matrix): Promise<Map<EmbeddingMethod, Result> | undefined> {
  const python = Deno.env.get("CRYPTS_SKLEARN_PYTHON");
  if (!python) {
    console.log("scikit-learn is left out: CRYPTS_SKLEARN_PYTHON names no Python\n");
    return undefined;
  }
  const folder = await Deno.makeTempDir({ prefix: "bench_embedding_" });
  try {
    await Deno.writeFile(join(folder, "x.npy"), encodeNpy(m.values, m.rows, m.columns));
    const { success, stdout, stderr } = await new Deno.Command(python, {
      args: ["-c", PYTHON, join(folder, "x.npy"), folder],
    }).output();
    if (!success) throw new Error(new TextDecoder().decode(stderr));
    const times: Partial<Record<EmbeddingMethod, number>> = JSON.parse(
      new TextDecoder().decode(stdout),
    );
    return new Map(
      METHODS.filter((method) => method in times).map((method) => {
        const path = join(folder, `${method}.npy`);
        return [method, {
          ms: times[method]!,
          xy: decodeNpy(Deno.readFileSync(path), path).values,
        }];
      }),
    );
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}
