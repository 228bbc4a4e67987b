/**
 * Time and quality of the four embeddings beside the npm packages and, where CRYPTS_SKLEARN_PYTHON
 * names a Python with scikit-learn and umap-learn, beside those.
 *
 *     deno run -A bench/embedding.ts [FEATURES.npy…]
 *
 * Without a file: 630 x 256, three overlapping clusters. The notebook Viz leaves its features in
 * work/ as .npy. Times are those of one fit in one thread, distances included.
 */
import { basename, join } from "node:path";
import {
  decodeNpy,
  divergence,
  type EmbeddingMethod,
  encodeNpy,
  jointProbabilities,
  type Matrix,
  METHODS,
  pairDistances,
  pca,
  pcaFromDistances,
  planeDistances,
  rawStress,
  smacof,
  trustworthiness,
  tsne,
} from "crypts/embedding";
import { createRandom } from "crypts/base";
import { packagedMds, packagedPca, packagedTsne } from "../lib/embedding/packages.ts";
import { umap } from "../lib/embedding/umap.ts";
import { median, printMachine, printTable } from "./machine.ts";

type Fit = (m: Matrix, seed: number) => Float32Array;
interface Result {
  ms: number;
  xy: Float32Array;
}

const PERPLEXITY = 50, NEIGHBOURS = 15, MIN_DIST = 0.1;

const perplexityOf = (m: Matrix) => Math.min(PERPLEXITY, (m.rows - 1) / 3);
const umapOptions = (seed: number) => ({
  random: createRandom(seed),
  neighbours: NEIGHBOURS,
  minDist: MIN_DIST,
});

const OWN: Record<EmbeddingMethod, Fit> = {
  pca: (m) => m.columns <= m.rows ? pca(m).train : pcaFromDistances(pairDistances(m), m.rows).train,
  tsne: (m, seed) => {
    const d = pairDistances(m), start = pcaFromDistances(d, m.rows).train;
    const options = { random: createRandom(seed), perplexity: perplexityOf(m), start };
    return tsne(d, m.rows, options).xy;
  },
  umap: (m, seed) => umap(pairDistances(m), m.rows, umapOptions(seed)).train,
  mds: (m, seed) => smacof(pairDistances(m), m.rows, { random: createRandom(seed) }),
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
for name, fit in fits.items():
    runs = []
    if name in ("pca", "umap"): fit(0)
    for s in range(3 if name in ("pca", "umap") else 1):
        a = time.perf_counter(); xy = fit(s); runs.append((time.perf_counter() - a) * 1000)
    np.save(f"{out}/{name}.npy", np.ascontiguousarray(xy, dtype=np.float32))
    times[name] = sorted(runs)[len(runs) // 2]
print(json.dumps(times))
`;

printMachine();
const files = Deno.args.filter((a) => a.endsWith(".npy"));
const tables: [string, Matrix][] = files.length
  ? files.map((f) => [basename(f), decodeNpy(Deno.readFileSync(f), f)])
  : [["three overlapping clusters", clusters(630, 256)]];
for (const [name, matrix] of tables) await benchTable(name, matrix);

async function benchTable(name: string, m: Matrix): Promise<void> {
  console.log(`## ${name}, ${m.rows} x ${m.columns}\n`);
  const distances = pairDistances(m);
  const joint = jointProbabilities(distances, m.rows, perplexityOf(m));
  const reference = await scikitLearn(m);
  const rows = [["", "ms", "ratio", "trustworthiness", "KL / stress"]];
  for (const method of METHODS) {
    const own = run(OWN[method], m, 3), packaged = PACKAGES[method];
    const others: [string, Result | undefined][] = [
      [PACKAGE_NAMES[method], packaged && run(packaged, m, 1)],
      [method === "umap" ? "umap-learn" : "scikit-learn", reference?.get(method)],
    ];
    const line = (label: string, { ms, xy }: Result) => {
      const plane = planeDistances(xy);
      const special = method === "tsne"
        ? divergence(joint, plane, m.rows).toFixed(4)
        : method === "mds"
        ? rawStress(distances, plane).toPrecision(6)
        : "";
      const kept = trustworthiness(distances, plane, m.rows).toFixed(4);
      rows.push([label, ms.toFixed(0), (ms / own.ms).toFixed(2), kept, special]);
    };
    line(`${method} (${method === "umap" ? "umap-js" : "this project"})`, own);
    for (const [label, result] of others) if (result) line(`  ${label}`, result);
  }
  printTable(rows);
  console.log();
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
    const times: Record<EmbeddingMethod, number> = JSON.parse(new TextDecoder().decode(stdout));
    return new Map(METHODS.map((method) => {
      const path = join(folder, `${method}.npy`);
      return [method, { ms: times[method], xy: decodeNpy(Deno.readFileSync(path), path).values }];
    }));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Normal clouds around three centres that are about as far apart as the clouds are wide. */
function clusters(rows: number, columns: number): Matrix {
  const random = createRandom(11);
  const centres = Array.from(
    { length: 3 },
    () => Array.from({ length: columns }, () => random.normal(0, 0.2)),
  );
  const values = new Float32Array(rows * columns);
  for (let i = 0; i < rows; i++) {
    for (let c = 0; c < columns; c++) {
      // Falling deviations give the cloud directions that matter, as features have.
      values[i * columns + c] = centres[i % 3][c] + random.normal(0, 4 / (1 + c / 4));
    }
  }
  return { values, rows, columns };
}
