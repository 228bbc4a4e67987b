#!/usr/bin/env python3
"""Checkpoints as trainers write them, for scripts/trainer_checkpoints.ts.

    python scripts/trainer_checkpoints.py DIR

Needs torch==2.13.0, segmentation-models-pytorch==0.5.0 (with timm==1.0.19, torchvision), lightning==2.5.*
and safetensors. Writes into DIR the checkpoints of one Unet with resnet18, scse attention and a
classification head, an input, and the logits.
"""

import json
import sys
import warnings
from pathlib import Path

import torch

# A CPU build of torch beside torchvision's default build: the latter's own operators are not needed.
_register_fake = torch.library.register_fake
torch.library.register_fake = lambda op, *args, **kwargs: (
    (lambda f: f)
    if isinstance(op, str) and op.startswith("torchvision::")
    else _register_fake(op, *args, **kwargs)
)
import lightning  # noqa: E402
import segmentation_models_pytorch as smp  # noqa: E402
from safetensors.torch import save_file  # noqa: E402
from torchmetrics import JaccardIndex  # noqa: E402

warnings.filterwarnings("ignore")
folder = Path(sys.argv[1])
torch.manual_seed(3)


def build():
    return smp.Unet(
        "resnet18", encoder_weights=None, classes=3, decoder_attention_type="scse",
        decoder_channels=(64, 32, 32, 16, 16), aux_params={"classes": 2},
    )


class Module(lightning.LightningModule):
    def __init__(self, lr=1e-3, widths=(64, 32)):
        super().__init__()
        self.save_hyperparameters()
        self.model = build()
        self.criterion = torch.nn.CrossEntropyLoss(weight=torch.ones(3))
        self.train_iou = JaccardIndex("multiclass", num_classes=3)
        self.register_buffer("mean", torch.zeros(3))

    def training_step(self, batch, _):
        image, mask = batch
        logits, _ = self.model(image)
        self.train_iou(logits.argmax(1), mask)
        self.log("train_iou", self.train_iou)
        return self.criterion(logits, mask)

    def configure_optimizers(self):
        optimizer = torch.optim.AdamW(self.parameters(), lr=self.hparams.lr)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 1e-3, total_steps=4)
        return [optimizer], [{"scheduler": schedule, "interval": "step"}]


module = Module()
data = [(torch.randn(3, 64, 64), torch.randint(0, 3, (64, 64))) for _ in range(4)]
trainer = lightning.Trainer(
    max_epochs=2, accelerator="cpu", logger=False, enable_progress_bar=False, default_root_dir=folder,
    callbacks=[lightning.pytorch.callbacks.ModelCheckpoint(folder, "lightning", monitor="train_iou")],
)
trainer.fit(module, torch.utils.data.DataLoader(data, batch_size=2))
trainer.save_checkpoint(folder / "lightning.ckpt")

model = module.model.cpu().eval()
image = torch.randn(1, 3, 64, 96)
with torch.no_grad():
    logits = model(image)[0]
image.numpy().tofile(folder / "input.f32")
logits.numpy().tofile(folder / "logits.f32")
state = model.state_dict()
averaged = torch.optim.swa_utils.AveragedModel(model)
torch.save(averaged.state_dict(), folder / "averaged.pth")
torch.save(torch.compile(model).state_dict(), folder / "compiled.pt")
torch.save(torch.compile(torch.nn.DataParallel(model)).state_dict(), folder / "compiled_parallel.pt")
torch.save({"net": state, "epoch": 3, "device": torch.device("cuda:0")}, folder / "net.tar")
torch.save(state, folder / "legacy.bin", _use_new_zipfile_serialization=False)
torch.save({"model": dict(model.named_parameters()) | dict(model.named_buffers())}, folder / "parameters.pth")
save_file({f"module.{k}": v for k, v in state.items()}, folder / "module.safetensors")
torch.save({f"model.{k}": v for k, v in state.items()} | {
    f"ema.module.{k}": v + 1 if v.is_floating_point() else v for k, v in state.items()
}, folder / "two.pth")
torch.save(torch.quantization.quantize_dynamic(torch.nn.Linear(2, 2)).state_dict(), folder / "refused.quantized.pth")
for name in ("FPN", "DeepLabV3Plus", "PAN"):
    other = getattr(smp, name)("resnet18", encoder_weights=None, classes=2)
    torch.save({"state_dict": {f"model.{k}": v for k, v in other.state_dict().items()}}, folder / f"refused.{name}.ckpt")
torch.save(model, folder / "refused.model.pth")
versions = {"torch": torch.__version__, "smp": smp.__version__, "lightning": lightning.__version__}
(folder / "versions.json").write_text(json.dumps(versions))
