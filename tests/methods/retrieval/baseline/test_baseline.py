"""Plain retrieval in both directions, against loops."""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import pytest
from scipy.stats import t as student

from misfire.cells import Estimate, Estimates, Workbench
from misfire.core.hashing import sha256_text
from misfire.data import dataset_card, i2t_hit_ceiling, images_of_texts
from misfire.methods.retrieval.baseline.baseline import (
    measured_baseline,
    text_to_image,
)
from misfire.methods.retrieval.data_note import data_notes
from misfire.stats import StatisticsSettings
from tests.methods.retrieval import invented
from tests.methods.retrieval.brute_force import Ranked, ranked

KS = (1, 3, 8)
STATISTICS = StatisticsSettings(num_replicates=200, confidence=0.9, seed=7)


@dataclass(frozen=True, eq=False)
class Baseline:
    """What was measured."""

    records: pd.DataFrame
    estimates: Estimates

    def at(self, metric: str, k: int | None = None, group: str = "") -> Estimate:
        return self.estimates.at(metric, k=k, group=group)


@pytest.fixture(scope="module")
def baseline(bench: Workbench) -> Baseline:
    return Baseline(*measured_baseline(bench, ks=KS, statistics=STATISTICS))


@pytest.fixture(scope="module")
def expected(bench: Workbench) -> dict[str, list[Ranked]]:
    """Loops over every pair; an image's rank is the best that any of its own captions gets."""
    data = bench.dataset
    captions = invented.plain_text_rows([caption.text for caption in data.captions])
    images = invented.plain_image_rows(data)
    scores = np.array([[float(np.dot(caption, image)) for image in images] for caption in captions])
    own = [
        [place for place, caption in enumerate(data.captions) if caption.image_id == image.id] for image in data.images
    ]
    of_images = [
        min((ranked(list(scores[:, i]), place) for place in own[i]), key=lambda r: r.rank) for i in range(len(images))
    ]
    return {
        "t2i": [ranked(list(row), int(target)) for row, target in zip(scores, data.targets, strict=True)],
        "i2t": of_images,
    }


@pytest.mark.parametrize("direction", ["t2i", "i2t"])
def test_records_are_those_of_loops(
    direction: str, baseline: Baseline, expected: dict[str, list[Ranked]], bench: Workbench
) -> None:
    records = baseline.records[baseline.records.direction == direction]
    for column in ("rank", "best_rank", "worst_rank"):
        assert records[column].tolist() == [getattr(query, column) for query in expected[direction]]
    for column in ("target_score", "top1_score", "margin"):
        np.testing.assert_allclose(
            records[column], [getattr(query, column) for query in expected[direction]], atol=1e-6
        )
    gallery = bench.dataset.images if direction == "t2i" else bench.dataset.captions
    assert records.top1_id.tolist() == [gallery[query.top1].id for query in expected[direction]]


def test_the_invented_queries_fail_tie_and_succeed(expected: dict[str, list[Ranked]]) -> None:
    for queries in expected.values():
        assert len({query.rank for query in queries}) > 3
        assert any(query.rank == 1 for query in queries)
        assert any(query.best_rank < query.worst_rank for query in queries)


