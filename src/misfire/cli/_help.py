"""What a verb does and what it can be told."""

from collections.abc import Sequence

from misfire.cli._application import compose


def explanation(verb: str, summary: str, words: Sequence[str]) -> str:
    """A verb's help: what it does, each group's choices, and the configuration that ``words`` compose."""
    from omegaconf import OmegaConf

    from misfire.config import conf_folder, search_names, sweep_names

    folders = sorted(path for path in conf_folder().iterdir() if path.is_dir())
    choices = {folder.name: sorted(path.stem for path in folder.glob("*.yaml")) for folder in folders}
    known = {"sweep": sweep_names(), "search": search_names(), "report": [*sweep_names(), *search_names()]}
    name = " NAME" if verb in known else ""
    return "\n".join(
        [
            f"misfire {verb}{name} [group=choice] [key=value] [-m]",
            "",
            summary,
            "",
            *([f"Names: {', '.join(known[verb])}, or a YAML file", ""] if name else []),
            "Groups and their choices:",
            *(f"  {group:<11} {', '.join(names)}" for group, names in choices.items()),
            "",
            "Configuration:",
            OmegaConf.to_yaml(compose(words)).rstrip(),
        ]
    )
