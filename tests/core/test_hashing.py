import hashlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from misfire.core.hashing import sha256_file, sha256_json, sha256_text


@given(st.dictionaries(st.text(), st.integers()))
def test_the_order_of_keys_changes_nothing(value: dict[str, int]) -> None:
    assert sha256_json(value) == sha256_json(dict(reversed(value.items())))


def test_a_nan_has_no_name() -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        sha256_json({"score": float("nan")})


def test_a_file_and_its_text_have_one_name(tmp_path: Path) -> None:
    (tmp_path / "f").write_text("größer", encoding="utf-8")
    assert sha256_file(tmp_path / "f") == sha256_text("größer") == hashlib.sha256("größer".encode()).hexdigest()
