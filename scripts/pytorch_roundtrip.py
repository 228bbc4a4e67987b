#!/usr/bin/env python3
"""Round trip of weights through real PyTorch and segmentation_models_pytorch 0.2.

Called by scripts/pytorch_roundtrip.ts, which does the other half:

    save DIR    builds models with random weights and running statistics, saves checkpoints in every
                form that lib/model reads, an input and the logits
    check DIR   loads the .safetensors that saveWeights wrote with the three lines of docs/models.md
                and compares its logits with those that PyTorch gave before
    time        medians of the works that bench/models.ts times, in PyTorch's own layout and channels_last

Needs torch, safetensors and segmentation-models-pytorch==0.2.0 (with efficientnet-pytorch==0.6.3,
pretrainedmodels, timm==0.4.12, torchvision); see docs/models.md.
"""

import json
import resource
import statistics
import sys
import time
from pathlib import Path

import torch

# A CPU build of torch beside torchvision's default build: the latter's own operators are not needed.
_register_fake = torch.library.register_fake
torch.library.register_fake = lambda op, *args, **kwargs: (
    (lambda f: f)
    if isinstance(op, str) and op.startswith("torchvision::")
    else _register_fake(op, *args, **kwargs)
)
import segmentation_models_pytorch as smp  # noqa: E402

CASES = [
    ("Unet", "efficientnet-b2"),
    ("UnetPlusPlus", "efficientnet-b0"),
    ("Linknet", "resnet50"),
    ("MAnet", "resnet18"),
]


def build(architecture, encoder):
    return getattr(smp, architecture)(encoder, encoder_weights=None, classes=2)


def save(folder):
    torch.manual_seed(7)
    image = torch.randn(2, 3, 96, 64)
    image.numpy().tofile(folder / "input.f32")
    cases = []
    for i, (architecture, encoder) in enumerate(CASES):
        model = build(architecture, encoder).train()
        with torch.no_grad():
            for _ in range(3):  # running statistics away from their start
                model(torch.randn(2, 3, 96, 64))
            logits = model.eval()(image)
        logits.numpy().tofile(folder / f"{i}.logits.f32")
        state = model.state_dict()
        strided = {k: v.to(memory_format=torch.channels_last) if v.dim() == 4 else v for k, v in state.items()}
        optimizer = torch.optim.Adam(model.parameters())
        nested = {"epoch": 3, "best": 0.07, "state_dict": state, "optimizer": optimizer.state_dict()}
        torch.save(state, folder / f"{i}.plain.pth")
        torch.save(strided, folder / f"{i}.strided.pth")
        torch.save(nested, folder / f"{i}.nested.pt")
        torch.save({f"module.{k}": v for k, v in state.items()}, folder / f"{i}.module.pth")
        for name, kind in (("half", torch.float16), ("bfloat", torch.bfloat16)):
            low = {k: v.to(kind) if v.is_floating_point() else v for k, v in state.items()}
            torch.save(low, folder / f"{i}.{name}.pth")
            rounded = build(architecture, encoder).eval()
            rounded.load_state_dict({k: v.to(state[k].dtype) for k, v in low.items()})
            with torch.no_grad():
                rounded(image).numpy().tofile(folder / f"{i}.{name}.logits.f32")
        torch.save(model.encoder.state_dict(), folder / f"{i}.encoder.pth")
        if i == 0:
            torch.save(model, folder / "whole_model.pth")
        cases.append({"architecture": architecture, "encoder": encoder, "shape": list(logits.shape)})
    save_encoders(folder, image)
    versions = {"torch": torch.__version__, "smp": smp.__version__}
    (folder / "cases.json").write_text(json.dumps({"cases": cases, "versions": versions}))


def save_encoders(folder, image):
    """Encoders as timm and torchvision build them, with their bottleneck where it must be equal."""
    import timm
    import torchvision
    from safetensors.torch import save_file

    def shaken(model):
        model.train()
        with torch.no_grad():
            for _ in range(3):
                model(torch.randn(2, 3, 96, 64))
        return model.eval()

    efficientnet = shaken(timm.create_model("tf_efficientnet_b1"))
    resnet = shaken(torchvision.models.resnet18(weights=None))
    with torch.no_grad():
        x = efficientnet.act1(efficientnet.bn1(efficientnet.conv_stem(image)))
        efficientnet.blocks(x).numpy().tofile(folder / "timm.f32")
        x = resnet.maxpool(resnet.relu(resnet.bn1(resnet.conv1(image))))
        for layer in (resnet.layer1, resnet.layer2, resnet.layer3, resnet.layer4):
            x = layer(x)
        x.numpy().tofile(folder / "resnet.f32")
    torch.save(efficientnet.state_dict(), folder / "timm.pth")
    torch.save(resnet.state_dict(), folder / "resnet.pth")
    # torchvision's EfficientNets pad and normalize differently: only their names are compared.
    other = torchvision.models.efficientnet_b1(weights=None)
    save_file(other.state_dict(), folder / "torchvision.safetensors")


def check(folder):
    from safetensors.torch import load_file

    image = torch.frombuffer(bytearray((folder / "input.f32").read_bytes()), dtype=torch.float32)
    image = image.reshape(2, 3, 96, 64)
    worst = []
    for i, (architecture, encoder) in enumerate(CASES):
        model = build(architecture, encoder)
        model.load_state_dict(load_file(folder / f"{i}.ours.safetensors"))
        with torch.no_grad():
            logits = model.eval()(image)
        raw = bytearray((folder / f"{i}.logits.f32").read_bytes())
        want = torch.frombuffer(raw, dtype=torch.float32).reshape(logits.shape)
        worst.append(float((logits - want).abs().max() / want.std()))
    print(json.dumps(worst))


def timed(work, repeats):
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        times.append(1000 * (time.perf_counter() - start))
    return statistics.median(times[1:])


def times():
    torch.set_num_threads(2)
    rows = {}
    for encoder, side, batch, training in [
        ("efficientnet-b0", 128, 8, True),
        ("efficientnet-b0", 128, 8, False),
        ("efficientnet-b2", 256, 2, True),
        ("efficientnet-b2", 256, 2, False),
        ("efficientnet-b2", 512, 2, True),
        ("efficientnet-b2", 512, 2, False),
        ("efficientnet-b2", 512, 1, False),
    ]:
        key = f"{encoder} {side} {batch} {'training' if training else 'evaluation'}"
        rows[key] = {
            name: time_layout(layout, encoder, side, batch, training)
            for name, layout in (("default", torch.contiguous_format), ("channels_last", torch.channels_last))
        }
    # Of all works together: the process is one.
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"torch": torch.__version__, "times": rows, "peak": peak}))


def time_layout(layout, encoder, side, batch, training):
    model = build("Unet", encoder).train(training).to(memory_format=layout)
    image = torch.randn(batch, 3, side, side).contiguous(memory_format=layout)
    target = torch.randint(0, 2, (batch, side, side))
    optimizer = torch.optim.Adam(model.parameters())

    def step():
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(model(image), target).backward()
        optimizer.step()

    def evaluate():
        with torch.inference_mode():
            model(image)

    return timed(step if training else evaluate, 6 if training else 8)


if __name__ == "__main__":
    command = sys.argv[1] if len(sys.argv) > 1 else ""
    if command == "time":
        times()
    elif command in ("save", "check") and len(sys.argv) == 3:
        {"save": save, "check": check}[command](Path(sys.argv[2]))
    else:
        sys.exit(__doc__)
