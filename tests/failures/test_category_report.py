from misfire.failures.category_report import categories_by_frequency


def test_equally_frequent_categories_stand_by_name() -> None:
    assert categories_by_frequency({"b": 1, "a": 1, "c": 2}) == [("c", 2), ("a", 1), ("b", 1)]
