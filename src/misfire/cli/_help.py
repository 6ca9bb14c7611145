"""What a verb does and what it can be told."""

from collections.abc import Sequence

_WIDEST = 30


def explanation(verb: str, summary: str, words: Sequence[str]) -> str:
    """A verb's help: what it does, its groups with their choices, its keys with their values and what they mean."""
    from misfire.config.explanation import examples, explained_groups, explained_keys
    from misfire.config.groups import primaries

    if verb not in primaries():
        return _explanation_by_composing(verb, summary, words)
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
    return " NAME" if verb in ("sweep", "search", "report") else ""


def _named(verb: str) -> list[str]:
    from misfire.config import search_names, sweep_names

    names = {"sweep": sweep_names(), "search": search_names(), "report": [*sweep_names(), *search_names()]}.get(verb)
    return ["", f"Names: {', '.join(names)}, or a YAML file"] if names else []


def _explanation_by_composing(verb: str, summary: str, words: Sequence[str]) -> str:
    from omegaconf import OmegaConf

    from misfire.cli._application import compose
    from misfire.config import conf_folder

    folders = sorted(path for path in conf_folder().iterdir() if path.is_dir())
    choices = {folder.name: sorted(path.stem for path in folder.glob("*.yaml")) for folder in folders}
    return "\n".join(
        [
            f"misfire {verb}{_name_of(verb)} [group=choice] [key=value] [-m]",
            "",
            summary,
            *_named(verb),
            "",
            "Groups and their choices:",
            *(f"  {group:<11} {', '.join(names)}" for group, names in choices.items()),
            "",
            "Configuration:",
            OmegaConf.to_yaml(compose(words)).rstrip(),
        ]
    )
