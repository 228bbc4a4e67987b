"""Makes embedding.json: what scikit-learn and umap-learn say about a closed-form data set.

    pip install scikit-learn umap-learn; python tests/reference/embedding.py

The 120 x 16 matrix is x[i, j] = u(i * 16 + j) + (j == i % 3), u the generator of tests/shared.ts
seeded with crc32("embedding"); points 0..89 are train, the rest test.
"""
import json
import warnings
import zlib
from pathlib import Path

import numpy as np
import sklearn
import umap
from scipy.spatial.distance import pdist, squareform
from sklearn.decomposition import PCA
from sklearn.manifold import MDS, TSNE, trustworthiness
from sklearn.manifold._t_sne import _joint_probabilities
from umap.umap_ import find_ab_params, fuzzy_simplicial_set

warnings.filterwarnings("ignore")
ROWS, COLUMNS, TRAIN = 120, 16, 90


def unit(seed: int, i: int) -> float:
    z = (seed + (i + 1) * 0x9E3779B9) % 2**32
    z = ((z ^ z >> 16) * 0x21F0AAAD) % 2**32
    z = ((z ^ z >> 15) * 0x735A2D97) % 2**32
    return (z ^ z >> 15) / 2**32


seed = zlib.crc32(b"embedding")
x = np.array([[unit(seed, i * COLUMNS + j) + (j == i % 3) for j in range(COLUMNS)]
              for i in range(ROWS)], dtype=np.float32).astype(np.float64)
train, test = x[:TRAIN], x[TRAIN:]
distances = squareform(pdist(x))

pca = PCA(2, svd_solver="full").fit(train)
plane = pca.transform(train)
joint = squareform(_joint_probabilities((distances**2).astype(np.float32), 20, 0))
graph = fuzzy_simplicial_set(x, 15, np.random.RandomState(0), "euclidean")[0].toarray()
tsne = [TSNE(2, perplexity=20, init="pca", method="exact", random_state=s).fit(x) for s in range(5)]
mds = [MDS(2, n_init=4, init="random", random_state=s).fit(x) for s in range(5)]
maps = [umap.UMAP(random_state=s).fit(x) for s in range(5)]
rounded = lambda a: [float(f"{v:.8g}") for v in np.ravel(a)]
reference = {
    "versions": {"scikit-learn": sklearn.__version__, "umap-learn": umap.__version__},
    "pca": {
        "explained": rounded(pca.explained_variance_ratio_),
        "train": rounded(plane[:10]),
        "test": rounded(pca.transform(test)[:10]),
        "trustworthiness12": trustworthiness(train, plane, n_neighbors=12),
        "trustworthiness5": trustworthiness(train, plane, n_neighbors=5),
        "continuity12": trustworthiness(plane, train, n_neighbors=12),
    },
    "tsne": {
        "jointRow0": rounded(joint[0]),
        "divergence": rounded([t.kl_divergence_ for t in tsne]),
        "trustworthiness": rounded([trustworthiness(x, t.embedding_, n_neighbors=12) for t in tsne]),
    },
    "umap": {
        "graphRow0": rounded(graph[0]),
        "graphSum": float(graph.sum()),
        "curves": {str(d): rounded(find_ab_params(1.0, d)) for d in (0.05, 0.1, 0.5)},
        "trustworthiness": rounded([trustworthiness(x, m.embedding_, n_neighbors=12) for m in maps]),
    },
    "mds": {
        "stress": rounded([m.stress_ for m in mds]),
    },
}
# Which sum scikit-learn calls stress_: 1 where it is over pairs, 2 where it is over ordered pairs.
own = ((squareform(pdist(mds[0].embedding_)) - distances) ** 2).sum() / 2
reference["mds"]["stressOverPairs"] = float(mds[0].stress_ / own)
Path(__file__).with_suffix(".json").write_text(json.dumps(reference, indent=1) + "\n")
