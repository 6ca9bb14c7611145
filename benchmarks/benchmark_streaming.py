"""Memory and time to the first batch while generated images stream through the encoding loop."""

import argparse
import hashlib
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from measure import machine
from PIL import Image as PillowImage

from misfire.embeddings import EmbeddingStore, Encoder, TrainerSettings, fill_images
from misfire.embeddings.encoder import unit_rows


@dataclass(frozen=True)
class Noise:
    """A 64 x 64 image drawn from its number."""

    id: int

    @property
    def source(self) -> "Noise":
        return self

    @property
    def content_sha256(self) -> str:
        return hashlib.sha256(f"noise {self.id}".encode()).hexdigest()

    def load(self) -> PillowImage.Image:
        return PillowImage.fromarray(np.random.default_rng(self.id).integers(0, 256, (64, 64, 3), dtype=np.uint8))


@dataclass
class MeanPixels(Encoder):
    """A fast stand-in for a network: an 8 x 8 mean of the pixels; prints the resident set at some counts."""

    milestones: list[int]
    count: int = 0
    start: float = field(default_factory=time.perf_counter)

    @property
    def name(self) -> str:
        return "mean pixels"

    @property
    def dim(self) -> int:
        return 192

    @property
    def context_length(self) -> int:
        return 1

    def describe(self) -> dict[str, str]:
        return {"encoder": "mean pixels", "precision": "fp32"}

    def module(self) -> torch.nn.Module:
        return torch.nn.Identity()

    def preprocess(self, image: PillowImage.Image) -> torch.Tensor:
        return torch.from_numpy(np.asarray(image).transpose(2, 0, 1).copy())

    def tokenize(self, texts: Sequence[str]) -> torch.Tensor:
        raise NotImplementedError

    def is_truncated(self, texts: Sequence[str]) -> np.ndarray:
        raise NotImplementedError

    def encode_texts(self, tokens: torch.Tensor) -> torch.Tensor:
        raise NotImplementedError

    def encode_images(self, images: torch.Tensor) -> torch.Tensor:
        if not self.count:
            print(f"first batch after {1000 * (time.perf_counter() - self.start):.0f} ms\n")
            print("| images | resident MiB | seconds |\n|---:|---:|---:|")
        self.count += len(images)
        if self.milestones and self.count >= self.milestones[0]:
            seconds = time.perf_counter() - self.start
            print(f"| {self.milestones.pop(0):,} | {resident_mib():.0f} | {seconds:.0f} |", flush=True)
        return unit_rows(torch.nn.functional.avg_pool2d(images.float(), 8).flatten(1))


def resident_mib() -> float:
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmRSS")).split()[1]) / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=100_000)
    parser.add_argument("--num-workers", default="auto", type=lambda text: text if text == "auto" else int(text))
    arguments = parser.parse_args()
    images = [Noise(number) for number in range(arguments.images)]
    milestones = [count for count in (1_000, 10_000, 25_000, 50_000, 100_000) if count <= arguments.images]
    print(f"{machine()}; {resident_mib():.0f} MiB before the fill")
    trainer = TrainerSettings(accelerator="cpu", num_workers=arguments.num_workers)
    with tempfile.TemporaryDirectory() as folder:
        print(fill_images(images, MeanPixels(milestones), EmbeddingStore(Path(folder)), trainer))
    print(f"{resident_mib():.0f} MiB at the end, with the store's index read")


if __name__ == "__main__":
    main()
