"""The small CLIP, made of open_clip's own parts, and how it learns."""

import math
import time
from typing import Any

import open_clip
import pytorch_lightning as pl
import torch
import torch.nn.functional as F
from batches import BATCH_IMAGES, CAPTIONS_PER_IMAGE, NUM_KIND_CLASSES, SHARE_WRAPPED, TWINS_PER_KIND
from torch import Tensor, nn

PEAK_LEARNING_RATE = 1.5e-3
SHARE_FINAL_RATE = 0.01
WEIGHT_DECAY = 0.1
WARM_UP_STEPS = 50
KINDS_WEIGHT = 2.0
CONTEXT = 32


def model_config(vocabulary_size: int) -> dict[str, Any]:
    """open_clip's configuration of the model."""
    return {
        "embed_dim": 128,
        "vision_cfg": {"image_size": 64, "layers": [1, 2, 2, 1], "width": 24, "head_width": 48, "patch_size": None},
        "text_cfg": {
            "context_length": CONTEXT,
            "vocab_size": vocabulary_size,
            "width": 128,
            "heads": 4,
            "layers": 3,
            "tokenizer_kwargs": {"bpe_path": "merges.txt.gz"},
        },
    }


def normalised(pixels: Tensor) -> Tensor:
    """Bytes (batch, height, width, channel) to what the image tower takes."""
    return (pixels.permute(0, 3, 1, 2).float() / 255 - 0.5) / 0.5


