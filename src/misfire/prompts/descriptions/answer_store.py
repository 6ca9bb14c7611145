"""Answers of language models, kept by what was asked: a run is repeatable, and offline from the second time on."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

from misfire.core.errors import IntegrityError
from misfire.core.files import write_text
from misfire.core.hashing import sha256_json, sha256_text


@final
@dataclass(frozen=True)
class AnswerStore:
    """A folder of answers, a file each, named by the question's content and checked when read.

    Args:
        folder: Where they lie; moving it loses nothing.
    """

    folder: Path

    def get(self, question: Mapping[str, Any]) -> str | None:
        """The answer to a question that was asked before, or None.

        Raises:
            IntegrityError: If the stored answer isn't what was written.
        """
        path = self._path(question)
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            answer, digest = content["answer"], content["sha256"]
        except FileNotFoundError:
            return None
        except (UnicodeDecodeError, json.JSONDecodeError, KeyError, TypeError) as error:
            raise IntegrityError(
                f"a stored answer must be whole, got {path} ({error}); delete it to ask again."
            ) from error
        if sha256_text(str(answer)) != digest:
            raise IntegrityError(
                f"a stored answer must be what was written, {path} was changed; delete it to ask again."
            )
        return str(answer)

    def put(self, question: Mapping[str, Any], answer: str) -> None:
        """Keep an answer, whole or not at all."""
        content = {"question": dict(question), "answer": answer, "sha256": sha256_text(answer)}
        write_text(self._path(question), json.dumps(content, indent=1, ensure_ascii=False) + "\n")

    def _path(self, question: Mapping[str, Any]) -> Path:
        digest = sha256_json(dict(question))
        return self.folder / digest[:2] / f"{digest}.json"
