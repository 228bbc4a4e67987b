#!/usr/bin/env python3
"""Small checkpoints as PyTorch itself writes them, with the values they hold.

    python tests/reference/checkpoints.py > tests/reference/checkpoints.json

Made with torch==2.13.0 (CPU) and numpy==2.4.6 on Python 3.11. Each case holds the file (base64), the
tensors that PyTorch's weights_only loader gives for it (null where that loader refuses it), and which
entries are the weights.
"""

import base64
import io
import json
from collections import Counter, OrderedDict, defaultdict

import numpy as np
import torch
from torch import nn

WEIGHT = torch.arange(6, dtype=torch.float32).reshape(2, 3) / 4
cases = {}


def saved(value, **options):
    buffer = io.BytesIO()
    torch.save(value, buffer, **options)
    return buffer.getvalue()


def listed(state):
    return {k: [list(v.shape), v.to(torch.float64).flatten().tolist()] for k, v in state.items()}


def case(name, value, state=None, **options):
    raw = saved(value, **options)
    try:
        torch.load(io.BytesIO(raw), weights_only=True)
        safe = True
    except Exception:  # noqa: BLE001 - whatever the loader refuses by
        safe = False
    cases[name] = {
        "file": base64.b64encode(raw).decode(),
        "weights_only": safe,
        "tensors": None if state is None else listed(state),
    }


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 2, 1)
        self.bn = nn.BatchNorm2d(2)
        with torch.no_grad():
            self.conv.weight.copy_(torch.tensor([0.5, -1.5]).reshape(2, 1, 1, 1))
            self.conv.bias.copy_(torch.tensor([0.25, 0.75]))


plain = {"a.weight": WEIGHT, "a.bias": torch.tensor([1.0, -2.0])}
case("dictionary", plain, plain)
case("legacy format", plain, plain, _use_new_zipfile_serialization=False)
case("legacy format, nested", {"epoch": 3, "state_dict": OrderedDict(plain)}, plain, _use_new_zipfile_serialization=False)
for protocol in (3, 4, 5):
    case(f"pickle protocol {protocol}", plain, plain, pickle_protocol=protocol)
torch.serialization.set_crc32_options(False)
case("without checksums", plain, plain)
torch.serialization.set_crc32_options(True)

types = {
    str(t).removeprefix("torch."): torch.tensor([0, 1, 3]).to(t)
    for t in (torch.float64, torch.float32, torch.float16, torch.bfloat16, torch.int64, torch.int32,
              torch.int16, torch.int8, torch.uint8, torch.bool)
}
case("number types", types, types)
case("number types, legacy format", types, types, _use_new_zipfile_serialization=False)
views = {
    "turned": WEIGHT.t(),
    "row": WEIGHT[1],
    "repeated": WEIGHT[0, 1].expand(4),
    "channels_last": torch.arange(24.0).reshape(1, 2, 3, 4).to(memory_format=torch.channels_last),
    "scalar": torch.tensor(3.5),
    "empty": torch.empty(0, 3),
    "again": WEIGHT,
}
case("views of shared storages", views, views)
case("views of shared storages, legacy format", views, views, _use_new_zipfile_serialization=False)
case("parameters", {k: nn.Parameter(v) for k, v in plain.items()}, plain)
attributed = nn.Parameter(WEIGHT.clone())
attributed.note = "kept beside"
case("a parameter with an attribute", {"a.weight": attributed}, {"a.weight": WEIGHT})

sides = {
    "counter": Counter("crypt"),
    "ordered": OrderedDict(a=1),
    "device": torch.device("cuda:0"),
    "dtype": torch.float16,
    "set": {1, "two"},
    "size": torch.Size([3, 4]),
    "bytes": b"\x00\xff",
    "bytearray": bytearray(b"abc"),
    "complex": 1 + 2j,
    "layout": torch.strided,
    "nothing": None,
    "nested": [(1, 2.5), {"x": (True, False)}],
    "big": 2**80,
    "negative": -(2**40),
    "mask": torch.tensor([True, False]),
    "bins": torch.arange(4, dtype=torch.uint8),
}
case("side values of the weights_only loader", {**sides, "state_dict": plain}, plain)
case("side values, legacy format", {**sides, "state_dict": plain}, plain, _use_new_zipfile_serialization=False)
case("numpy scalars beside the weights", {"best": np.float64(0.07), "step": np.int64(3), "state_dict": plain}, plain)
case("a defaultdict beside the weights", {"log": defaultdict(list), "state_dict": plain}, plain)
case("sparse and quantized tensors beside the weights", {
    "sparse": torch.eye(2).to_sparse(),
    "quantized": torch.quantize_per_tensor(torch.ones(2), 0.5, 0, torch.qint8),
    "complex": torch.ones(2, dtype=torch.complex64),
    "unsigned": torch.ones(2, dtype=torch.uint16),
    "state_dict": plain,
}, plain)

net = Net()
case("a module's state_dict", net.state_dict(), net.state_dict())
averaged = torch.optim.swa_utils.AveragedModel(net)
case("an averaged model", averaged.state_dict(), averaged.state_dict())
compiled = torch.compile(net)
case("a compiled model", compiled.state_dict(), compiled.state_dict())
parallel = nn.DataParallel(net)
case("a parallel model", parallel.state_dict(), parallel.state_dict())
optimizer = torch.optim.Adam(net.parameters())
for p in net.parameters():
    p.grad = torch.ones_like(p)
optimizer.step()
trained = {k: v.clone() for k, v in net.state_dict().items()}
schedule = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer)
case("a trainer's checkpoint", {
    "epoch": 3,
    "optimizer": optimizer.state_dict(),
    "schedule": schedule.state_dict(),
    "model_state_dict": trained,
}, trained)
case("a pickled model", net)
case("a pickled model, legacy format", net, _use_new_zipfile_serialization=False)
case("a tensor alone", WEIGHT)
case("numbers alone", {"epoch": 3})
script = torch.jit.script(nn.Sequential(nn.Linear(1, 1)))
buffer = io.BytesIO()
torch.jit.save(script, buffer)
cases["TorchScript"] = {"file": base64.b64encode(buffer.getvalue()).decode(), "weights_only": False, "tensors": None}

print(json.dumps({"torch": torch.__version__, "numpy": np.__version__, "cases": cases}, indent=1))
