"""Encoding against the bare forward passes over the same tensors: ViT-B-32 with random weights on real pictures."""

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import torch
from measure import machine

from misfire.core.hashing import sha256_file, sha256_text
from misfire.data import Image
from misfire.data.image_file import ImageFile
from misfire.embeddings import EmbeddingStore, Encoder, OpenClipEncoder, TrainerSettings, fill_images, fill_texts
from misfire.embeddings.inputs import TextInputs

PICTURES = Path(__file__).parents[1] / "../shared/data/coco_mini"


@dataclass(frozen=True)
class Again:
    """A picture under another content name, so that it is encoded once more; naming it reads the file as always."""

    file: ImageFile
    copy: int

    @property
    def content_sha256(self) -> str:
        return sha256_text(f"{sha256_file(self.file.path)} {self.copy}")

    def load(self):  # type: ignore[no-untyped-def]
        return self.file.load()


@dataclass
class FirstBatch:
    """Notes when an encoder is first asked to encode."""

    encoder: Encoder
    at: float = field(default=0.0)

    def __enter__(self) -> "FirstBatch":
        self.images, self.texts = OpenClipEncoder.encode_images, OpenClipEncoder.encode_texts
        OpenClipEncoder.encode_images = self._noting(self.images)  # type: ignore[method-assign]
        OpenClipEncoder.encode_texts = self._noting(self.texts)  # type: ignore[method-assign]
        return self

    def __exit__(self, *_: object) -> None:
        OpenClipEncoder.encode_images, OpenClipEncoder.encode_texts = self.images, self.texts  # type: ignore[method-assign]

    def _noting(self, encode: Callable[..., torch.Tensor]) -> Callable[..., torch.Tensor]:
        def note_and_encode(encoder: Encoder, batch: torch.Tensor) -> torch.Tensor:
            self.at = self.at or time.perf_counter()
            return encode(encoder, batch)

        return note_and_encode


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=1132, help="pictures are repeated as needed")
    parser.add_argument("--texts", type=int, default=512)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--precision", default="bf16")
    parser.add_argument("--model", default="ViT-B-32-quickgelu")
    parser.add_argument("--accelerator", default="cpu")
    arguments = parser.parse_args()
    if not PICTURES.exists():
        print(f"Skipped: the pictures must be at {PICTURES}.")
        return
    with tempfile.TemporaryDirectory() as folder:
        encoder = random_encoder(Path(folder), arguments.model, arguments.precision)
        trainer = TrainerSettings(accelerator=arguments.accelerator)
        print(f"{arguments.model}, {arguments.precision}, {arguments.accelerator}: {machine()}")
        print("| what | bare s | misfire s | ratio | an s, misfire | first batch ms |\n|---|---:|---:|---:|---:|---:|")
        images = pictures(arguments.images)
        device = "cpu" if arguments.accelerator == "cpu" else "cuda"
        encoder.module().to(device)
        rows = trainer.rows_per_batch(device=device, rows_per_shard=256)
        pixels = [
            torch.stack([encoder.preprocess(image.source.load()) for image in images[start : start + rows]])
            for start in range(0, len(images), rows)
        ]
        fill = partial(filled, fill_images, images, encoder, trainer)
        compare("images", len(images), pixels, encoder.encode_images, fill, encoder, arguments.repeats, device)
        texts = captions(arguments.texts)
        ordered = TextInputs(tuple(texts)).by_length(encoder).texts
        rows = trainer.rows_per_batch(device=device, rows_per_shard=1024)
        tokens = [encoder.tokenize(ordered[start : start + rows]) for start in range(0, len(ordered), rows)]
        fill = partial(filled, fill_texts, texts, encoder, trainer)
        compare("texts", len(texts), tokens, encoder.encode_texts, fill, encoder, arguments.repeats, device)


def filled(
    fill: Callable[..., object],
    inputs: list[object],
    encoder: Encoder,
    trainer: TrainerSettings,
    *,
    store: EmbeddingStore,
    items: int | None = None,
) -> None:
    """Fill a store with all inputs, or with the first of them."""
    fill(inputs[:items], encoder, store=store, trainer=trainer)


def compare(
    what: str,
    count: int,
    batches: list[torch.Tensor],
    encode: Callable[[torch.Tensor], torch.Tensor],
    fill: Callable[..., object],
    encoder: Encoder,
    repeats: int,
    device: str,
) -> None:
    """Take turns, the bare passes and a fill of an empty store; print medians and the median ratio."""
    encode(batches[0].to(device))  # warm, and the loop's own imports with it
    with tempfile.TemporaryDirectory() as folder:
        fill(store=EmbeddingStore(Path(folder)), items=2)
    bare, ours, first = [], [], []
    for _ in range(repeats):
        start = time.perf_counter()
        for batch in batches:
            encode(batch.to(device)).cpu()
        bare.append(time.perf_counter() - start)
        with tempfile.TemporaryDirectory() as folder, FirstBatch(encoder) as noted:
            start = time.perf_counter()
            fill(store=EmbeddingStore(Path(folder)))
            ours.append(time.perf_counter() - start)
        first.append(noted.at - start)
    ratio = statistics.median(mine / base for mine, base in zip(ours, bare, strict=True))
    seconds = statistics.median(ours)
    print(
        f"| {count:,} {what} | {statistics.median(bare):.2f} | {seconds:.2f} | {ratio:.3f} | {count / seconds:.1f} "
        f"| {1000 * statistics.median(first):.0f} |",
        flush=True,
    )


def random_encoder(folder: Path, model: str, precision: str) -> OpenClipEncoder:
    """A full-size encoder with random weights, in a checkpoint file as a user has it."""
    import open_clip
    from safetensors.torch import save_file

    torch.manual_seed(0)
    weights = open_clip.create_model(model).state_dict()
    save_file({name: value.contiguous() for name, value in weights.items()}, folder / "random.safetensors")
    activation = "quick_gelu" if model.endswith("-quickgelu") else "gelu"
    weights_file = str(folder / "random.safetensors")
    return OpenClipEncoder(model=model, pretrained=weights_file, precision=precision, activation=activation)


def pictures(count: int) -> list[Image]:
    paths = sorted((PICTURES / "images").iterdir())
    files = [Again(ImageFile(paths[number % len(paths)]), number // len(paths)) for number in range(count)]
    return [Image(number, file) for number, file in enumerate(files)]  # type: ignore[arg-type]


def captions(count: int) -> list[str]:
    told = json.loads((PICTURES / "captions.json").read_text())["annotations"]
    return sorted({caption["caption"] for caption in told})[:count]


if __name__ == "__main__":
    main()
