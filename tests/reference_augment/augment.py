"""Makes augment.json: what albumentations 1.1.0 on OpenCV 4.5.5 makes of a closed-form sample.

    pip install --no-deps albumentations==1.1.0
    pip install opencv-python-headless==4.5.5.64 "numpy<2" "scikit-image<0.23" "scipy<1.12" PyYAML qudida
    python tests/reference_augment/augment.py

The image is floor(256 * (0.7 * u("augment:block", b) + 0.3 * u("augment:pixel", p))), p the flat index
over (40, 48, 3) and b over the 8 x 8 blocks (5, 6, 3), u the generator of tests/shared.ts; the mask
is where the first channel of the block is above 0.5. Arrays are base64 of their bytes.
"""
import base64
import json
import warnings
import zlib
from pathlib import Path

warnings.filterwarnings("ignore")

import albumentations
import cv2
import numpy as np
import skimage.transform
from albumentations.augmentations import functional as F
from albumentations.augmentations.geometric import functional as G
from scipy.ndimage import gaussian_filter

HEIGHT, WIDTH = 40, 48


def units(name: str, shape) -> np.ndarray:
    seed = zlib.crc32(name.encode())
    out = np.empty(int(np.prod(shape)))
    for i in range(out.size):
        z = (seed + (i + 1) * 0x9E3779B9) % 2**32
        z = ((z ^ z >> 16) * 0x21F0AAAD) % 2**32
        z = ((z ^ z >> 15) * 0x735A2D97) % 2**32
        out[i] = (z ^ z >> 15) / 2**32
    return out.reshape(shape)


blocks = np.kron(units("augment:block", (5, 6, 3)), np.ones((8, 8, 1)))
image = np.floor(256 * (0.7 * blocks + 0.3 * units("augment:pixel", (HEIGHT, WIDTH, 3)))).astype(np.uint8)
mask = (blocks[..., 0] > 0.5).astype(np.uint8)


class Drawn:
    """Closed-form numbers in place of a numpy RandomState."""

    def __init__(self):
        self.fields = iter(["augment:dx", "augment:dy"])

    def uniform(self, low, high, size):
        return low + (high - low) * units("augment:anchors", size)

    def rand(self, *shape):
        return units(next(self.fields), shape)


def pack(array) -> str:
    return base64.b64encode(np.ascontiguousarray(array, np.uint8).tobytes()).decode()


def both(warp, **settings):
    linear, nearest = cv2.INTER_LINEAR, cv2.INTER_NEAREST
    return {**settings, "image": pack(warp(image, linear)), "mask": pack(warp(mask, nearest))}


def shift_scale_rotate(angle, scale, dx, dy, border):
    mode = {"reflect": cv2.BORDER_REFLECT, "reflect-101": cv2.BORDER_REFLECT_101}[border]
    warp = lambda x, i: G.shift_scale_rotate(x, angle, scale, dx, dy, i, mode)
    return both(warp, angle=angle, scale=scale, dx=dx, dy=dy, border=border)


def elastic(alpha, sigma, affine):
    warp = lambda x, i: G.elastic_transform(x, alpha, sigma, affine, i, random_state=Drawn())
    return both(warp, alpha=alpha, sigma=sigma, affine=affine)


def optical(k):
    # The half pixel puts both of its centres in the middle; see lib/augment/optical_distortion.ts.
    return both(lambda x, i: F.optical_distortion(x, k, -0.5, -0.5, i), k=k)


def grid(across, down):
    return both(lambda x, i: F.grid_distortion(x, len(across) - 1, across, down, i), across=across, down=down)


def piecewise(points, deviation):
    """As albumentations' PiecewiseAffine.get_params_dependent_on_targets, with given moves."""
    moves = deviation * (2 * units("augment:moves", (points * points, 2)) - 1)
    y, x = np.linspace(0, HEIGHT, points), np.linspace(0, WIDTH, points)
    xx, yy = np.meshgrid(x, y)
    source = np.dstack([yy.flat, xx.flat])[0]
    target = source + moves * [HEIGHT, WIDTH]
    target = np.clip(target, 0, [HEIGHT - 1, WIDTH - 1])
    matrix = skimage.transform.PiecewiseAffineTransform()
    matrix.estimate(source[:, ::-1], target[:, ::-1])
    cells = matrix._tesselation.simplices
    # Which diagonal Qhull chose in each cell: true from its top left to its bottom right corner.
    falling = [
        bool(any({a, a + points + 1} <= set(cell) for cell in cells))
        for a in range(points * points)
        if a % points < points - 1 and a < points * (points - 1)
    ]
    warped = G.piecewise_affine(image, matrix, 1, "constant", 0)
    warped_mask = G.piecewise_affine(mask, matrix, 0, "constant", 0)
    return {"points": points, "deviation": deviation, "falling": falling, "image": pack(warped), "mask": pack(warped_mask)}


def smoothed(sigma):
    field = gaussian_filter(2 * units("augment:dx", (HEIGHT, WIDTH)) - 1, sigma)
    return {"sigma": sigma, "values": [round(float(v), 9) for v in field[::4, ::4].ravel()]}


cropped = np.ascontiguousarray(image[:37, :45])
result = {
    "versions": {"albumentations": albumentations.__version__, "opencv": cv2.__version__},
    "image": pack(image),
    "turns": [pack(np.rot90(image, n)) for n in range(4)],
    "shiftScaleRotate": [
        shift_scale_rotate(11.0, 1.13, 0.05, -0.03, "reflect"),
        shift_scale_rotate(-14.0, 0.82, -0.0625, 0.06, "reflect"),
        shift_scale_rotate(37.0, 0.9, 0.02, 0.04, "reflect-101"),
    ],
    "elastic": [elastic(0.2, 50, 5), elastic(20, 4, 0)],
    "smoothed": [smoothed(5), smoothed(24)],
    "optical": [optical(0.04), optical(-0.05)],
    "grid": [grid([0.83, 1.27, 0.9, 1.1, 1.3, 0.7], [1.1, 0.75, 1.2, 0.95, 1.05, 1.0])],
    "piecewise": [piecewise(4, 0.05)],
    "blur": [{"size": size, "image": pack(F.gaussian_blur(image, size))} for size in (3, 5, 7)],
    "hsv": [
        {"shifts": shifts, "image": pack(F.shift_hsv(image, *shifts))}
        for shifts in ([12.3, -20.7, 0.0], [-9.4, 22.0, 5.5])
    ],
    "lab": pack(cv2.cvtColor(image, cv2.COLOR_RGB2LAB)),
    "rgbOfLab": pack(cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_RGB2LAB), cv2.COLOR_LAB2RGB)),
    "clahe": [
        {"clip": 1.7, "height": HEIGHT, "width": WIDTH, "image": pack(F.clahe(image, 1.7))},
        {"clip": 2.0, "height": 37, "width": 45, "image": pack(F.clahe(cropped, 2.0))},
    ],
    "brightnessContrast": [
        {"alpha": a, "beta": b, "image": pack(F.brightness_contrast_adjust(image, a, b, True))}
        for a, b in ((1.21, -0.17), (0.73, 0.28))
    ],
    "noise": {
        "gauss": [-3.7, 0.4, 2.9],
        "image": pack(F.gauss_noise(image, np.array([-3.7, 0.4, 2.9]))),
    },
}
path = Path(__file__).with_suffix(".json")
path.write_text(json.dumps(result, indent=1) + "\n")
