"""Embeddings by the bundled model of scenes of eight kinds, kept in a file, since a test has no minute to encode them.

They are rounded to 8 bits. The scenes shown are the first 75 or fewer of each kind and colour of 8,000 of `dataset=
world_single`; those taught are the first 1,000 of `dataset=world_shortcut` that show one of the kinds.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image as PillowImage
from typing_extensions import override

from misfire.core.hashing import sha256_text
from misfire.data import ClassLabels, Dataset, Image, ImageSource, Tags
from misfire.data.image_table import Known
from misfire.data.world.facts import Colour, Kind

_STEP = 0.5 / 127
KINDS = tuple(Kind)[:8]


@dataclass(frozen=True)
class Absent(ImageSource):
    """A picture that was embedded elsewhere."""

    name: str

    @property
    @override
    def content_sha256(self) -> str:
        return sha256_text(self.name)

    @override
    def load(self) -> PillowImage.Image:
        raise NotImplementedError


@dataclass(frozen=True)
class Scenes:
    """Real embeddings of single groups of things."""

    name: str
    embeddings: np.ndarray
    kinds: np.ndarray
    colours: np.ndarray

    @property
    def dataset(self) -> Dataset:
        """Kinds as classes and colours as tags; of the pictures only the names are kept."""
        ids = np.arange(len(self.kinds))
        colours = np.eye(len(Colour), dtype=bool)[self.colours]
        return Dataset(
            self.name,
            tuple(Image(int(one), Absent(f"{self.name} {one}")) for one in ids),
            known=Known(
                labels=ClassLabels(ids, tuple(map(str, KINDS)), self.kinds),
                tags=Tags(ids, tuple(map(str, Colour)), colours, ("colour",) * len(Colour)),
            ),
        )


def stored() -> dict[str, np.ndarray]:
    """The file's arrays, embeddings as numbers."""
    with np.load(Path(__file__).with_suffix(".npz")) as file:
        arrays = {name: file[name] for name in file.files}
    return {
        name: _STEP * one.astype(np.float32) if one.ndim == 2 else one.astype(np.int64) for name, one in arrays.items()
    }


def coloured_scenes() -> tuple[Scenes, Scenes]:
    """What a model is taught on, and what it is shown."""
    known = stored()
    taught, shown = (
        Scenes(name, known[name], known[f"{name}_kind"], known[f"{name}_colour"]) for name in ("taught", "shown")
    )
    return taught, shown
