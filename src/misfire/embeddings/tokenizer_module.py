"""open_clip's tokenizers without the rest of open_clip."""

import sys
from functools import lru_cache
from importlib import import_module
from importlib.util import module_from_spec, spec_from_file_location
from typing import Any

from misfire.embeddings.architecture import open_clip_folder


@lru_cache(maxsize=1)
def tokenizer_module() -> Any:
    """The module ``open_clip.tokenizer``, read by itself where nothing has imported open_clip yet.

    Importing it by its name would load the whole package with its vision models: seconds, to look at a text.
    """
    place = open_clip_folder() / "tokenizer.py"
    spec = spec_from_file_location(f"{__name__}.open_clip", place)
    if "open_clip" in sys.modules or not place.is_file() or spec is None or spec.loader is None:
        return import_module("open_clip.tokenizer")
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