@pytest.mark.parametrize("direction", ["t2i", "i2t"])
def test_estimates_are_means_and_medians_of_the_records(
    direction: str, baseline: Baseline, expected: dict[str, list[Ranked]]
) -> None:
    ranks = sorted(query.rank for query in expected[direction])
    for k in KS:
        assert baseline.at(f"{direction}/hit", k).value == pytest.approx(sum(rank <= k for rank in ranks) / len(ranks))
    assert baseline.at(f"{direction}/reciprocal_rank").value == pytest.approx(
        sum(1 / rank for rank in ranks) / len(ranks)
    )
    middle = (ranks[(len(ranks) - 1) // 2] + ranks[len(ranks) // 2]) / 2
    assert baseline.at(f"{direction}/median_rank").value == middle


def test_intervals_resample_images_with_all_their_captions(baseline: Baseline, bench: Workbench) -> None:
    records = baseline.records[baseline.records.direction == "t2i"]
    hits = (records["rank"] <= 3).to_numpy()
    rng = np.random.default_rng(STATISTICS.seed)
    num_images = len(bench.dataset.images)
    replicates = []
    for _ in range(STATISTICS.num_replicates):
        drawn = rng.integers(0, num_images, size=num_images)
        values = [hit for image in drawn for hit in hits[bench.dataset.targets == image]]
        replicates.append(sum(values) / len(values))
    interval = baseline.at("t2i/hit", 3)
    assert (interval.low, interval.high) == pytest.approx(tuple(np.percentile(replicates, [5, 95])))


def test_a_record_names_its_query_text_and_target(baseline: Baseline, bench: Workbench) -> None:
    records, data = baseline.records, bench.dataset
    assert list(records.columns) == [
        "direction",
        "query_id",
        "text_sha256",
        "target_id",
        "rank",
        "best_rank",
        "worst_rank",
        "target_score",
        "top1_score",
        "margin",
        "top1_id",
    ]
    texts = records[records.direction == "t2i"]
    assert texts.query_id.tolist() == [caption.id for caption in data.captions]
    assert texts.text_sha256.tolist() == [sha256_text(caption.text) for caption in data.captions]
    assert texts.target_id.tolist() == [caption.image_id for caption in data.captions]
    images = records[records.direction == "i2t"]
    assert images.query_id.tolist() == [image.id for image in data.images]
    assert images.text_sha256.isna().all()
    owner = {caption.id: caption.image_id for caption in data.captions}
    assert [owner[target] for target in images.target_id] == images.query_id.tolist()
    assert isinstance(records, pd.DataFrame)


def test_a_target_is_first_exactly_where_it_is_the_top_item(baseline: Baseline) -> None:
    records = baseline.records
    assert ((records["rank"] == 1) == (records.top1_id == records.target_id)).all()


def test_what_the_store_holds_never_touches_the_encoder(bench: Workbench, baseline: Baseline) -> None:
    fresh = invented.HashEncoder()
    again = text_to_image(replace(bench, encoder=fresh))
    assert fresh.num_encoded == []
    assert again.ranks.rank.tolist() == baseline.records["rank"][: len(bench.dataset.captions)].tolist()


def test_hit_rates_have_their_bounds(baseline: Baseline, bench: Workbench, expected: dict[str, list[Ranked]]) -> None:
    queries, data = expected["t2i"], bench.dataset
    captions = invented.plain_text_rows([caption.text for caption in data.captions])
    scores = captions @ invented.plain_image_rows(data).T
    for k in KS:
        names = ("if_ties_lose", "if_ties_win", "within_bf16")
        found = {name: baseline.at("t2i/hit", k, name).value for name in names}
        assert found["if_ties_lose"] == pytest.approx(np.mean([query.worst_rank <= k for query in queries]))
        assert found["if_ties_win"] == pytest.approx(np.mean([query.best_rank <= k for query in queries]))
        assert found["if_ties_lose"] <= baseline.at("t2i/hit", k).value <= found["if_ties_win"]
        gaps = [
            row[target] - np.sort(np.delete(row, target))[-k] for row, target in zip(scores, data.targets, strict=True)
        ]
        near = [query.rank <= k and gap < 2**-8 for query, gap in zip(queries, gaps, strict=True)]
        assert found["within_bf16"] == sum(near)
    assert baseline.at("t2i/hit", 1, "ceiling").value == dataset_card(data)["hit_at_1_ceiling"] < 1


def test_an_image_without_captions_is_a_distractor_and_no_query(bench: Workbench) -> None:
    data = bench.dataset
    silent = data.images[3].id
    fewer = replace(data, captions=tuple(caption for caption in data.captions if caption.image_id != silent))
    bench = Workbench(fewer, bench.encoder, bench.store, bench.trainer)
    records, estimates = measured_baseline(bench, ks=(1, 3), statistics=STATISTICS)
    images = records[records.direction == "i2t"]
    assert images.query_id.tolist() == [image.id for image in data.images if image.id != silent]
    assert estimates.at("i2t/hit", k=1).n == len(data.images) - 1
    texts = records[records.direction == "t2i"]
    captions = invented.plain_text_rows([caption.text for caption in fewer.captions])
    scores = np.array([[float(np.dot(one, image)) for image in invented.plain_image_rows(data)] for one in captions])
    assert texts["rank"].tolist() == [
        ranked(list(row), int(target)).rank for row, target in zip(scores, fewer.targets, strict=True)
    ]


@pytest.mark.parametrize("direction", ["t2i", "i2t"])
def test_all_hits_of_a_few_images_are_no_certainty(direction: str, baseline: Baseline, bench: Workbench) -> None:
    """A cut-off as large as the gallery hits always: Wilson's interval of as many hits as there are images."""
    _, estimates = measured_baseline(bench, ks=(len(bench.dataset.captions),), statistics=STATISTICS)
    found = estimates.at(f"{direction}/hit", k=len(bench.dataset.captions))
    sizes = np.bincount(bench.dataset.targets) if direction == "t2i" else np.ones(len(bench.dataset.images))
    worth = sizes.sum() ** 2 / (sizes**2).sum()  # images' worth of queries; all of them where sizes are equal
    t = student.ppf(0.95, len(sizes) - 1)
    assert (found.value, found.high) == (1.0, 1.0)
    assert found.low == pytest.approx(worth / (worth + t**2))


def test_cut_offs_beyond_the_gallery_and_captions_that_are_cut_are_said(bench: Workbench) -> None:
    num_images, num_captions = len(bench.dataset.images), len(bench.dataset.captions)
    _ = bench.captions
    cut = bench.encoder.num_truncated([caption.text for caption in bench.dataset.captions])
    notes = data_notes(bench, (1, num_images, num_captions), directions=("t2i", "i2t"))
    assert notes[-3:] == [
        f"t2i/hit_at_{num_images} is 1 whatever the model: the gallery has {num_images} images.",
        f"t2i/hit_at_{num_captions} is 1 whatever the model: the gallery has {num_images} images.",
        f"i2t/hit_at_{num_captions} is 1 whatever the model: the gallery has {num_captions} captions.",
    ]
    assert len(notes) == 3 + (cut > 0)
    assert len(data_notes(bench, (1,))) == (cut > 0)


def test_the_other_direction_has_a_ceiling_too(bench: Workbench) -> None:
    data = bench.dataset
    texts = {data.captions[0].text, data.captions[-1].text}
    same = replace(data, captions=tuple(replace(one, text=data.captions[0].text) for one in data.captions))
    assert len(texts) == 2
    _, estimates = measured_baseline(
        Workbench(same, bench.encoder, bench.store, bench.trainer), ks=(1,), statistics=STATISTICS
    )
    expected = i2t_hit_ceiling(images_of_texts(same), k=1)
    assert estimates.at("i2t/hit", k=1, group="ceiling").value == expected == pytest.approx(1 / len(data.images))
