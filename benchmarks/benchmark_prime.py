"""Searching for the tag sets under which a classifier fails: our search beside tools that do a part of it.

Run: python benchmarks/benchmark_prime.py [--words shared/data/imagenet_x] [--growth growth.png]
The peers are optional (`pip install pyfim mlxtend pysubgroup sliceline`); what isn't installed is left out, and said.
"""

import argparse
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pandas as pd
from measure import Contender, machine, table

from misfire.data.outcomes import read_outcomes
from misfire.data.tag_table import common_images, read_words
from misfire.methods.modes.mode_significance import error_p_values, num_sets_searched
from misfire.methods.modes.tag_mode import Criteria, TaggedOutcomes, prime
from misfire.methods.modes.tag_sets import ClassTable

Table = tuple[np.ndarray, np.ndarray, np.ndarray]


def living17_like(
    num_images: int = 88_400, num_classes: int = 17, num_tags: int = 100, tags_an_image: float = 8
) -> Table:
    """Tags as frequent and as tied to each other as a tagger's: a few everywhere, many rare, scenes that share them."""
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(num_classes), num_images // num_classes)
    share = np.arange(1, num_tags + 1) ** -0.7
    tags = np.zeros((len(labels), num_tags), dtype=bool)
    for label in range(num_classes):
        rows = np.flatnonzero(labels == label)
        own = rng.permutation(np.minimum(share * tags_an_image / share.sum(), 0.6))
        scenes = np.exp(rng.normal(0, 0.8, (6, num_tags)))
        chance = np.minimum(own * (scenes / scenes.mean(axis=0))[rng.integers(0, 6, len(rows))], 0.95)
        tags[rows] = rng.random(chance.shape) < chance
    accuracy = rng.uniform(0.7, 0.97, num_classes)[labels]
    hard = tags[:, 0] & tags[:, 1]
    return rng.random(len(labels)) < np.where(hard, accuracy - 0.4, accuracy), labels, tags


def words_of_dogs(folder: Path) -> Table:
    """5,821 pictures of dogs with what annotators wrote of them, the 103 most frequent words."""
    outcomes = read_outcomes(
        folder / "predictions.parquet", label="metaclass", fine_label="class_index", prediction="predicted_resnet50"
    )
    words = read_words(folder / "words.parquet", texts=["justification", "one_word"])
    rows, places, _ = common_images(outcomes.images, words.images)
    is_dog = outcomes.labels[rows] == outcomes.class_names.index("dog")
    holds = words.holds[places[is_dog]]
    frequent = np.argsort(-np.count_nonzero(holds, axis=0), kind="stable")[:103]
    correct = outcomes.correct[rows[is_dog]]
    return correct, np.zeros(len(correct), dtype=np.int64), holds[:, frequent]


def search(data: Table, max_size: int = 4) -> object:
    """Modes with counts and p-values."""
    correct, labels, tags = data
    modes = prime(correct, labels, tags, max_size=max_size)
    return error_p_values(modes, TaggedOutcomes(correct, labels, tags))


def search_and_count(data: Table, max_size: int = 4) -> object:
    """The same, with the number of sets searched, which adjusted p-values need."""
    return search(data, max_size), num_sets_searched(TaggedOutcomes(*data), Criteria(max_size=max_size))


Counts = dict[tuple[int, ...], tuple[int, int | None]]
"""Images of each set of tags and how many of them are wrong; None where a peer doesn't say."""


def our_counts(data: Table, max_size: int) -> Counts:
    """All sets of the table's first class with at least 30 images."""
    correct, labels, tags = data
    rows = labels == labels[0]
    table = ClassTable(correct[rows], tags[rows], min_support=30)
    return {
        tuple(columns): (support, wrong)
        for block in table.sets(max_size)
        for columns, support, wrong in zip(
            block.tags.tolist(), block.support.tolist(), block.num_wrong.tolist(), strict=True
        )
    }


