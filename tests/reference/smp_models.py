#!/usr/bin/env python3
"""Names of every architecture's state_dict, and logits of decoders with scse attention, from smp.

    python tests/reference/smp_models.py > tests/reference/smp_models.json

Made with segmentation-models-pytorch==0.5.0, timm==1.0.19, torch==2.13.0 (CPU), huggingface_hub==0.34.4
on Python 3.11. Weights and inputs are the closed-form ones of ../shared/README.md, so that no weight file
is needed; names of DeepLabV3 are also given as smp 0.2 to 0.4 had them (a Sequential).
"""

import json
import math
import zlib

import numpy as np
import torch

# A CPU build of torch beside torchvision's default build: the latter's own operators are not needed.
_register_fake = torch.library.register_fake
torch.library.register_fake = lambda op, *args, **kwargs: (
    (lambda f: f)
    if isinstance(op, str) and op.startswith("torchvision::")
    else _register_fake(op, *args, **kwargs)
)
import segmentation_models_pytorch as smp  # noqa: E402

ARCHITECTURES = [
    "Unet", "UnetPlusPlus", "Linknet", "MAnet", "FPN", "PSPNet", "PAN", "DeepLabV3", "DeepLabV3Plus",
    "UPerNet", "Segformer", "DPT",
]
SCSE = [
    {"architecture": "Unet", "encoder": "resnet18", "decoderChannels": [48, 32, 32, 16, 16]},
    {"architecture": "UnetPlusPlus", "encoder": "resnet18", "decoderChannels": [48, 32, 32, 16, 16]},
]


def units(name, count):
    seed = zlib.crc32(name.encode())
    i = np.arange(1, count + 1, dtype=np.uint64)
    mask = np.uint64(0xFFFFFFFF)
    z = (np.uint64(seed) + i * np.uint64(0x9E3779B9)) & mask
    z = ((z ^ (z >> np.uint64(16))) * np.uint64(0x21F0AAAD)) & mask
    z = ((z ^ (z >> np.uint64(15))) * np.uint64(0x735A2D97)) & mask
    return (z ^ (z >> np.uint64(15))).astype(np.float64) / 2**32


def closed_form(name, shape):
    count = math.prod(shape)
    if name.endswith("num_batches_tracked"):
        return torch.zeros(shape, dtype=torch.int64)
    if name.endswith(("running_mean", "bias")):
        low, high = -0.1, 0.1
    elif name.endswith("running_var") or len(shape) == 1:
        low, high = 0.8, 1.2
    else:
        gain = 1 if name.startswith("encoder.layer") else 2
        high = math.sqrt(gain * 3 / math.prod(shape[1:]))
        low = -high
    values = low + (high - low) * units(name, count)
    return torch.from_numpy(values.astype(np.float32)).reshape(shape)


def image(name, height, width):
    rows, columns = -(-height // 8), -(-width // 8)
    blocks = units(f"{name}:block", 3 * rows * columns).reshape(3, rows, columns)
    blocks = blocks.repeat(8, axis=1).repeat(8, axis=2)[:, :height, :width]
    pixels = units(f"{name}:pixel", 3 * height * width).reshape(3, height, width)
    values = 1.5 * (2 * blocks - 1) + 0.5 * (2 * pixels - 1)
    return torch.from_numpy(values.astype(np.float32))[None]


names = {}
for architecture in ARCHITECTURES:
    options = {} if architecture == "DPT" else {"encoder_name": "resnet18"}
    state = getattr(smp, architecture)(encoder_weights=None, classes=2, **options).state_dict()
    names[architecture] = [k for k in state if not k.startswith("encoder.")]

cases = []
for config in SCSE:
    model = getattr(smp, config["architecture"])(
        config["encoder"], encoder_weights=None, classes=2,
        decoder_channels=config["decoderChannels"], decoder_attention_type="scse",
    )
    model.load_state_dict({k: closed_form(k, tuple(v.shape)) for k, v in model.state_dict().items()})
    with torch.no_grad():
        logits = model.eval()(image("input64x32", 64, 32))[0]
    flat = logits.flatten()
    picked = list(range(0, flat.numel(), 41))
    cases.append({
        "config": config,
        "parameters": [[k, list(v.shape)] for k, v in model.state_dict().items()],
        "mean": float(flat.double().mean()),
        "std": float(flat.double().std(unbiased=False)),
        "index": picked,
        "logits": [float(flat[i]) for i in picked],
    })

print(json.dumps({
    "smp": smp.__version__,
    "torch": torch.__version__,
    "names": names,
    "scse": {"input": {"name": "input64x32", "height": 64, "width": 32}, "cases": cases},
}))
