"""Training of one module on frozen regional features, through Lightning; part of the training images chooses the epoch.

One run, from the call to the answer: the training images are split once by the seed into a part that is learned from
and a part that only chooses the epoch; each epoch goes through the first in an order drawn from (seed, epoch); after it
the average precision on the known labels of the second is taken and the state with the highest is kept; when it hasn't
risen for ``patience`` epochs the run ends. After every epoch the whole state is written to ``last.ckpt``, whole or not
at all, and a run that finds it goes on from there, bit for bit where one process on a CPU does. Test images have no
part in it.
"""

import logging
import math
import os
import sys
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

import numpy as np
import pytorch_lightning as pl
import torch
from jaxtyping import Float, Int
from torch.utils.data import DataLoader, Dataset, Sampler
from typing_extensions import override

from misfire.core.errors import IntegrityError, UsageError, name_some
from misfire.core.files import atomic_path
from misfire.core.seeding import generator
from misfire.embeddings.processes import clear_process_errors, die_with
from misfire.methods.multilabel.aggregation import log_odds
from misfire.methods.multilabel.known_labels import split_positions
from misfire.methods.multilabel.loss import asymmetric_loss
from misfire.methods.multilabel.prompting import ClassMaps, Prompting, Sizes, TextTower
from misfire.methods.multilabel.settings import PRECISIONS, TrainingSettings
from misfire.metrics.mean_average_precision import RankedImages

# Its banners say nothing that a user can act on.
for _talkative in ("pytorch_lightning.utilities.rank_zero", "lightning.pytorch.utilities.rank_zero"):
    logging.getLogger(_talkative).setLevel(logging.ERROR)

_SCORED_TOGETHER = 4096

Regions = Float[torch.Tensor, "image region dim"]
# Regions of random views of some training images, by their positions, drawn from a generator, computed on a device.
Views = Callable[[Sequence[int], np.random.Generator, torch.device], Regions]
# Labels come from outside and are checked here, in one sentence; so the two don't share an axis.
Labels = Int[np.ndarray, "labelled_image class"]


@dataclass(frozen=True)
class Epoch:
    """What is noted after each pass.

    Attributes:
        number: Counted from 1.
        loss: Mean of the steps' losses; of several processes, the first one's.
        validation: Mean average precision on the validation part's known labels.
        validation_per_class: Of each class; NaN where no known validation label is positive.
        learning_rates: Of contexts, embeddings and a projector, as far as the module has them.
        seconds: What the pass took, validation included.
        watched: What ``watch`` said of the module after the pass; NaN without one. No choice reads it.
    """

    number: int
    loss: float
    validation: float
    validation_per_class: list[float]
    learning_rates: dict[str, float]
    seconds: float
    watched: float = math.nan


@dataclass(frozen=True)
class Fit:
    """A trained module at its best epoch.

    Attributes:
        module: The module with the chosen epoch's numbers.
        chosen: Number of that epoch.
        history: Every epoch.
        num_images: How many images were learned from and how many chose the epoch.
    """

    module: ClassMaps
    chosen: int
    history: tuple[Epoch, ...]
    num_images: tuple[int, int]


@dataclass(frozen=True)
class Frozen:
    """The frozen model that a module is trained on.

    Args:
        fingerprint: What it is: a checkpoint of another one is refused.
        width: Length of the text tower's token embeddings.
        text: From contexts to a text feature of each class; a module of torch where it must follow to a device.
    """

    fingerprint: str
    width: int
    text: TextTower


