from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from misfire.core.errors import IntegrityError, UsageError
from misfire.data import Caption, Dataset, Image
from misfire.data.picture_folder import AbsentImage
from misfire.failures import DoubtfulQueries, Selection
from misfire.methods.retrieval.prompted import PromptedQueries
from misfire.methods.retrieval.split import DevQueries, dev_queries
from misfire.methods.retrieval.split import test_queries as held_back
from misfire.prompts import TemplateSet
from misfire.scoring import MaxPooling
from misfire.stats import StatisticsSettings


def dataset(num_images: int, captions_per_image: list[int]) -> Dataset:
    images = tuple(Image(10 * number, AbsentImage(f"{number}.jpg"), f"{number}.jpg") for number in range(num_images))
    owners = [
        number for number in range(num_images) for _ in range(captions_per_image[number % len(captions_per_image)])
    ]
    order = np.random.default_rng(0).permutation(len(owners))
    captions = tuple(Caption(place, 10 * owners[index], f"text {index}") for place, index in enumerate(order))
    return Dataset("invented", images, captions)


def selection(*positions: int) -> Selection:
    return Selection("some", np.array(positions), "chosen", is_failure_mined=True)


@given(num_images=st.integers(2, 40), share=st.floats(0.01, 0.99), seed=st.integers(0, 100))
def test_the_sides_part_the_images(num_images: int, share: float, seed: int) -> None:
    data = dataset(num_images, [1, 3, 2])
    dev, test = (make(data, dev_share=share, seed=seed) for make in (dev_queries, held_back))
    assert sorted([*dev.positions, *test.positions]) == list(range(len(data.captions)))
    images = [{data.captions[position].image_id for position in side.positions} for side in (dev, test)]
    assert images[0].isdisjoint(images[1])
    assert len(images[0]) == min(max(round(share * num_images), 1), num_images - 1)
    again = dev_queries(data, dev_share=share, seed=seed)
    assert again.positions.tolist() == dev.positions.tolist()


def test_the_seed_matters_and_the_words_say_it() -> None:
    data = dataset(40, [5])
    sides = [dev_queries(data, dev_share=0.25, seed=seed) for seed in (0, 1)]
    assert sides[0].positions.tolist() != sides[1].positions.tolist()
    assert sides[0].how_split == "the captions of 10 of 40 images (dev side, seed 0)"


def test_a_part_and_its_others_stay_on_the_side() -> None:
    data = dataset(20, [5])
    dev, test = (make(data, dev_share=0.5, seed=3) for make in (dev_queries, held_back))
    chosen = selection(*range(0, 100, 2))
    parts = [side.part_of(chosen) for side in (dev, test)]
    assert sorted(np.concatenate([part.positions for part in parts])) == chosen.positions.tolist()
    assert parts[0].how_chosen == f"chosen; of these the {len(parts[0])} among {dev.how_split}"
    assert parts[0].is_failure_mined
    for side, part in zip((dev, test), parts, strict=True):
        everything = side.others(part, num_queries=None, seed=0)
        assert sorted([*everything, *part.positions]) == side.positions.tolist()
        some = side.others(part, num_queries=7, seed=0)
        assert len(some) == 7
        assert set(some) <= set(everything)


def test_a_subset_of_test_queries_alone_is_refused() -> None:
    data = dataset(20, [5])
    dev, test = (make(data, dev_share=0.5, seed=3) for make in (dev_queries, held_back))
    with pytest.raises(
        UsageError, match=r"subset some must have dev queries, got 0 of its 50 among the captions of 10 of"
    ):
        dev.part_of(selection(*test.positions))


