from misfire.core.seeding import generator


def test_streams_of_one_seed_differ_and_repeat() -> None:
    draws = {name: tuple(generator(7, name).integers(1 << 30, size=4)) for name in ("mine", "complement")}
    assert draws["mine"] != draws["complement"]
    assert draws["mine"] == tuple(generator(7, "mine").integers(1 << 30, size=4))
    assert draws["mine"] != tuple(generator(8, "mine").integers(1 << 30, size=4))


def test_seed_zero_is_a_seed() -> None:
    assert tuple(generator(0).integers(1 << 30, size=4)) == tuple(generator(0).integers(1 << 30, size=4))