def fit(
    prompting: Prompting,
    frozen: Frozen,
    regions: Regions,
    labels: Labels,
    *,
    classes: Sequence[str],
    settings: TrainingSettings,
    folder: Path | None = None,
    accelerator: str = "cpu",
    devices: int | str = 1,
    strategy: str = "auto",
    on_epoch: Callable[[Sequence[Epoch]], None] | None = None,
    watch: Callable[[ClassMaps], float] | None = None,
    views: Views | None = None,
) -> Fit:
    """A module trained on partial labels.

    Args:
        prompting: Which module.
        frozen: The model that the regions come from.
        regions: Unit regional features of the training images.
        labels: 1 present, -1 absent, 0 unknown; a row an image. Unknown labels never reach the loss or the choice.
        classes: Names of the classes, for messages and checkpoints.
        settings: How it is trained.
        folder: Where ``last.ckpt`` is kept; None to keep none, so that a killed run starts anew.
        accelerator: Lightning's: ``cpu``, ``gpu``, ``auto``.
        devices: How many; with several, each takes its share of every batch, and a folder is needed.
        strategy: Lightning's: ``auto``, or ``ddp_fork`` and the like for several devices.
        on_epoch: Told of all epochs so far whenever one is over, those before a kill included: curves while it trains;
            of processes that are spawned, once, at the end.
        watch: Asked of the module after each epoch and written beside it: what choosing by it would have added.
        views: Where training learns from random views: their regions, for positions among ``regions``. Each batch's
            views are drawn from the seed, the epoch and the images.

    Raises:
        UsageError: If features aren't finite, all labels are unknown, a class has no known positive image to learn
            from, the validation part has none at all, or the checkpoint is of another backbone, method or data.
    """
    parts = split(regions, labels, classes=classes, settings=settings)
    rng = torch.Generator().manual_seed(int(generator(settings.seed, "first numbers").integers(2**62)))
    mean = parts.train_regions.mean(dim=(0, 1))
    module = prompting.build(Sizes(len(classes), frozen.width, regions.shape[2]), rng=rng, mean=mean)
    identity = {
        "backbone": frozen.fingerprint,
        "classes": ", ".join(classes),
        "method": repr(prompting),
        "settings": repr(settings),
        "data": parts.fingerprint,
    }
    checkpoint = None if folder is None else folder / "last.ckpt"
    is_spawned = strategy.endswith("spawn")
    task = PartialLabels(
        module,
        frozen.text,
        parts,
        settings,
        identity,
        checkpoint=checkpoint,
        on_epoch=None if is_spawned else on_epoch,  # what holds a connection can't be sent to another process
        watch=watch,
        views=views,
    )
    trainer = _trainer(settings, accelerator=accelerator, devices=devices, strategy=strategy)
    resumed = checkpoint if checkpoint is not None and checkpoint.exists() else None
    with clear_process_errors(), warnings.catch_warnings():
        warnings.filterwarnings("ignore", module="pytorch_lightning")
        warnings.filterwarnings("ignore", category=FutureWarning)
        _run(trainer, task, resumed)
    if not task.best_state and checkpoint is not None:  # other processes trained it: what they left is on disk
        task.on_load_checkpoint(torch.load(checkpoint, weights_only=True, map_location="cpu"))
    if is_spawned and on_epoch is not None:
        on_epoch(task.history)
    module.load_state_dict(task.best_state)
    return Fit(
        module.cpu().eval(), task.chosen, tuple(task.history), (len(parts.train_labels), len(parts.choice_labels))
    )


@torch.no_grad()
def scores(module: ClassMaps, text: TextTower, regions: Regions) -> Float[np.ndarray, "image class"]:
    """Log-odds of presence of each class in each image, computed where the module is."""
    device = next(module.parameters()).device
    if isinstance(text, torch.nn.Module):
        text.to(device)
    rows: TextTower = _remembering(text)
    parts = [log_odds(module(part.to(device), rows)) for part in torch.split(regions, _SCORED_TOGETHER)]
    return torch.cat(parts).float().cpu().numpy()


@dataclass(frozen=True)
class Parts:
    """What is learned from, and what chooses the epoch."""

    train_regions: Float[torch.Tensor, "train_image region dim"]
    train_labels: Int[torch.Tensor, "train_image class"]
    choice_regions: Float[torch.Tensor, "choice_image region dim"]
    choice_labels: Int[np.ndarray, "choice_image class"]
    train_positions: Int[np.ndarray, " train_image"]
    fingerprint: str


