from pathlib import Path
from typing import Any

import pytest

from misfire.core.errors import UsageError
from misfire.embeddings import OpenClipEncoder
from misfire.embeddings.hub import download_tokenizer


def offline(*_: object, **__: object) -> str:
    raise ConnectionError("no route to host")


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    import huggingface_hub

    monkeypatch.setattr(huggingface_hub, "snapshot_download", offline)
    monkeypatch.setattr(huggingface_hub, "hf_hub_download", offline)


@pytest.mark.usefixtures("no_network")
def test_without_a_network_it_says_which_files_to_put_where() -> None:
    with pytest.raises(
        UsageError,
        match=r"hf-hub:nobody/tiny must be in the hub's cache or downloadable, got ConnectionError; .* or put "
        r"open_clip_config.json, open_clip_model.safetensors and the tokenizer's files of "
        r"https://huggingface.co/nobody/tiny into a folder and set backbone.model=local-dir:FOLDER\.$",
    ):
        OpenClipEncoder("hf-hub:nobody/tiny").describe()


@pytest.mark.parametrize("name", ["open_clip_model.safetensors", "open_clip_pytorch_model.bin"])
def test_a_repository_is_the_folder_of_its_snapshot(
    tiny_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    import huggingface_hub
    from huggingface_hub.errors import EntryNotFoundError

    asked: list[Any] = []

    def snapshot(repository: str, *, allow_patterns: list[str]) -> str:
        asked.append(allow_patterns)
        for part in ("open_clip_config.json", "merges.txt.gz"):
            (tmp_path / part).write_bytes((tiny_folder / part).read_bytes())
        return str(tmp_path)

    def file(repository: str, filename: str) -> str:
        asked.append(filename)
        if filename != name:
            raise EntryNotFoundError(filename)
        if name.endswith("safetensors"):
            (tmp_path / name).write_bytes((tiny_folder / "model.safetensors").read_bytes())
        else:
            import torch
            from safetensors.torch import load_file

            torch.save(load_file(tiny_folder / "model.safetensors"), tmp_path / name)
        return str(tmp_path / name)

    monkeypatch.setattr(huggingface_hub, "snapshot_download", snapshot)
    monkeypatch.setattr(huggingface_hub, "hf_hub_download", file)
    ours, hubs = OpenClipEncoder(f"local-dir:{tiny_folder}"), OpenClipEncoder("hf-hub:somebody/tiny")
    assert hubs.name == "tiny"
    described = {**hubs.describe(), "weights_sha256": ours.describe()["weights_sha256"]}
    assert described == ours.describe()
    assert (hubs.encode_texts(hubs.tokenize(["a"])) == ours.encode_texts(ours.tokenize(["a"]))).all()
    assert asked[-1] == name
    num_asked = len(asked)
    assert OpenClipEncoder("hf-hub:somebody/tiny").fingerprint == hubs.fingerprint
    assert len(asked) == num_asked + 1  # weights that are there are not asked for again


def test_a_repository_without_a_tokenizer_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import huggingface_hub

    monkeypatch.setattr(huggingface_hub, "snapshot_download", lambda *_, **__: str(tmp_path))
    with pytest.raises(
        UsageError, match=r"the tokenizer a/b must be .*, got a repository without any; .* beside the wei"
    ):
        download_tokenizer("a/b", tmp_path)
