"""The walk through the house names files that are there, at most twelve of them, and the rooms that there are."""

import re

from misfire.config.rooms import rooms
from tests.docs.guides import ROOT, Guide

GUIDE = Guide("architecture")


def test_the_walk_names_at_most_twelve_files_that_are_there() -> None:
    walk = re.findall(r"^\| \d+ \| `([^`]+)` \|", GUIDE.text, re.MULTILINE)
    assert 8 <= len(walk) <= 12
    assert [path for path in walk if not (ROOT / path).is_file()] == []


def test_every_path_and_room_that_it_names_is_there() -> None:
    paths = re.findall(r"`((?:src|tests|conf)/[\w/.]+)`", GUIDE.text)
    ours = [path for path in paths if not path.startswith("conf/wordiness")]
    assert [path for path in ours if not (ROOT / path).exists()] == []
    for room in rooms():
        if room.package.startswith("misfire."):
            assert room.name in GUIDE.text
