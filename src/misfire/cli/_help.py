"""What a verb does and what it can be told."""

from collections.abc import Sequence

from misfire.cli._application import compose


def explanation(verb: str, summary: str, words: Sequence[str]) -> str:
    """A verb's help: what it does, each group's choices, and the configuration that ``words`` compose."""
    from omegaconf import OmegaConf

    from misfire.config import conf_folder, sweep_names

    folders = sorted(path for path in conf_folder().iterdir() if path.is_dir())
    choices = {folder.name: sorted(path.stem for path in folder.glob("*.yaml")) for folder in folders}
    name = " NAME" if verb in ("sweep", "report") else ""
    return "\n".join(
        [
            f"misfire {verb}{name} [group=choice] [key=value] [-m]",
            "",
            summary,
            "",
            *([f"Names: {', '.join(sweep_names())}, or a YAML file", ""] if name else []),
            "Groups and their choices:",
            *(f"  {group:<11} {', '.join(names)}" for group, names in choices.items()),
            "",
            "Configuration:",
            OmegaConf.to_yaml(compose(words)).rstrip(),
        ]
    )