def split(regions: Regions, labels: Labels, *, classes: Sequence[str], settings: TrainingSettings) -> Parts:
    """The two parts of the training images, drawn from the seed.

    Raises:
        UsageError: As :func:`fit` says of features and labels.
    """
    from misfire.core.hashing import sha256_bytes, sha256_json

    if labels.shape != (len(regions), len(classes)):
        raise UsageError(
            f"labels must have a row for each of {len(regions)} images and a column for each of {len(classes)} "
            f"classes, got {labels.shape[0]} x {labels.shape[1]}; use the labels of these images."
        )
    bad = (~torch.isfinite(regions)).flatten(1).any(dim=1).nonzero().flatten().tolist()
    if bad:
        raise UsageError(
            f"regional features must be finite, got {name_some(bad)} of {len(regions)} images (counted from 0) whose "
            "features aren't; encode them again, with precision fp32."
        )
    train, choice = split_positions(labels, classes=classes, settings=settings)
    content = [sha256_bytes(np.ascontiguousarray(labels.astype("<i1")).tobytes()), list(regions.shape)]
    return Parts(
        train_regions=regions[torch.from_numpy(train)],
        train_labels=torch.from_numpy(labels[train].astype(np.int8)),
        choice_regions=regions[torch.from_numpy(choice)],
        choice_labels=labels[choice],
        train_positions=train,
        fingerprint=sha256_json([*content, sha256_bytes(regions.contiguous().numpy().tobytes())]),
    )


