from importlib import import_module
from pathlib import Path

import misfire.methods.modes as room


def test_every_name_is_found_whatever_was_imported_before() -> None:
    """A name that is a module, too, would be the module once that was imported."""
    modules = {path.stem for path in Path(str(room.__file__)).parent.iterdir()}
    assert "prime" not in modules
    for module in modules - {"__init__", "__pycache__"}:
        import_module(f"misfire.methods.modes.{module}")
    for name in room.__all__:
        found = getattr(room, name)
        if name not in modules:
            assert found.__name__ == name
