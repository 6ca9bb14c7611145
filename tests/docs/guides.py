"""What a guide shows: its text, its blocks of code, and its commands, which are run on a small world."""

import re
import shlex
from functools import cached_property
from pathlib import Path

from misfire.cli import main
from misfire.config.composing import shared_out

ROOT = Path(__file__).parents[2]
SMALL = (
    "dataset.num_images=100",
    "num_failures=30",
    "complement.num_queries=20",
    "statistics.num_replicates=50",
    "trainer=cpu",
)


class Guide:
    """A file of the documentation by its name."""

    def __init__(self, name: str) -> None:
        self.text = (ROOT / "docs" / f"{name}.md").read_text(encoding="utf-8")

    def blocks(self, language: str) -> list[str]:
        """The blocks of code in a language, in order."""
        return re.findall(rf"^```{language}\n(.*?)^```$", self.text, re.MULTILINE | re.DOTALL)

    @cached_property
    def commands(self) -> list[str]:
        """Every command, in order."""
        return [line for block in self.blocks("bash") for line in block.splitlines()]


def run(command: str, *words: str) -> None:
    """Issue a command with further words."""
    assert main([*shlex.split(command)[1:], *words]) == 0, command


def small(command: str, *words: str) -> list[str]:
    """Of the words that make a world small, and further ones, those that a command's verb knows."""
    verb = shlex.split(command)[1]
    return shared_out(("ensemble", "doctor", verb), [*SMALL, "doctor.num_images=20", *words])[verb]
