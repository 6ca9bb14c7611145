"""What a verb does and what it can be told."""

from collections.abc import Sequence

_WIDEST = 30
_WITH_NAMES = ("sweep", "search", "report")


def explanation(verb: str, summary: str, words: Sequence[str]) -> str:
    """A verb's help: what it does, its groups with their choices, its keys with their values and what they mean."""
    from misfire.config.explanation import examples, explained_groups, explained_keys

    choices, keys = explained_groups(verb, words), explained_keys(verb, words)
    width = min(_WIDEST, max((len(key.name) for key in keys), default=0))
    values = min(_WIDEST, max((len(key.value) for key in keys), default=0))
    return "\n".join(
        [
            f"misfire {verb}{_name_of(verb)} [group=choice] [key=value]{' [-m]' if _is_cell_verb(verb) else ''}",
            "",
            summary,
            *_named(verb),
            *(["", "Groups, each with its choice and what else there is:"] if choices else []),
            *(f"  {group:<11} {_listed(taken, others)}" for group, (taken, *others) in choices.items()),
            *(["", "Keys, each with its value and what it means:"] if keys else []),
            *(f"  {key.name:<{width}}  {key.value:<{values}}  {key.comment}".rstrip() for key in keys),
            *_of_others(verb),
            *(["", "Examples:"] if examples(verb) else []),
            *(f"  {line}" for line in examples(verb)),
        ]
    )


def _listed(taken: str, others: Sequence[str]) -> str:
    return f"{taken}; {', '.join(others)}" if others else taken


def _is_cell_verb(verb: str) -> bool:
    from misfire.config.jobs import is_cell_verb

    return is_cell_verb(verb)


def _name_of(verb: str) -> str:
    return " NAME" if verb in _WITH_NAMES else ""


def _named(verb: str) -> list[str]:
    from misfire.config.sweep_names import sweep_names

    if verb not in _WITH_NAMES:
        return []
    known = sweep_names(searches=None if verb == "report" else verb == "search")
    return ["", f"Names: {', '.join(known)}, or a YAML file"]


def _of_others(verb: str) -> list[str]:
    runs = {
        "sweep": "the verb that the sweep runs",
        "search": "the verb that the search runs",
        "demo": "evaluate, mine and ensemble",
    }
    if verb not in runs:
        return []
    return ["", f"It takes the groups and keys of {runs[verb]}, too: see `misfire ensemble --help`."]
