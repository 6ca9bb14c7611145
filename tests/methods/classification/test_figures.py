"""Figures of classes: names stand where they meet nothing, confused classes stand together, each class once."""

import numpy as np
import pandas as pd

from misfire.methods.classification.figures import confusion_of_worst, margin_against_accuracy, rivals_graph


def classes(num_classes: int, *, spread: float = 1.0) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    accuracy = rng.random(num_classes) * spread
    return pd.DataFrame(
        {
            "class": range(num_classes),
            "name": [f"class {one}" for one in range(num_classes)],
            "num_images": 20,
            "accuracy": accuracy,
            "accuracy_before": accuracy,
            "margin": 0.1 * rng.random(num_classes) * spread,
            "rival": (np.arange(num_classes) + 1) % num_classes,
            "called_rival": 5,
        }
    )


def test_names_of_few_classes_all_stand_apart() -> None:
    drawn = margin_against_accuracy(classes(20))
    assert "A point a class; all are named. " in drawn.caption
    drawn.figure.draw_without_rendering()
    (axes,) = drawn.figure.axes
    boxes = [text.get_window_extent() for text in axes.texts if text.get_text()]
    assert len(boxes) == 20
    assert not any(one.overlaps(other) for place, one in enumerate(boxes) for other in boxes[place + 1 :])


def test_of_many_classes_the_lowest_are_named_and_those_without_room_are_counted() -> None:
    assert "the 12 lowest on either axis are named. " in margin_against_accuracy(classes(60)).caption
    assert "where it is too crowded" in margin_against_accuracy(classes(400, spread=1e-9)).caption


def test_each_class_stands_once_beside_its_rival() -> None:
    table = classes(40)
    table["rival"] = table["class"] ^ 1  # pairs that are each other's rivals
    drawn = rivals_graph(table)
    names = [text.get_text() for text in drawn.figure.axes[0].texts if text.get_text()]
    assert len(names) == len(set(names))
    place = {name: position for position, name in enumerate(names)}
    assert all(abs(place[name] - place[f"class {int(name.split()[1]) ^ 1}"]) == 1 for name in names)


def test_the_confusion_of_the_worst_shows_their_commonest_wrong_names() -> None:
    table = classes(30)
    worst = int(table.accuracy.idxmin())
    records = pd.DataFrame({"label": [worst] * 10, "prediction": [29 - worst] * 7 + [worst] * 3})
    axes = confusion_of_worst(table, records, predicted="prediction", most=1).figure.axes[0]
    assert [label.get_text() for label in axes.get_xticklabels()] == [f"class {worst}", f"class {29 - worst}"]
    assert [text.get_text() for text in axes.texts] == ["30", "70"]
