"""Published numbers against those typed from the papers, and the comparison against arithmetic by hand."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

import misfire.embeddings
from misfire.config import conf_folder
from misfire.core.errors import UsageError
from misfire.data import Caption, Dataset, Image
from misfire.methods.retrieval.baseline.published import _all_results, compare_with, published_results
from tests.methods.retrieval import invented

CONF = conf_folder() / "backbone"
OPENAI = "ViT-B-32-quickgelu openai"
T2I = ("t2i/hit_at_1", "t2i/hit_at_5", "t2i/hit_at_10")
I2T = ("i2t/hit_at_1", "i2t/hit_at_5", "i2t/hit_at_10")


def dataset_of(name: str, num_images: int, num_captions: int) -> Dataset:
    image = invented.PlainImage((1, 2, 3))
    images = tuple(Image(index, image) for index in range(num_images))
    return Dataset(name, images, tuple(Caption(i, i % num_images, f"text {i}") for i in range(num_captions)))


@pytest.mark.parametrize(
    ("name", "num_images", "num_captions", "expected"),
    [
        ("coco_karpathy", 5000, 25010, (0.3044, 0.5594, 0.6687, 0.5012, 0.7500, 0.8352)),
        ("flickr30k", 1000, 5000, (0.5878, 0.8356, 0.9002, 0.7890, 0.9490, 0.9820)),
        ("coco2017", 5000, 25000, (0.3044, 0.5477, 0.6624)),
    ],
)
def test_openai_s_numbers_are_the_published_ones(
    name: str, num_images: int, num_captions: int, expected: tuple[float, ...]
) -> None:
    (result,) = published_results(OPENAI, dataset_of(name, num_images, num_captions))
    assert result.hits == dict(zip((*T2I, *I2T), expected, strict=False))
    assert result.citation


def test_the_bundled_model_s_numbers_are_its_training_record_s() -> None:
    record = json.loads((Path(misfire.embeddings.__file__).parent / "world_clip" / "training_record.json").read_text())
    (result,) = [result for result in _all_results() if result.backbone == "world_clip"]
    assert result.fingerprint == record["test"]["dataset_fingerprint"]
    for name, value in result.hits.items():
        direction, _, measure = name.partition("/")
        assert value == record["test"][direction][measure]


def test_every_published_backbone_can_be_configured() -> None:
    configs = [yaml.safe_load(path.read_text()) for path in CONF.glob("*.yaml")]
    names = {f"{config['model']} {config['pretrained']}" for config in configs} | {"world_clip"}
    assert {result.backbone for result in _all_results()} <= names


def test_hits_are_fractions_that_grow_with_k() -> None:
    for result in _all_results():
        for names in (T2I, I2T):
            values = [result.hits[name] for name in names if name in result.hits]
            assert values == sorted(values)
            assert all(0 < value < 1 for value in values)


@pytest.mark.parametrize(
    ("shift", "agrees"), [(0.0, True), (0.003, True), (-0.003, True), (0.0031, False), (-0.0031, False)]
)
def test_agreement_is_within_three_tenths_of_a_point(shift: float, agrees: bool) -> None:
    (result,) = published_results(OPENAI, dataset_of("coco2017", 5000, 25000))
    measured = {**result.hits, "t2i/hit_at_5": 0.5477 + shift, "t2i/median_rank": 3.0}
    by_name = {comparison.measure: comparison for comparison in compare_with(result, measured)}
    assert set(by_name) == set(T2I)
    assert by_name["t2i/hit_at_5"].agrees is agrees
    assert by_name["t2i/hit_at_5"].difference_pp == pytest.approx(100 * shift, abs=1e-9)
    assert by_name["t2i/hit_at_1"].agrees


def test_an_undefined_measurement_agrees_with_nothing() -> None:
    (result,) = published_results(OPENAI, dataset_of("coco2017", 5000, 25000))
    measured = dict.fromkeys(result.hits, float("nan"))
    assert not any(comparison.agrees for comparison in compare_with(result, measured))


def test_what_cannot_be_compared_is_said() -> None:
    with pytest.raises(UsageError, match=r"must be verified on data .* got coco2017 with 5,000 images and 25,014 capt"):
        published_results(OPENAI, dataset_of("coco2017", 5000, 25014))
    with pytest.raises(UsageError, match=r"must have published results, got ours on world with .*; known are world_cl"):
        published_results("ours", dataset_of("world", 2, 2))
    with pytest.raises(UsageError, match="must be verified on data with published results, got world"):
        published_results("world_clip", dataset_of("world", 5000, 25000))  # another seed's world
    (result,) = published_results(OPENAI, dataset_of("coco2017", 5000, 25000))
    with pytest.raises(UsageError, match=r"must be measured too, got no t2i/hit_at_10; leave ks at \[1, 5, 10\]"):
        compare_with(replace(result), {"t2i/hit_at_1": 0.3, "t2i/hit_at_5": 0.5})