def by_eclat(data: Table, max_size: int) -> Counts:
    """pyfim: supports alone, no errors."""
    from fim import eclat  # type: ignore[import-not-found]

    _, _, tags = data
    found = eclat([np.flatnonzero(row).tolist() for row in tags], supp=-30, zmax=max_size)
    return {tuple(sorted(columns)): (support, None) for columns, support in found}


def by_fpgrowth(data: Table, max_size: int) -> Counts:
    """mlxtend: supports alone, in floats."""
    from mlxtend.frequent_patterns import fpgrowth  # type: ignore[import-not-found]

    _, _, tags = data
    found = fpgrowth(pd.DataFrame(tags), min_support=30 / len(tags), max_len=max_size)
    counts = (found["support"] * len(tags)).round().astype(int)
    return {tuple(sorted(columns)): (count, None) for columns, count in zip(found["itemsets"], counts, strict=True)}


def by_pysubgroup(data: Table, max_size: int) -> Counts:
    """pysubgroup: the best 1,000 subgroups by weighted relative accuracy."""
    import pysubgroup  # type: ignore[import-not-found]

    correct, _, tags = data
    frame = pd.DataFrame(tags, columns=[str(column) for column in range(tags.shape[1])])
    frame["wrong"] = ~correct
    space = [pysubgroup.EqualitySelector(name, True) for name in frame.columns[:-1]]
    task = pysubgroup.SubgroupDiscoveryTask(
        frame,
        pysubgroup.BinaryTarget("wrong", True),
        space,
        result_set_size=1000,
        depth=max_size,
        qf=pysubgroup.WRAccQF(),
        constraints=[pysubgroup.MinSupportConstraint(30)],
    )
    found = pysubgroup.DFS(pysubgroup.BitSetRepresentation).execute(task)
    return {
        tuple(sorted(int(one.attribute_name) for one in group.selectors)): (
            int(counts.size_sg),
            int(counts.positives_count),
        )
        for _, group, counts in found.results
        if group.selectors
    }


def by_sliceline(data: Table, max_size: int) -> Counts:
    """sliceline: the best 1,000 slices by its own score; its ids collide from 34 binary columns on.

    A slice is of columns that are true or false; those that are false count as columns of their own, after the others.
    """
    from sliceline.slicefinder import Slicefinder  # type: ignore[import-not-found]

    correct, _, tags = data
    finder = Slicefinder(alpha=0.95, k=1000, max_l=max_size, min_sup=30, verbose=False)
    finder.fit(tags.astype(int) + 1, (~correct).astype(float))
    found = {}
    for values, counts in zip(finder.top_slices_, finder.top_slices_statistics_, strict=True):
        columns = [at + (0 if value == 2 else tags.shape[1]) for at, value in enumerate(values) if value is not None]
        found[tuple(sorted(columns))] = (round(counts["slice_size"]), round(counts["sum_slice_error"]))
    return found


PEERS: dict[str, tuple[str, Callable[[Table, int], Counts], int]] = {
    "pyfim `eclat`, supports alone, up to 4 tags": ("fim", by_eclat, 4),
    "mlxtend `fpgrowth`, supports alone, up to 2": ("mlxtend", by_fpgrowth, 2),
    "pysubgroup `DFS`, up to 2": ("pysubgroup", by_pysubgroup, 2),
    "sliceline, up to 2": ("sliceline", by_sliceline, 2),
}


def agreement(data: Table) -> None:
    """Whether the peers count what we count, set by set, on the 16 most frequent tags and their complements."""
    correct, labels, tags = data
    frequent = np.argsort(-np.count_nonzero(tags, axis=0), kind="stable")[:16]
    small = correct, labels, tags[:, frequent]
    both = correct, labels, np.concatenate([small[2], ~small[2]], axis=1)
    for name, (module, run, max_size) in PEERS.items():
        if not find_spec(module):
            continue
        theirs, ours = run(small, max_size), our_counts(both, max_size)
        differ = [
            columns
            for columns, (support, wrong) in theirs.items()
            if ours[columns][0] != support or wrong not in (None, ours[columns][1])
        ]
        missing = set(our_counts(small, max_size)) - set(theirs)
        kept = "" if len(theirs) == 1000 or module == "sliceline" else f", {len(missing)} missing"
        print(f"{name}: {len(theirs):,} sets, {len(differ)} of them counted otherwise{kept}")


