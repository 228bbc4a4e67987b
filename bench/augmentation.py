"""The baseline of bench/augmentation.ts: albumentations 1.1 on one thread; prints JSON.

    pip install --no-deps albumentations==1.1.0
    pip install opencv-python-headless==4.5.5.64 "numpy<2" "scikit-image<0.23" "scipy<1.12" PyYAML qudida
    python bench/augmentation.py SIDE IMAGE MASK REPEATS COMPOSITIONS   (raw bytes, RGB and 0/1)
"""
import json
import random
import statistics
import sys
import time
import warnings

warnings.filterwarnings("ignore")

import albumentations as A
import cv2
import numpy as np

side, image_path, mask_path, repeats, compositions = sys.argv[1:]
side, repeats, compositions = int(side), int(repeats), int(compositions)
image = np.fromfile(image_path, np.uint8).reshape(side, side, 3)
mask = np.fromfile(mask_path, np.uint8).reshape(side, side)
cv2.setNumThreads(1)
random.seed(1)
np.random.seed(1)

shift_scale_rotate = A.ShiftScaleRotate(
    shift_limit=0.0625, scale_limit=0.2, rotate_limit=15, p=0.9, border_mode=cv2.BORDER_REFLECT
)
distortions = [
    A.ElasticTransform(p=0.3),
    A.GaussianBlur(p=0.3),
    A.GaussNoise(p=0.3),
    A.OpticalDistortion(p=0.3),
    A.GridDistortion(p=0.1),
    A.PiecewiseAffine(p=0.3),
]
colours = [
    A.HueSaturationValue(15, 25, 0),
    A.CLAHE(clip_limit=2),
    A.RandomBrightnessContrast(brightness_limit=0.3, contrast_limit=0.3),
]
flips = [A.HorizontalFlip(), A.VerticalFlip(), A.RandomRotate90()]
every = [*flips, shift_scale_rotate, *distortions, *colours]
composition = A.Compose([*flips, shift_scale_rotate, A.OneOf(distortions, p=0.3), A.OneOf(colours, p=0.3)])


def milliseconds(transform) -> float:
    times = []
    for _ in range(repeats + 1):
        start = time.perf_counter()
        transform(force_apply=True, image=image, mask=mask)
        times.append(1000 * (time.perf_counter() - start))
    return statistics.median(times[1:])


result = {type(transform).__name__: milliseconds(transform) for transform in every}
start = time.perf_counter()
for _ in range(compositions):
    composition(image=image, mask=mask)
result["composition"] = 1000 * (time.perf_counter() - start) / compositions
print(json.dumps(result))
