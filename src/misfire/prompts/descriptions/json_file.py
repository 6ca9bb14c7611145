"""Descriptions that somebody has written down: a list of texts a class, in a JSON file or a configuration."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, final

from typing_extensions import override

from misfire.core.errors import UsageError, name_some
from misfire.core.hashing import sha256_bytes, sha256_json
from misfire.prompts.descriptions.source import DescriptionSource, same_name


@final
@dataclass(frozen=True)
class JsonDescriptions(DescriptionSource):
    """Reads what others have collected: ``{"hen": ["two legs", "red, brown or white feathers"], ...}``.

    Both published formats are such files: CuPL's lists hold sentences (``are_sentences=True``), Menon and Vondrick's
    features. Classes are found by their name, whatever the order of the file; case, underscores and blanks don't
    matter. A class may be missing or have an empty list: then its name stands for it. Classes of the file that nobody
    asks for are no error.

    Args:
        path: The file.
        are_sentences: Whether each text is a prompt by itself.

    Raises:
        UsageError: When it is read, if it isn't such a file, names a class twice, or knows none of the classes.

    Reference:
        Pratt et al., "What does a platypus look like? Generating customized prompts for zero-shot image classification"
        (CuPL), ICCV 2023; Menon and Vondrick, "Visual classification via description from large language models", ICLR
        2023.
    """

    path: str
    are_sentences: bool = False
    name: ClassVar[str] = "json"

    @override
    def answers(self, classes: Sequence[str]) -> Mapping[str, Sequence[str]]:
        known = {same_name(key): texts for key, texts in self._content[1].items()}
        if not known.keys() & {same_name(name) for name in classes}:
            raise UsageError(
                f"{self.path} must describe at least one of the classes, it has {name_some(self._content[1])} and "
                f"classes are {name_some(classes)}; give the file of these classes."
            )
        return {name: known.get(same_name(name), ()) for name in classes}

    @override
    def describe(self) -> dict[str, str | int | float | bool]:
        return {"descriptions": self.name, "sha256": self._content[0], "are_sentences": self.are_sentences}

    @cached_property
    def _content(self) -> tuple[str, dict[str, list[str]]]:
        try:
            data = Path(self.path).read_bytes()
            content = json.loads(data.decode("utf-8"), object_pairs_hook=self._each_once)
        except UsageError:
            raise
        except (OSError, ValueError, RecursionError) as error:
            raise UsageError(
                f"descriptions must be a JSON file in UTF-8, got {self.path} ({error}); give the path of one."
            ) from error
        if not isinstance(content, dict):
            raise UsageError(
                f"{self.path} must hold a list of texts for each class, got a {type(content).__name__}; see "
                'the guide: {"hen": ["two legs"]}.'
            )
        wrong = [
            key
            for key, texts in content.items()
            if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts)
        ]
        if wrong:
            raise UsageError(
                f"{self.path} must hold a list of texts for each class, got something else for {name_some(wrong)}; "
                "write an empty list where there is none."
            )
        twice = [key for key in content if [same_name(other) for other in content].count(same_name(key)) > 1]
        if twice:
            raise UsageError(f"{self.path} must describe each class once, got {name_some(twice)}; join their lists.")
        return sha256_bytes(data), content

    def _each_once(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        keys = [key for key, _ in pairs]
        if len(set(keys)) < len(keys):  # Python would keep the last of them in silence
            twice = dict.fromkeys(key for key in keys if keys.count(key) > 1)
            raise UsageError(f"{self.path} must describe each class once, got {name_some(twice)}; join their lists.")
        return dict(pairs)


@final
@dataclass(frozen=True)
class ListedDescriptions(DescriptionSource):
    """Texts that a configuration lists itself.

    Args:
        texts: Texts by class.
        are_sentences: Whether each text is a prompt by itself.

    Raises:
        UsageError: If there is none.
    """

    texts: Mapping[str, Sequence[str]]
    are_sentences: bool = False
    name: ClassVar[str] = "listed"

    def __post_init__(self) -> None:
        if not self.texts:
            raise UsageError("listed descriptions must describe a class, got none; list texts under its name.")

    @override
    def answers(self, classes: Sequence[str]) -> Mapping[str, Sequence[str]]:
        known = {same_name(key): texts for key, texts in self.texts.items()}
        return {name: known.get(same_name(name), ()) for name in classes}

    @override
    def describe(self) -> dict[str, str | int | float | bool]:
        said = {name: list(texts) for name, texts in self.texts.items()}
        return {"descriptions": self.name, "sha256": sha256_json(said), "are_sentences": self.are_sentences}
