"""What is wrong with the prompts of a cell, said before they are encoded."""

from collections.abc import Hashable, Sequence

from misfire.core.hashing import sha256_json
from misfire.core.progress import say
from misfire.embeddings import Encoder
from misfire.methods.retrieval.prompted import PromptedQueries
from misfire.prompts import Finding, TemplateChoice, TemplateSet, lint_templates

_MOST_CAPTIONS = 2000
_said: set[str] = set()
_looked_at: set[str] = set()


def warn_of_prompts(cell: PromptedQueries, encoder: Encoder) -> None:
    """Say each finding on a cell's subset as a warning, once a process however many cells share the templates."""
    asked = [cell.dataset.captions[position] for position in cell.subset.positions]
    by_set: dict[str, tuple[TemplateSet, list[str]]] = {}
    for caption in asked:
        template_set = cell.template_set.for_query(caption.id)
        by_set.setdefault(template_set.name, (template_set, []))[1].append(caption.text)
    for template_set, captions in by_set.values():
        # Cells that differ in their pooling ask the same of the same prompts.
        asked_for = sha256_json([encoder.fingerprint, template_set.templates, captions])
        if asked_for in _looked_at:
            continue
        _looked_at.add(asked_for)
        for finding in findings(template_set, captions, encoder):
            # Cells on other captions find the same with another count and example: one word on it is enough.
            name = f"{encoder.fingerprint} {finding.template} {finding.fault}"
            if name not in _said:
                _said.add(name)
                say(f"Warning: {finding}")


def findings(template_set: TemplateSet, captions: Sequence[str], encoder: Encoder) -> tuple[Finding, ...]:
    """Everything wrong with a set on some captions, of which at most two thousand are looked at, evenly spread.

    The encoder's tokenizer is asked; its network isn't loaded.
    """
    step = -(-len(captions) // _MOST_CAPTIONS)
    return lint_templates(
        template_set,
        captions[::step],
        tokens_of=lambda prompts: _token_rows(encoder, prompts),
        is_truncated=encoder.is_truncated,
    )


def sets_of(chosen: TemplateChoice) -> list[TemplateSet]:
    """The template sets that a choice may choose."""
    return [chosen] if isinstance(chosen, TemplateSet) else list(getattr(chosen, "sets", {}).values())


def check_asks_with_captions(chosen: TemplateChoice) -> None:
    """Refuse a choice among whose sets is one that has a place for anything but a caption.

    Raises:
        UsageError: If there is one.
    """
    for one in sets_of(chosen):
        one.check_asks_about("caption")


def _token_rows(encoder: Encoder, prompts: Sequence[str]) -> list[Hashable]:
    return [row.tobytes() for row in encoder.tokenize(prompts).numpy()]
