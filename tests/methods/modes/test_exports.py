from importlib import import_module
from pathlib import Path

import misfire.methods.modes as room


def test_what_the_room_exports_is_no_module_of_the_same_name() -> None:
    """Such a name would be the function at first, and the module once that was imported."""
    modules = {path.stem for path in Path(str(room.__file__)).parent.glob("*.py")}
    ours = {"prime", "significance", "generalisation", "class_tags", "quality_of_descriptions", "explained_by"}
    assert ours <= set(room.__all__)
    assert not ours & modules
    assert room.prime.__name__ == "prime"


def test_every_name_is_found_whatever_was_imported_before() -> None:
    """A name that is a module, too, would be the module once that was imported."""
    modules = {path.stem for path in Path(str(room.__file__)).parent.glob("*.py")}
    assert "prime" not in modules
    for module in modules - {"__init__", "__pycache__"}:
        import_module(f"misfire.methods.modes.{module}")
    for name in room.__all__:
        found = getattr(room, name)
        if name not in modules:
            assert found.__name__ == name
