"""Audits a file of published counts, which needs no store, no model and no data."""

from collections.abc import Sequence
from pathlib import Path

from misfire.core.errors import UsageError

_WORDS = ("audit", "mined", "paths.report")


def is_audit(words: Sequence[str]) -> bool:
    """Whether the words of ``misfire report`` ask for an audit."""
    return any(word.startswith("audit=") for word in words)


def run_audit(words: Sequence[str]) -> int:
    """Say what the counts of ``audit=FILE`` support; ``mined=true`` if their queries were chosen by failing.

    Raises:
        UsageError: If a word isn't one of an audit's, or the file is refused; nothing is written then.
    """
    from misfire.methods.retrieval.audit.published_counts import read_published_counts
    from misfire.methods.retrieval.audit.report import audit_conclusion, write_audit
    from misfire.methods.retrieval.audit.support import audit

    given = dict(word.partition("=")[::2] for word in words)
    unknown = [word for word in words if word.partition("=")[0] not in _WORDS]
    if unknown:
        raise UsageError(
            f"an audit takes {', '.join(f'{name}=' for name in _WORDS)} and nothing else, got {' '.join(unknown)}; "
            "try `misfire report audit=counts.csv`."
        )
    if given.get("mined", "false") not in ("true", "false"):
        raise UsageError(f"mined must be true or false, got {given['mined']!r}; true if failures were picked.")
    path, is_mined = Path(given["audit"]), given.get("mined") == "true"
    audited = audit(read_published_counts(path))
    folder = Path(given.get("paths.report", "report")) / f"audit_{path.name}"
    written = write_audit(audited, folder, source=path.name, is_failure_mined=is_mined)
    conclusion = audit_conclusion(audited, is_failure_mined=is_mined)
    print(f"{conclusion.paragraph}\n\nMay be concluded: {conclusion.may}\nMay not: {conclusion.may_not}\n")
    print("\n".join(f"  {file}" for file in written))
    return 0