class WorldClip(pl.LightningModule):
    """CLIP's contrastive loss, and beside it a head that names the kinds of things, as a labelled pretraining would.

    The head makes learning much faster and is dropped on export.
    """

    def __init__(self, vocabulary_size: int, num_steps: int, peak_rate: float = PEAK_LEARNING_RATE) -> None:
        super().__init__()
        self.save_hyperparameters()
        config = model_config(vocabulary_size)
        text = {key: value for key, value in config["text_cfg"].items() if key != "tokenizer_kwargs"}
        self.clip = open_clip.CLIP(config["embed_dim"], config["vision_cfg"], text)
        self.kinds = nn.Linear(4 * config["vision_cfg"]["width"] * 32, 2 * NUM_KIND_CLASSES)
        self.num_steps, self.peak_rate = num_steps, peak_rate
        self.seconds_before, self.started = 0.0, time.monotonic()
        self.history: list[dict[str, float]] = []

    @property
    def seconds(self) -> float:
        """Wall time of all runs so far."""
        return self.seconds_before + time.monotonic() - self.started

    def encode_image(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        visual, x = self.clip.visual, normalised(pixels).to(memory_format=torch.channels_last)
        x = visual.layer4(visual.layer3(visual.layer2(visual.layer1(visual.stem(x)))))
        return F.normalize(visual.attnpool(x).float(), dim=-1), x.flatten(1)

    def encode_text(self, tokens: Tensor) -> Tensor:
        """As open_clip does, but short texts are run at their own length; the tower is causal, so nothing changes."""
        ends = tokens.argmax(dim=1)
        order = ends.argsort()
        states = [self._end_states(tokens[part], ends[part]) for part in order.chunk(4)]
        state = torch.cat(states)[order.argsort()]
        return F.normalize((state @ self.clip.text_projection).float(), dim=-1)

    def _end_states(self, tokens: Tensor, ends: Tensor) -> Tensor:
        length = int(ends.max()) + 1
        x = self.clip.token_embedding(tokens[:, :length]) + self.clip.positional_embedding[:length]
        x = self.clip.transformer(x, attn_mask=self.clip.attn_mask[:length, :length])
        return self.clip.ln_final(x[torch.arange(len(x), device=x.device), ends])

    def training_step(self, batch: dict[str, Tensor], _: int) -> Tensor:
        losses = []
        if "pixels" in batch:
            images, features = self.encode_image(batch["pixels"])
            named = self.kinds(features).float().unflatten(1, (2, -1)).flatten(0, 1)
            losses.append(KINDS_WEIGHT * F.cross_entropy(named, batch["kinds"].flatten()))
        else:
            images = batch["images"]  # encoded beforehand, by an image tower that stays as it is
        losses.append(self._contrastive_loss(images, self.encode_text(batch["tokens"])))
        if "twins" in batch:
            losses.append(self._twin_loss(images, batch["kinds"], batch["twins"]))
        self.last_losses = [float(loss.detach()) for loss in losses]
        return torch.stack(losses).sum()

    def _contrastive_loss(self, images: Tensor, texts: Tensor) -> Tensor:
        logits = self.clip.logit_scale.exp() * texts @ images.T
        targets = torch.arange(len(images), device=images.device).repeat(CAPTIONS_PER_IMAGE)
        text_to_image = F.cross_entropy(logits, targets)
        image_to_text = -logits.log_softmax(dim=0)[torch.arange(len(texts), device=texts.device), targets].mean()
        return (text_to_image + image_to_text) / 2

    def _twin_loss(self, images: Tensor, kinds: Tensor, twins: Tensor) -> Tensor:
        """Which of two images a text means that one of them makes true, and which of two texts an image makes true.

        Each image of a kind stands beside one of the batch without it, and a pair of texts about the kind beside both;
        or only the text that says that the kind is there.
        """
        has = F.one_hot(kinds, NUM_KIND_CLASSES)[:, :, :-1].amax(dim=1).bool()
        image, kind = has.nonzero(as_tuple=True)
        other = torch.multinomial((~has).T[kind].float(), 1).flatten()
        texts = self.encode_text(twins).unflatten(0, (NUM_KIND_CLASSES - 1, TWINS_PER_KIND, -1))
        two_texts = texts[kind, torch.randint(TWINS_PER_KIND, kind.shape, device=kind.device)]
        two_images = torch.stack([images[image], images[other]], dim=1)
        logits = self.clip.logit_scale.exp() * two_texts @ two_images.transpose(1, 2)
        num_texts = logits.shape[1]
        targets = torch.arange(2, device=kind.device)
        by_text = F.cross_entropy(logits.flatten(0, 1), targets[:num_texts].repeat(len(kind)))
        if num_texts == 1:
            return by_text
        by_image = F.cross_entropy(logits.transpose(1, 2).flatten(0, 1), targets.repeat(len(kind)))
        return (by_text + by_image) / 2

    def on_train_batch_start(self, *_: Any) -> None:
        warm = min(1.0, (self.global_step + 1) / WARM_UP_STEPS)
        cosine = (1 + math.cos(math.pi * self.global_step / self.num_steps)) / 2
        rate = self.peak_rate * warm * (SHARE_FINAL_RATE + (1 - SHARE_FINAL_RATE) * cosine)
        for group in self.optimizers().param_groups:
            group["lr"] = rate

    def on_train_batch_end(self, *_: Any) -> None:
        with torch.no_grad():
            self.clip.logit_scale.clamp_(0, math.log(100))

    def configure_optimizers(self) -> torch.optim.Optimizer:
        decayed = [p for p in self.parameters() if p.ndim >= 2]
        others = [p for p in self.parameters() if p.ndim < 2]
        groups = [{"params": decayed, "weight_decay": WEIGHT_DECAY}, {"params": others, "weight_decay": 0.0}]
        return torch.optim.AdamW(groups, lr=self.peak_rate, betas=(0.9, 0.98))

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        checkpoint["seconds"], checkpoint["history"] = self.seconds, self.history

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        self.seconds_before, self.history = checkpoint["seconds"], checkpoint["history"]


def recipe() -> dict[str, Any]:
    """What the training record says of how the model was trained."""
    return {
        "loss": "CLIP's symmetric cross-entropy, plus cross-entropy of the kinds of things read off the image features",
        "kinds_weight": KINDS_WEIGHT,
        "optimizer": "AdamW, betas 0.9 and 0.98, gradients clipped at norm 1",
        "peak_learning_rate": PEAK_LEARNING_RATE,
        "schedule": f"cosine over the steps to {SHARE_FINAL_RATE:.0%} of the peak, {WARM_UP_STEPS} steps of warm-up",
        "weight_decay": WEIGHT_DECAY,
        "batch_images": BATCH_IMAGES,
        "captions_per_image": CAPTIONS_PER_IMAGE,
        "share_of_wrapped_captions": SHARE_WRAPPED,
        "precision": "bf16 autocast, weights in fp32",
        "data": "train split of the world, every scene rendered once",
    }
