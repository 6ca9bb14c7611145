"""Pictures in a report: examples in groups, each with what is said of it."""

import base64
from dataclasses import dataclass
from typing import final


@final
@dataclass(frozen=True)
class Picture:
    """A small JPEG with what it is."""

    jpeg: bytes
    role: str

    @property
    def data_uri(self) -> str:
        """The picture as an address that holds it."""
        return "data:image/jpeg;base64," + base64.b64encode(self.jpeg).decode("ascii")


@final
@dataclass(frozen=True)
class Example:
    """One thing that is shown: its text, its pictures, and a remark below them."""

    text: str
    pictures: tuple[Picture, ...]
    remark: str = ""


@final
@dataclass(frozen=True)
class ExampleGroup:
    """Examples of one sort; ``num_all`` is how many there are, shown or not."""

    title: str
    num_all: int
    examples: tuple[Example, ...]


@final
@dataclass(frozen=True)
class Gallery:
    """Groups of examples, in the order of print."""

    groups: tuple[ExampleGroup, ...]