def beside_peers(data: Table, *, repeats: int) -> str:
    """Our search and those of the peers that are installed, in turns."""
    contenders = [
        Contender("`prime`, counts and p-values, up to 4 tags", lambda: search(data)),
        Contender("the same and the number of sets searched", lambda: search_and_count(data)),
    ]
    for name, (module, run, max_size) in PEERS.items():
        if find_spec(module):
            contenders.append(Contender(name, lambda run=run, max_size=max_size: run(data, max_size)))  # type: ignore[misc]
        else:
            print(f"{name}: {module} isn't installed")
    return table(contenders, repeats=repeats)


def growth(path: Path, *, repeats: int) -> None:
    """Seconds against images, tags and the largest set."""
    import matplotlib

    matplotlib.use("agg")
    from matplotlib import pyplot as plt

    axes_of: dict[str, tuple[list[int], Callable[[int], Table], Callable[[int], int]]] = {
        "images": ([11_050, 22_100, 44_200, 88_400], lambda n: living17_like(num_images=n), lambda n: 4),
        "tags": ([25, 50, 100, 200], lambda n: living17_like(num_tags=n, tags_an_image=0.08 * n), lambda n: 4),
        "most tags of a set": ([1, 2, 3, 4], lambda n: living17_like(), lambda n: n),
    }
    figure, panels = plt.subplots(1, 3, figsize=(10, 3), sharey=True, layout="constrained")
    for panel, (name, (values, make, size)) in zip(panels, axes_of.items(), strict=True):
        seconds = []
        for value in values:
            data, taken = make(value), []
            for _ in range(repeats):
                start = time.process_time()  # one thread's; others on the machine don't count
                search_and_count(data, size(value))
                taken.append(time.process_time() - start)
            seconds.append(min(taken))
        print(name, dict(zip(values, (round(one, 3) for one in seconds), strict=True)))
        panel.plot(values, seconds, marker="o")
        panel.set(xlabel=name, yscale="log", xscale="linear" if max(values) < 5 else "log")
        panel.set_xticks(values, [f"{value:,}" for value in values])
        panel.minorticks_off()
    panels[0].set_ylabel("CPU seconds")
    figure.savefig(path, dpi=150)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--words", type=Path, help="folder of ImageNet-X's outcomes and words")
    parser.add_argument("--growth", type=Path, help="where the figure of growth goes")
    parser.add_argument("--repeats", type=int, default=5)
    arguments = parser.parse_args()
    for tags_an_image in (5, 8, 12):
        data = living17_like(tags_an_image=tags_an_image)
        print(f"\n88,400 images, 17 classes, 100 tags a class, {tags_an_image} tags an image, up to 4 tags\n")
        print(
            table(
                [
                    Contender("`prime`, counts and p-values", lambda data=data: search(data)),  # type: ignore[misc]
                    Contender("the same and the number of sets searched", lambda data=data: search_and_count(data)),  # type: ignore[misc]
                ],
                repeats=arguments.repeats,
            )
        )
    if arguments.words:
        data = words_of_dogs(arguments.words)
        agreement(data)
        print(f"\n{len(data[0]):,} pictures of dogs, {data[2].shape[1]} words of annotators\n")
        print(beside_peers(data, repeats=arguments.repeats))
    if arguments.growth:
        growth(arguments.growth, repeats=arguments.repeats)
    print(f"\n{machine()}")


if __name__ == "__main__":
    main()
