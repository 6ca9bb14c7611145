"""Words of a caption that state something which an image can violate: all but those that only join the others.

Every kind of fact is marked, and marked alike: things, what they look like and do, how many there are, and where. A
list of colours and numbers alone would draw the eye to two categories of the seven.
"""

import re

_HOLDING_TOGETHER = frozenset(
    """
    a an the this that these those there here it its he him his she her hers they them their theirs who whose which what
    is are was were be been being am has have had do does did can could will would may might must shall should
    and or but nor so yet if as than then while of to for by from with without into onto at
    """.split()  # noqa: SIM905  # a list of eighty quoted words is harder to read
)
_WORD = re.compile(r"[^\W_]+(?:['\N{RIGHT SINGLE QUOTATION MARK}-][^\W_]+)*")
FACT = "fact"
"""What a piece is called that states something."""


def highlighted(caption: str) -> list[tuple[str, str]]:
    """The caption cut into pieces that join to the whole, each called a fact or nothing.

    For the eye alone: nothing is computed from them.

    Example:
        >>> highlighted("Two red kites fly over a lake")[:4]
        [('Two', 'fact'), (' ', ''), ('red', 'fact'), (' ', '')]
    """
    pieces: list[tuple[str, str]] = []
    end = 0
    for match in _WORD.finditer(caption):
        word = match.group()
        if word.lower() not in _HOLDING_TOGETHER:
            pieces += [(caption[end : match.start()], ""), (word, FACT)]
            end = match.end()
    pieces.append((caption[end:], ""))
    return [(text, kind) for text, kind in pieces if text]
