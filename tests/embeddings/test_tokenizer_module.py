import subprocess
import sys

import open_clip
import torch

from misfire.embeddings.tokenizer_module import tokenizer_module

TEXTS = ["a photo of two cats.", "", "na\u00efve caf\u00e9 don't &amp; 42", "the " * 100]
BY_ITSELF = """
import sys
from misfire.embeddings.tokenizer_module import tokenizer_module
tokens = tokenizer_module().SimpleTokenizer()(sys.argv[1:])
print(tokens.tolist(), sorted({"open_clip", "torchvision", "timm"} & set(sys.modules)))
"""


def test_read_by_itself_it_makes_the_tokens_that_the_package_makes_and_loads_no_vision_model() -> None:
    ran = subprocess.run([sys.executable, "-c", BY_ITSELF, *TEXTS], check=True, capture_output=True, text=True)
    assert ran.stdout.strip() == f"{open_clip.SimpleTokenizer()(TEXTS).tolist()} []"


def test_where_open_clip_is_loaded_already_its_own_module_serves() -> None:
    tokenizer_module.cache_clear()
    try:
        assert tokenizer_module() is open_clip.tokenizer
        assert torch.equal(tokenizer_module().SimpleTokenizer()(TEXTS), open_clip.SimpleTokenizer()(TEXTS))
    finally:
        tokenizer_module.cache_clear()
