from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from misfire.data import Caption, Dataset
from misfire.failures import Selection
from misfire.methods.retrieval.prompted import PromptedQueries
from misfire.methods.retrieval.templates import lint as _lint
from misfire.prompts import MatchedTemplates, RoutedTemplates, TemplateSet
from misfire.scoring import MaxPooling
from misfire.stats import StatisticsSettings
from tests.methods.retrieval import invented

PHOTO = TemplateSet("photo", ("{caption}", "a photo of {caption}"))
NUMBER = TemplateSet("number", ("{caption}", "two {caption}"))


class NoNetwork(invented.HashEncoder):
    def module(self) -> torch.nn.Module:
        raise AssertionError("the network was loaded")

    def encode_texts(self, tokens: torch.Tensor) -> torch.Tensor:
        raise AssertionError("a prompt was encoded")


@pytest.fixture(autouse=True)
def _nothing_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_lint, "_said", set())
    monkeypatch.setattr(_lint, "_looked_at", set())


def dataset_of(folder: Path, texts: list[str]) -> Dataset:
    data = invented.workbench(folder).dataset
    captions = tuple(Caption(id=place, image_id=data.images[place].id, text=text) for place, text in enumerate(texts))
    return replace(data, images=data.images[: len(texts)], captions=captions)


def cell_of(folder: Path, texts: list[str], templates: TemplateSet | RoutedTemplates) -> PromptedQueries:
    data = dataset_of(folder, texts)
    return PromptedQueries(
        dataset=data,
        backbone_fingerprint="f",
        subset=Selection("some", np.arange(len(texts)), "by hand", is_failure_mined=False),
        complement=np.array([], dtype=np.int64),
        template_set=templates,
        pooling=MaxPooling(),
        ks=(1,),
        statistics=StatisticsSettings(),
    )


def test_each_finding_is_said_once_however_many_cells_there_are(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cell = cell_of(tmp_path, ["a photo of a cat", "a dog", "a photo of a cow"], PHOTO)
    for _ in range(2):
        _lint.warn_of_prompts(cell, NoNetwork())
    said = capsys.readouterr().err
    assert said.count("Warning: template 'a photo of {caption}': doubles a phrase with 2 captions") == 1
    assert said.count("Warning") == 1


def test_the_same_prompts_are_looked_at_once_and_other_captions_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked_at: list[list[str]] = []

    def findings(template_set: TemplateSet, captions: list[str], encoder: object) -> tuple[()]:
        looked_at.append(captions)
        return ()

    monkeypatch.setattr(_lint, "findings", findings)
    cell = cell_of(tmp_path, ["a cat", "a dog"], PHOTO)
    for one in (cell, replace(cell, ks=(1, 5)), cell_of(tmp_path, ["a cat", "a cow"], PHOTO)):
        _lint.warn_of_prompts(one, NoNetwork())
    _lint.warn_of_prompts(replace(cell, template_set=NUMBER), NoNetwork())
    assert looked_at == [["a cat", "a dog"], ["a cat", "a cow"], ["a cat", "a dog"]]


def test_a_routed_caption_is_looked_at_with_its_own_templates_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    routed = RoutedTemplates("predicted", {"photo": PHOTO, "number": NUMBER}, {0: "number", 1: "photo"})
    _lint.warn_of_prompts(cell_of(tmp_path, ["a photo of a cat", "a dog"], routed), NoNetwork())
    said = capsys.readouterr().err
    assert "doubles a phrase" not in said
    assert "template 'two {caption}': adds content that captions don't have (two) with 1 caption" in said


def test_templates_that_the_tokenizer_can_not_tell_apart_are_found() -> None:
    class Deaf(NoNetwork):
        def tokenize(self, texts: list[str]) -> torch.Tensor:
            return torch.zeros(len(texts), 3, dtype=torch.long)

    found = _lint.findings(PHOTO, ["a dog"], Deaf())
    assert [finding.fault for finding in found] == ["is the same to the tokenizer as '{caption}'"]


def test_of_many_captions_an_even_sample_is_looked_at() -> None:
    found = _lint.findings(PHOTO, ["a photo of a cat"] * 4001, NoNetwork())
    assert [finding.num_captions for finding in found if "doubles" in finding.fault] == [1334]


def test_the_sets_of_a_choice_are_those_that_it_chooses_from() -> None:
    assert _lint.sets_of(PHOTO) == [PHOTO]
    assert _lint.sets_of(MatchedTemplates({"a": PHOTO, "b": NUMBER})) == [PHOTO, NUMBER]