@final
class PartialLabels(pl.LightningModule):
    """The contract of all four methods with Lightning: one loss, two learning rates, one choice."""

    def __init__(
        self,
        module: ClassMaps,
        text: TextTower,
        parts: Parts,
        settings: TrainingSettings,
        identity: Mapping[str, str],
        *,
        checkpoint: Path | None,
        on_epoch: Callable[[Sequence[Epoch]], None] | None,
        watch: Callable[[ClassMaps], float] | None,
        views: Views | None = None,
    ) -> None:
        super().__init__()
        self._views = views
        self.module = module
        self.text = text  # a module without parameters or saved buffers, or a plain function
        self._parts, self._settings, self._identity = parts, settings, dict(identity)
        self._checkpoint, self._on_epoch, self._watch = checkpoint, on_epoch, watch
        self.history: list[Epoch] = []
        self.best_state: dict[str, torch.Tensor] = {}
        self.chosen = 0
        self._losses: list[torch.Tensor] = []
        self._scored: list[torch.Tensor] = []
        self._started = time.monotonic()
        self._parent = os.getpid()

    @override
    def setup(self, stage: str) -> None:
        if os.getpid() != self._parent:
            die_with(self._parent)

    @override
    def train_dataloader(self) -> DataLoader[Any]:
        data: Dataset[Any] = _Images(self._parts.train_regions, self._parts.train_labels)
        trainer = self.trainer
        if self._views is not None:
            data = _Views(self._views, self._parts, self._settings.seed, lambda: (trainer.current_epoch, self.device))
        order = BatchOrder(
            len(self._parts.train_labels),
            self._settings.batch_size,
            seed=self._settings.seed,
            rank=trainer.global_rank,
            num_processes=trainer.world_size,
        )
        return DataLoader(data, sampler=order, batch_size=None)

    @override
    def val_dataloader(self) -> DataLoader[Any]:
        data = _Images(self._parts.choice_regions, torch.from_numpy(self._parts.choice_labels))
        batches = [list(part) for part in np.array_split(np.arange(len(data)), -(-len(data) // _SCORED_TOGETHER))]
        return DataLoader(data, sampler=batches, batch_size=None)

    @override
    def configure_optimizers(self) -> Any:
        settings = self._settings
        peaks = {
            "contexts": settings.prompt_learning_rate,
            "embeddings": settings.embedding_learning_rate,
            "projector": settings.projector_learning_rate,
        }
        groups = [
            {"params": group.parameters, "lr": peaks[group.name] * group.scale, "name": group.name}
            for group in self.module.groups()
        ]
        optimizer = torch.optim.SGD(groups, momentum=settings.momentum)
        steps = -(-len(self._parts.train_labels) // settings.batch_size)
        share = cosine_with_warm_up(settings.warm_up_epochs * steps, settings.max_epochs * steps)
        schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, share)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}

    @override
    def training_step(self, batch: Sequence[torch.Tensor], index: int) -> torch.Tensor | None:
        regions, labels = batch
        odds = log_odds(self.module(regions, self.text))
        known = int((labels != 0).sum())
        num_processes = self.trainer.world_size
        if num_processes > 1:  # each process's share counts by how many of its labels are known
            total = float(self.all_gather(torch.tensor(float(known), device=self.device)).sum())  # type: ignore[union-attr]
        else:
            total = float(known)
        if not known:
            return (odds * 0).sum()  # nothing is known of these few images; every process still takes the step
        settings = self._settings
        loss = asymmetric_loss(
            odds,
            labels,
            gamma_negative=settings.gamma_negative,
            gamma_positive=settings.gamma_positive,
            clip=settings.clip,
        ) / (total / num_processes)
        self._losses.append(loss.detach())
        return loss

    @override
    def validation_step(self, batch: Sequence[torch.Tensor], index: int) -> None:
        self._scored.append(log_odds(self.module(batch[0], self.text)).float().cpu())

    @override
    def on_train_epoch_start(self) -> None:
        self._started = time.monotonic()

    @override
    def on_train_epoch_end(self) -> None:
        scored, losses = torch.cat(self._scored).numpy(), torch.stack(self._losses or [torch.tensor(math.nan)])
        self._scored, self._losses = [], []
        if not np.isfinite(scored).all():
            raise UsageError(
                f"training must stay finite, got scores that aren't after epoch {self.current_epoch + 1}; lower the "
                "learning rates."
            )
        per_class = RankedImages(scored, self._parts.choice_labels, zeros="ignore").average_precision()
        optimizer: Any = self.optimizers()
        epoch = Epoch(
            number=self.current_epoch + 1,
            loss=float(losses.mean()),
            validation=float(np.nanmean(per_class)),
            validation_per_class=per_class.tolist(),
            learning_rates={group["name"]: float(group["lr"]) for group in optimizer.param_groups},
            seconds=time.monotonic() - self._started,
            watched=math.nan if self._watch is None else float(self._watch(self.module)),
        )
        if not self.best_state or epoch.validation > self.history[self.chosen - 1].validation:
            self.best_state = {name: value.detach().cpu().clone() for name, value in self.module.state_dict().items()}
            self.chosen = epoch.number
        self.history.append(epoch)
        if self._on_epoch is not None and self.trainer.is_global_zero:
            self._on_epoch(self.history)
        patience = self._settings.patience
        if patience is not None and epoch.number - self.chosen >= patience:
            self.trainer.should_stop = True
        if self._checkpoint is not None:
            self._keep(self._checkpoint)

    def _keep(self, checkpoint: Path) -> None:
        """Write the whole state; every process takes part, and the first puts it in its place."""
        written = checkpoint.with_name(".last.partial")
        self.trainer.save_checkpoint(written, weights_only=False)  # the optimiser, too
        if self.trainer.is_global_zero:
            with atomic_path(checkpoint) as temporary:
                written.replace(temporary)

    @override
    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        checkpoint["identity"] = self._identity
        checkpoint["best_state"], checkpoint["chosen"] = self.best_state, self.chosen
        checkpoint["history"] = [vars(epoch) for epoch in self.history]

    @override
    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        check_identity(checkpoint, self._identity)
        self.best_state, self.chosen = checkpoint["best_state"], checkpoint["chosen"]
        self.history = [Epoch(**epoch) for epoch in checkpoint["history"]]


def check_identity(checkpoint: Mapping[str, Any], identity: Mapping[str, str]) -> None:
    """Reject a checkpoint of another backbone, method, training or data.

    Raises:
        UsageError: If it is one; the sentence says of what.
    """
    found = checkpoint.get("identity", {})
    other = [part for part, value in identity.items() if found.get(part) != value]
    if other:
        raise UsageError(
            f"a checkpoint must be of the same {', '.join(identity)} to be resumed, got another {', '.join(other)}; "
            "give this run a folder of its own, or delete last.ckpt."
        )


def cosine_with_warm_up(warm_up: int, total: int) -> Callable[[int], float]:
    """Share of the peak learning rate at a step: a line up to ``warm_up``, then half a cosine down to 0.

    Example:
        >>> share = cosine_with_warm_up(2, 6)
        >>> [round(share(step), 2) for step in range(6)]
        [0.5, 1.0, 1.0, 0.85, 0.5, 0.15]
    """

    def share(step: int) -> float:
        if step < warm_up:
            return (step + 1) / warm_up
        return 0.5 * (1 + math.cos(math.pi * (step - warm_up) / max(1, total - warm_up)))

    return share


@final
class BatchOrder(Sampler[list[int]]):
    """Positions of each batch of an epoch, in an order that (seed, epoch) gives and nothing else.

    A process of several takes every n-th image of each batch, so that all of them make the same number of steps.
    """

    def __init__(self, num_images: int, batch_size: int, *, seed: int, rank: int = 0, num_processes: int = 1) -> None:
        self._num_images, self._batch_size, self._seed = num_images, batch_size, seed
        self._rank, self._num_processes = rank, num_processes
        self._epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Lightning says which epoch comes."""
        self._epoch = epoch

    def __len__(self) -> int:
        return -(-self._num_images // self._batch_size)

    def __iter__(self) -> Iterator[list[int]]:
        order = generator(self._seed, "order of images", self._epoch).permutation(self._num_images)
        for start in range(0, self._num_images, self._batch_size):
            batch = order[start : start + self._batch_size]
            share = batch[self._rank :: self._num_processes]
            yield (share if len(share) else batch[:1]).tolist()  # the last batch may be smaller than the processes


@dataclass
class _Images(Dataset[Any]):
    regions: Regions
    labels: Int[torch.Tensor, "image class"]

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, positions: Any) -> tuple[torch.Tensor, torch.Tensor]:
        return self.regions[positions], self.labels[positions]


@dataclass
class _Views(Dataset[Any]):
    """Training images as random views; which ones depends on the seed, the epoch and the images of the batch."""

    views: Views
    parts: Parts
    seed: int
    now: Callable[[], tuple[int, torch.device]]

    def __len__(self) -> int:
        return len(self.parts.train_labels)

    def __getitem__(self, positions: Any) -> tuple[torch.Tensor, torch.Tensor]:
        chosen = self.parts.train_positions[positions]
        epoch, device = self.now()
        rng = generator(self.seed, "views", epoch, *chosen.tolist())
        return self.views(chosen.tolist(), rng, device), self.parts.train_labels[positions]


def _trainer(settings: TrainingSettings, *, accelerator: str, devices: Any, strategy: str) -> pl.Trainer:
    precision: Any = PRECISIONS[settings.precision]
    return pl.Trainer(
        accelerator=accelerator,
        devices=devices,
        strategy=strategy,
        precision=precision,
        max_epochs=settings.max_epochs,
        enable_progress_bar=sys.stderr.isatty(),
        enable_checkpointing=False,
        enable_model_summary=False,
        use_distributed_sampler=False,
        num_sanity_val_steps=0,
        logger=False,
    )


def _run(trainer: pl.Trainer, task: PartialLabels, checkpoint: Path | None) -> None:
    if checkpoint is None:
        trainer.fit(task)
        return
    try:
        loaded = torch.load(checkpoint, weights_only=True, map_location="cpu")
    except Exception as error:  # torch raises whatever the damage leads it to
        raise IntegrityError(
            f"a checkpoint must be whole and hold plain values, got {checkpoint}, which doesn't load; delete it to "
            "train anew."
        ) from error
    check_identity(loaded, task._identity)
    if len(loaded["history"]) >= task._settings.max_epochs or _is_out_of_patience(loaded, task._settings):
        task.on_load_checkpoint(loaded)  # it was killed after its last epoch
        return
    trainer.fit(task, ckpt_path=checkpoint, weights_only=True)


def _is_out_of_patience(checkpoint: Mapping[str, Any], settings: TrainingSettings) -> bool:
    return settings.patience is not None and len(checkpoint["history"]) - checkpoint["chosen"] >= settings.patience


def _remembering(text: TextTower) -> TextTower:
    """The text tower, asked once for each set of contexts however many parts the images come in."""
    known: dict[int, torch.Tensor] = {}

    def remembered(contexts: torch.Tensor) -> torch.Tensor:
        if id(contexts) not in known:
            known[id(contexts)] = text(contexts)
        return known[id(contexts)]

    return remembered
