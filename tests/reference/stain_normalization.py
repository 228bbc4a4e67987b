"""Makes stain_normalization.json: what torchstain (NumPy) makes of a closed-form H&E image.

    pip install torchstain; python tests/reference/stain_normalization.py

Pixel p of the 40 x 40 image holds 1.6 u(2p)^2 of the stain (0.60, 0.70, 0.38) and 0.9 u(2p + 1) of
(0.20, 0.85, 0.48), u the generator of tests/shared.ts seeded with crc32("stain").
"""
import json
import math
import zlib
from pathlib import Path

import numpy as np
import torchstain
from torchstain.numpy.normalizers.macenko import NumpyMacenkoNormalizer

SIDE = 40


def unit(seed: int, i: int) -> float:
    z = (seed + (i + 1) * 0x9E3779B9) % 2**32
    z = ((z ^ z >> 16) * 0x21F0AAAD) % 2**32
    z = ((z ^ z >> 15) * 0x735A2D97) % 2**32
    return (z ^ z >> 15) / 2**32


seed = zlib.crc32(b"stain")
image = np.zeros((SIDE * SIDE, 3), np.uint8)
for p in range(SIDE * SIDE):
    h, e = 1.6 * unit(seed, 2 * p) ** 2, 0.9 * unit(seed, 2 * p + 1)
    for c, (a, b) in enumerate([(0.60, 0.20), (0.70, 0.85), (0.38, 0.48)]):
        image[p, c] = math.floor(240 * math.exp(-a * h - b * e))
image = image.reshape(SIDE, SIDE, 3)

normalizer = NumpyMacenkoNormalizer()
normalized = normalizer.normalize(image, stains=False)[0]
normalizer.fit(image)
Path(__file__).with_suffix(".json").write_text(json.dumps({
    "version": torchstain.__version__ if hasattr(torchstain, "__version__") else "1.4.1",
    "imageSum": int(image.sum()),
    "vectors": normalizer.HERef.T.round(8).tolist(),
    "strength": normalizer.maxCRef.round(8).tolist(),
    "normalizedStart": normalized.reshape(-1)[:60].tolist(),
    "normalizedSum": int(normalized.sum()),
}, indent=1) + "\n")