def test_a_cell_with_one_query_of_the_other_side_is_refused() -> None:
    data = dataset(20, [5])
    dev, test = (make(data, dev_share=0.5, seed=3) for make in (dev_queries, held_back))

    def cell(chosen_positions: list[int], others: list[int], **changed: object) -> PromptedQueries:
        templates = TemplateSet("plain", ("{caption}",))
        chosen = selection(*chosen_positions)
        settings = StatisticsSettings(num_replicates=10)
        made = PromptedQueries(
            data, "b", chosen, np.array(others, dtype=np.int64), templates, MaxPooling(), (1,), settings
        )
        return replace(made, **changed)  # type: ignore[arg-type]

    mine, theirs = dev.positions.tolist(), test.positions.tolist()
    dev.check_holds(cell(mine[:3], mine[3:5]))
    doubtful = DoubtfulQueries(np.array([theirs[0]]), np.array([False]), np.array([0.5]))
    thefts = (
        cell([*mine[:3], theirs[0]], mine[3:5]),
        cell(mine[:3], [mine[3], theirs[0]]),
        cell(mine[:3], mine[3:5], confirm=np.array([theirs[0]])),
        cell(mine[:3], mine[3:5], subset=replace(selection(*mine[:3]), in_doubt=doubtful)),
    )
    for stolen in thefts:
        with pytest.raises(IntegrityError, match=r"a cell on dev must ask dev queries alone, got 1 \(\d+\) by caption"):
            dev.check_holds(stolen)


def test_the_doubtful_queries_of_a_part_stay_on_the_side() -> None:
    data = dataset(20, [5])
    everything = np.arange(100)
    doubtful = DoubtfulQueries(everything, everything < 50, np.linspace(0, 1, 100))
    for side in (make(data, dev_share=0.5, seed=3) for make in (dev_queries, held_back)):
        part = side.part_of(replace(selection(*range(0, 100, 2)), in_doubt=doubtful))
        assert part.in_doubt is not None
        assert part.in_doubt.positions.tolist() == side.positions.tolist()
        np.testing.assert_array_equal(part.in_doubt.probability, doubtful.probability[side.positions])


def test_a_part_that_stands_on_the_side_already_is_left_as_it_is() -> None:
    dev = dev_queries(dataset(20, [5]), dev_share=0.5, seed=3)
    chosen = selection(*dev.positions[::2])
    part = dev.part_of(chosen)
    assert part.how_chosen == chosen.how_chosen
    assert part.positions.tolist() == chosen.positions.tolist()


def test_whatever_learns_is_fitted_on_dev() -> None:
    data = dataset(20, [5])
    dev, test = (make(data, dev_share=0.3, seed=3) for make in (dev_queries, held_back))
    assert dev.fitted_on is dev
    assert isinstance(test.fitted_on, DevQueries)
    assert test.fitted_on.positions.tolist() == dev.positions.tolist()
    assert test.fitted_on.how_split == dev.how_split


@given(num_images=st.integers(2, 40), share=st.floats(0.01, 0.99), num_queries=st.integers(1, 500))
def test_the_sides_shares_of_a_number_make_it_up(num_images: int, share: float, num_queries: int) -> None:
    data = dataset(num_images, [1, 3, 2])
    shares = [make(data, dev_share=share, seed=0).share_of(num_queries) for make in (dev_queries, held_back)]
    assert all(1 <= one <= num_queries for one in shares)
    assert abs(sum(shares) - num_queries) <= 1
    assert dev_queries(data, dev_share=share, seed=0).share_of(0) == 0


def test_what_a_search_is_given_leads_to_no_test_query() -> None:
    data = dataset(20, [5])
    dev = dev_queries(data, dev_share=0.5, seed=3)
    test = set(held_back(data, dev_share=0.5, seed=3).positions.tolist())
    assert isinstance(dev, DevQueries)
    arrays = [value for value in vars(dev).values() if isinstance(value, np.ndarray)]
    assert len(arrays) == 1
    assert test.isdisjoint(arrays[0].tolist())


@pytest.mark.parametrize("share", [0.0, 1.0, -1.0, 50.0])
def test_a_share_that_is_none_is_refused(share: float) -> None:
    with pytest.raises(UsageError, match=r"dev_share must be a fraction in \(0, 1\), got .*; 0.5 splits the images"):
        dev_queries(dataset(4, [1]), dev_share=share, seed=0)


def test_one_image_cannot_be_split() -> None:
    with pytest.raises(UsageError, match="a split by image needs two images, got 1 in invented;"):
        dev_queries(dataset(1, [5]), dev_share=0.5, seed=0)
