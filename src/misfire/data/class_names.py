"""What classes are called in prompts, from a file: folders and numbers are rarely words."""

import json
from collections.abc import Sequence
from pathlib import Path

from misfire.core.errors import UsageError, name_some
from misfire.core.words import counted
from misfire.core.yaml_file import read_yaml


def read_class_names(path: Path, classes: Sequence[str]) -> tuple[str, ...]:
    """The names of some classes, in their order.

    A text file has a name a line, in the order of the classes; JSON and YAML map a class (its folder, number or id) to
    its name, or list the names in order. Two classes may have the same name, as ImageNet's have: their prompts are then
    the same.

    Args:
        path: The file; its ending says which of these it is.
        classes: The classes as the dataset knows them.

    Raises:
        UsageError: If it can't be read, names another number of classes, lacks one, or gives an empty name.
    """
    try:
        content = _content(path)
    except UsageError:
        raise
    except (OSError, ValueError, RecursionError) as error:
        raise UsageError(
            f"class names must be in a file in UTF-8, got {path} ({error}); give the path of one."
        ) from error
    if isinstance(content, dict):
        named = {str(key): value for key, value in content.items()}
        missing = [one for one in classes if one not in named]
        if missing:
            raise UsageError(
                f"{path} must name every class, it has {name_some(named)} and lacks {name_some(missing)}; add them, or "
                "give the file of these classes."
            )
        names = [named[one] for one in classes]
    elif isinstance(content, list):
        if len(content) != len(classes):
            raise UsageError(
                f"{path} must name as many classes as there are, got {counted(len(content), 'name')} for "
                f"{name_some(classes)}; give one a line, in their order."
            )
        names = content
    else:
        raise UsageError(f"{path} must list or map names, got a {type(content).__name__}; give one a line.")
    empty = [one for one, name in zip(classes, names, strict=True) if not isinstance(name, str) or not name.strip()]
    if empty:
        raise UsageError(f"{path} must give every class a name in words, got none for {name_some(empty)}; name them.")
    return tuple(name.strip() for name in names)


def _content(path: Path) -> object:
    if path.suffix in (".yaml", ".yml"):
        found: object = read_yaml(path, "class names").content
        return found
    text = path.read_text(encoding="utf-8-sig")
    return json.loads(text) if path.suffix == ".json" else text.splitlines()
