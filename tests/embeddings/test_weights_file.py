import pickle
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from misfire.core.errors import UsageError
from misfire.embeddings.weights_file import read_weights

STATE = {"visual.proj": torch.arange(6.0).reshape(2, 3), "logit_scale": torch.tensor(2.0)}


class Bomb:
    """Creates a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return (Path.touch, (self.path,))


def assert_is_state(path: Path) -> None:
    read = read_weights(path)
    assert set(read) == set(STATE)
    assert all(torch.equal(read[name], value) for name, value in STATE.items())


def test_a_state_dict_is_read_from_safetensors_and_from_torch_files(tmp_path: Path) -> None:
    save_file(STATE, tmp_path / "a.safetensors")
    torch.save(STATE, tmp_path / "b.pt")
    torch.save(STATE, tmp_path / "c.bin", _use_new_zipfile_serialization=False)
    torch.save({"epoch": 1, "state_dict": STATE, "scaler": {"scale": 1.0}}, tmp_path / "d.pt")
    for path in sorted(tmp_path.iterdir()):
        assert_is_state(path)


@pytest.mark.parametrize("prefix", ["module.", "_orig_mod.", "module._orig_mod."])
def test_the_prefixes_of_wrappers_are_taken_off(tmp_path: Path, prefix: str) -> None:
    torch.save({"state_dict": {prefix + name: value for name, value in STATE.items()}}, tmp_path / "a.pt")
    assert_is_state(tmp_path / "a.pt")


@pytest.mark.parametrize("kind", ["pickle", "old", "new"])
def test_a_file_that_would_run_code_is_refused_and_runs_nothing(tmp_path: Path, kind: str) -> None:
    path, trace = tmp_path / "bomb.pt", tmp_path / "exploded"
    if kind == "pickle":
        path.write_bytes(pickle.dumps(Bomb(trace)))
    else:
        torch.save({**STATE, "x": Bomb(trace)}, path, _use_new_zipfile_serialization=kind == "new")
    message = r"no torch file of tensors alone" if kind == "pickle" else r"tensors alone, got \S+ in .*, which could"
    with pytest.raises(UsageError, match=message) as e:
        read_weights(path)
    assert "\n" not in str(e.value)
    assert not trace.exists()


def test_a_torchscript_archive_is_refused_before_it_is_read(tmp_path: Path) -> None:
    network: Any = torch.nn.Linear(2, 2)
    torch.jit.save(torch.jit.script(network), tmp_path / "ViT-B-32.pt")
    with pytest.raises(
        UsageError, match=r"alone, got the TorchScript archive .*ViT-B-32.pt, which .*; fetch the model"
    ):
        read_weights(tmp_path / "ViT-B-32.pt")


@pytest.mark.parametrize("name", ["a.safetensors", "a.pt"])
@pytest.mark.parametrize("length", [0, 3, 100, -1])
def test_a_truncated_file_is_one_sentence(tmp_path: Path, name: str, length: int) -> None:
    path = tmp_path / name
    if name == "a.pt":
        torch.save(STATE, path)
    else:
        save_file(STATE, path)
    path.write_bytes(path.read_bytes()[:length])
    with pytest.raises(UsageError, match=r"a weights file must be whole, got .*: .*; copy or download it again") as e:
        read_weights(path)
    assert "\n" not in str(e.value)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_one_value_that_is_not_finite_is_named(tmp_path: Path, value: float) -> None:
    broken = STATE["visual.proj"].clone()
    broken[1, 2] = value
    save_file({**STATE, "visual.proj": broken}, tmp_path / "a.safetensors")
    with pytest.raises(
        UsageError, match=r"finite, got NaN or infinity in 1 \(visual.proj\) of 2 tensors of .*; take an"
    ):
        read_weights(tmp_path / "a.safetensors")


@pytest.mark.parametrize(
    ("content", "what"), [({}, "none"), ([1, 2], "none"), ({"a": 1, "b": torch.zeros(1)}, r"values .*: 1 \(a\)")]
)
def test_what_is_no_state_dict_is_refused(tmp_path: Path, content: Any, what: str) -> None:
    torch.save(content, tmp_path / "a.pt")
    with pytest.raises(UsageError, match=rf"must hold a state dict of named tensors, got {what} in .*a.pt; save model"):
        read_weights(tmp_path / "a.pt")
