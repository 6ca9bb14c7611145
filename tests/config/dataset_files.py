"""The files that the dataset configs expect, each with one image, and what a user is told where they are absent."""

import io
import json
import tarfile
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

_PLACES = ("paths.datasets=FOLDER", "paths.root=FOLDER/mlruns")
# The words that each config needs once write_dataset_files has been there.
GIVEN: Mapping[str, list[str]] = MappingProxyType(
    {
        "dataset/coco_karpathy": [*_PLACES],
        "dataset/flickr30k": [*_PLACES],
        "dataset/flickr30k_tokens": [*_PLACES],
        "dataset/flickr8k": [*_PLACES],
        "dataset/flickr8k_tokens": [*_PLACES],
        "dataset/huggingface": ["dataset.path=FOLDER/rows", *_PLACES],
        "dataset/label_table": ["dataset.path=FOLDER/labels.csv", "dataset.images=FOLDER", *_PLACES],
        "dataset/rated_labels": ["dataset.path=FOLDER/judgements.csv", "dataset.images=FOLDER", *_PLACES],
        "dataset/imagenet": [*_PLACES],
        "dataset/webdataset_classes": ["dataset.shards=FOLDER/classes.tar", *_PLACES],
        "dataset/webdataset": ['dataset.shards="FOLDER/{00..00}.tar"', *_PLACES],
    }
)
_KARPATHY = "is in caption_datasets.zip of cs.stanford.edu/people/karpathy/deepimagesent)"
_FLICKR = "(Flickr8k.token.txt is in Flickr8k_text.zip, results_20130124.token in flickr30k.tar.gz)"
ABSENT: Mapping[str, str] = MappingProxyType(
    {
        "dataset/coco_karpathy": f"put dataset_coco.json there (it {_KARPATHY}",
        "dataset/flickr30k": f"put dataset_flickr30k.json there (it {_KARPATHY}",
        "dataset/flickr8k": f"put dataset_flickr8k.json there (it {_KARPATHY}",
        "dataset/imagenet": "an image folder must hold a folder for each class",
        "dataset/flickr30k_tokens": f"put results_20130124.token there {_FLICKR}",
        "dataset/flickr8k_tokens": f"put Flickr8k.token.txt there {_FLICKR}",
    }
)
_TEXT = "a red square"


def write_dataset_files(folder: Path, picture: bytes) -> None:
    """Lay one image with one caption where each config looks."""
    sentence = {"raw": _TEXT, "imgid": 0, "sentid": 0}
    row = {"filename": "one.png", "imgid": 0, "split": "test", "sentences": [sentence]}
    _write(folder / "coco_karpathy" / "val2014" / "one.png", picture)
    _write_json(folder / "coco_karpathy" / "dataset_coco.json", {"images": [{**row, "filepath": "val2014"}]})
    for name, pictures in {"flickr30k": "flickr30k-images", "flickr8k": "Flicker8k_Dataset"}.items():
        _write(folder / name / pictures / "one.png", picture)
        _write_json(folder / name / f"dataset_{name}.json", {"images": [row]})
    for path in ("flickr30k/results_20130124.token", "flickr8k/Flickr8k.token.txt"):
        _write(folder / path, f"one.png#0\t{_TEXT}\n".encode())
    _write(folder / "flickr8k" / "Flickr_8k.testImages.txt", b"one.png\n")
    _write_shard(folder / "00.tar", {"one.png": picture, "one.txt": _TEXT.encode()})
    _write_shard(folder / "classes.tar", {"one.png": picture, "one.cls": b"0"})
    _write(folder / "imagenet" / "val" / "n01440764" / "one.png", picture)
    _write_rows(folder / "rows", picture)
    _write(folder / "labels.csv", b"image,square\none.png,1\n")
    _write(folder / "judgements.csv", b"image,label,rater,answer\none.png,square,ann,yes\n")


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def _write_json(path: Path, document: object) -> None:
    _write(path, json.dumps(document).encode())


def _write_shard(path: Path, members: dict[str, bytes]) -> None:
    with tarfile.open(path, "w") as tar:
        for name, data in members.items():
            header = tarfile.TarInfo(name)
            header.size = len(data)
            tar.addfile(header, io.BytesIO(data))


def _write_rows(path: Path, picture: bytes) -> None:
    import datasets

    datasets.disable_progress_bars()
    rows = datasets.Dataset.from_dict({"image": [{"bytes": picture, "path": None}], "caption": [_TEXT]})
    rows.cast_column("image", datasets.Image()).save_to_disk(path)
