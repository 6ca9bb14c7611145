"""The default failure set is mined once, found again, and held against what is in use."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pytest
import torch

from misfire.cells.lab import Workbench
from misfire.core.errors import IntegrityError, UsageError
from misfire.failures import Failure, write_failure_set
from misfire.methods.retrieval.baseline.baseline import text_to_image
from misfire.methods.retrieval.failure_sets import mined_failure_set, named_failure_set
from misfire.methods.retrieval.split import dev_queries
from misfire.methods.retrieval.split import test_queries as held_back
from tests.methods.retrieval import invented


def test_every_failure_is_one_and_keeps_its_scores(bench: Workbench, tmp_path: Path) -> None:
    found = text_to_image(bench)
    failing = {
        caption.id for caption, rank in zip(bench.dataset.captions, found.ranks.rank.tolist(), strict=True) if rank > 1
    }
    mined, folder = mined_failure_set(bench, tmp_path, num_failures=len(failing), seed=0)
    assert set(mined.query_ids) == failing
    assert folder == tmp_path / mined.digest[:12]
    positions = mined.positions(bench.dataset)
    assert [failure.rank for failure in mined.failures] == found.ranks.rank[positions].tolist()
    assert [failure.target_score for failure in mined.failures] == found.target_score[positions].tolist()


def test_truth_labels_where_it_is_known(bench: Workbench, tmp_path: Path) -> None:
    mined, _ = mined_failure_set(bench, tmp_path, num_failures=8, seed=0)
    place = {image.id: index for index, image in enumerate(bench.dataset.images)}
    for failure, position in zip(mined.failures, mined.positions(bench.dataset), strict=True):
        category = invented.CATEGORIES[(position + place[failure.retrieved_image_id]) % len(invented.CATEGORIES)]
        assert failure.category == category.capitalize()
    assert mined.label_source == "world truth"


def test_a_dataset_without_truth_stays_unlabelled(bench: Workbench, tmp_path: Path) -> None:
    from misfire.data import Dataset

    plain = Dataset("plain", bench.dataset.images, bench.dataset.captions)
    mined, _ = mined_failure_set(replace(bench, dataset=plain), tmp_path, num_failures=8, seed=0)
    assert mined.label_source is None
    assert {failure.category for failure in mined.failures} == {None}


def test_it_is_mined_once(bench: Workbench, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first, folder = mined_failure_set(bench, tmp_path, num_failures=8, seed=0)
    assert capsys.readouterr().err == "Mining 8 top-1 failures of hash on invented (seed 0).\n"
    again, same_folder = mined_failure_set(bench, tmp_path, num_failures=8, seed=0)
    assert capsys.readouterr().err == ""
    assert (again, same_folder) == (first, folder)


def test_another_question_is_another_set(bench: Workbench, tmp_path: Path) -> None:
    digests = {
        mined_failure_set(bench, tmp_path, num_failures=count, seed=seed)[0].digest
        for count, seed in ((8, 0), (9, 0), (8, 1))
    }
    assert len(digests) == 3


def test_a_share_of_the_images_is_mined_and_the_rest_confirms(
    bench: Workbench, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    whole, _ = mined_failure_set(bench, tmp_path, num_failures=8, seed=0, mined_share=1.0)
    capsys.readouterr()
    half, folder = mined_failure_set(bench, tmp_path, num_failures=8, seed=0, mined_share=0.5)
    assert capsys.readouterr().err == "Mining 8 top-1 failures of hash on invented (seed 0, from 0.5 of the images).\n"
    assert half.digest != whole.digest
    confirm = half.confirm_positions(bench.dataset)
    images = {bench.dataset.captions[position].image_id for position in confirm}
    assert len(images) == len(bench.dataset.images) // 2
    assert not {failure.target_image_id for failure in half.failures} & images
    again = named_failure_set(bench, folder)
    assert (again, again.confirm_positions(bench.dataset).tolist()) == (half, confirm.tolist())


@pytest.mark.parametrize("dev_share", [0.3, 0.5])
def test_a_sides_failures_are_those_of_the_whole_cut_to_it(bench: Workbench, tmp_path: Path, dev_share: float) -> None:
    everything = sum(int(rank) > 1 for rank in text_to_image(bench).ranks.rank)
    whole, _ = mined_failure_set(bench, tmp_path, num_failures=everything, seed=0)
    found = []
    for split in (dev_queries, held_back):
        side = split(bench.dataset, dev_share=dev_share, seed=4)
        texts = {bench.dataset.captions[position].text for position in side.positions}
        watched = Watched(bench.dataset, bench.encoder, bench.store, bench.trainer)
        mined, _ = mined_failure_set(watched, tmp_path, num_failures=10_000, seed=0, side=side)
        assert set(watched.asked) == texts  # no caption of the other side is so much as embedded
        of_side = set(side.positions.tolist())
        cut = [
            failure
            for failure, position in zip(whole.failures, whole.positions(bench.dataset).tolist(), strict=True)
            if position in of_side
        ]
        # A product of another shape may differ in a score's last bit; nothing else may differ.
        assert [without_scores(failure) for failure in mined.failures] == list(map(without_scores, cut))
        np.testing.assert_allclose(scores(mined.failures), scores(cut), rtol=0, atol=1e-6)
        assert (mined.num_queries, mined.num_top1_failures) == (len(side), len(cut))
        assert mined.how_chosen.endswith(f"failures among {len(side)} queries ({side.how_split}), seed 0")
        found += mined.failures
    assert sorted(failure.query_id for failure in found) == list(whole.query_ids)


@dataclass(frozen=True)
class Watched(Workbench):
    """Notes every text that it is asked about."""

    asked: list[str] = field(default_factory=list)

    def texts(self, texts: Sequence[str]) -> torch.Tensor:
        self.asked.extend(texts)
        return super().texts(texts)


def without_scores(failure: Failure) -> Failure:
    return replace(failure, target_score=0.0, retrieved_score=0.0)


def scores(failures: Sequence[Failure]) -> list[tuple[float, float]]:
    return [(failure.target_score, failure.retrieved_score) for failure in failures]


def test_a_side_has_its_share_of_the_number_and_a_set_of_its_own(
    bench: Workbench, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    whole, _ = mined_failure_set(bench, tmp_path, num_failures=8, seed=0)
    capsys.readouterr()
    dev, test = (split(bench.dataset, dev_share=0.5, seed=4) for split in (dev_queries, held_back))
    sets = [mined_failure_set(bench, tmp_path, num_failures=8, seed=0, side=side)[0] for side in (dev, test)]
    assert [len(mined) for mined in sets] == [dev.share_of(8), test.share_of(8)]
    assert sum(map(len, sets)) == 8
    assert len({whole.digest, *(mined.digest for mined in sets)}) == 3
    assert capsys.readouterr().err.splitlines()[0] == (
        f"Mining {dev.share_of(8)} top-1 failures of hash on invented (seed 0, among {dev.how_split})."
    )
    again, folder = mined_failure_set(bench, tmp_path, num_failures=8, seed=0, side=dev)
    assert capsys.readouterr().err == ""
    assert again == sets[0]
    assert named_failure_set(bench, folder).part == dev.how_split


def test_a_side_of_mined_images_confirms_on_its_others(bench: Workbench, tmp_path: Path) -> None:
    dev = dev_queries(bench.dataset, dev_share=0.5, seed=4)
    half, _ = mined_failure_set(bench, tmp_path, num_failures=10_000, seed=0, mined_share=0.5, side=dev)
    confirm = set(half.confirm_positions(bench.dataset).tolist())
    assert set(half.positions(bench.dataset).tolist()) <= set(dev.positions.tolist()) - confirm
    assert half.num_queries == len(set(dev.positions.tolist()) - confirm)


def test_a_side_is_not_asked_for_no_failures(bench: Workbench, tmp_path: Path) -> None:
    dev = dev_queries(bench.dataset, dev_share=0.5, seed=4)
    with pytest.raises(UsageError, match="num_failures must be a whole number from 1, got 0; 200 is a good sample"):
        mined_failure_set(bench, tmp_path, num_failures=0, seed=0, side=dev)


def test_where_there_are_fewer_failures_than_asked_for_all_are_taken(
    bench: Workbench, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found, folder = mined_failure_set(bench, tmp_path, num_failures=1000, seed=0)
    assert len(found) == found.num_top1_failures < 1000
    said = f"There are {len(found)} top-1 failures, fewer than the 1000 asked for: all of them are taken."
    assert said in capsys.readouterr().err
    assert mined_failure_set(bench, tmp_path, num_failures=1000, seed=0)[1] == folder


def test_a_damaged_set_is_found(bench: Workbench, tmp_path: Path) -> None:
    _, folder = mined_failure_set(bench, tmp_path, num_failures=8, seed=0)
    rows = folder / "failure_set.parquet"
    content = bytearray(rows.read_bytes())
    content[len(content) // 2] ^= 1
    rows.write_bytes(content)
    with pytest.raises(IntegrityError, match=f"failure set {folder} must be what was written"):
        mined_failure_set(bench, tmp_path, num_failures=8, seed=0)


def test_a_named_set_is_read_where_it_fits(bench: Workbench, tmp_path: Path) -> None:
    mined, folder = mined_failure_set(bench, tmp_path, num_failures=8, seed=0)
    assert named_failure_set(bench, folder) == mined


def test_a_named_set_of_another_dataset_or_backbone_is_refused(bench: Workbench, tmp_path: Path) -> None:
    mined, folder = mined_failure_set(bench, tmp_path, num_failures=8, seed=0)
    other = replace(bench, dataset=invented.dataset("other", last_text="another text"))
    with pytest.raises(
        UsageError, match=f"failure set {mined.digest[:12]} must fit its dataset and backbone, got data"
    ):
        named_failure_set(other, folder)
    other = replace(bench, encoder=invented.HashEncoder(weights="other weights"))
    with pytest.raises(UsageError, match=r"must fit its dataset and backbone, got backbone .* mine the failures again"):
        named_failure_set(other, folder)


def test_a_folder_without_a_set_is_refused(bench: Workbench, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"must hold a failure set, got no failure_set\.json there"):
        named_failure_set(bench, tmp_path)


def test_a_relabelled_set_may_be_named(bench: Workbench, tmp_path: Path) -> None:
    mined, _ = mined_failure_set(bench, tmp_path, num_failures=8, seed=0)
    stripped = mined.relabelled({}, label_source="nobody")
    assert named_failure_set(bench, write_failure_set(stripped, tmp_path)).label_source == "nobody"
