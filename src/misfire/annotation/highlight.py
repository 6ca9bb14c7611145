"""Words of a caption that state a fact which an image can violate: numbers, colours, positions."""

import re

_FACTS = {
    "number": (
        "one two three four five six seven eight nine ten eleven twelve dozen single couple pair pairs several many "
        "few both multiple group lone double triple"
    ),
    "colour": (
        "red orange yellow green blue purple violet pink brown black white grey gray beige tan gold golden silver "
        "crimson scarlet navy teal turquoise cyan magenta maroon olive lime azure amber ivory lilac indigo"
    ),
    "place": (
        "above below over under underneath beneath beside between behind near inside outside around across against "
        "atop left right top bottom front next on in along through opposite within"
    ),
}
_KIND_OF = {word: kind for kind, words in _FACTS.items() for word in words.split()}
_WORD = re.compile(r"\w+")


def highlighted(caption: str) -> list[tuple[str, str]]:
    """The caption cut into pieces that join to the whole, each with its kind of fact or an empty one.

    Simple word lists, for the eye alone: nothing is computed from them.

    Example:
        >>> highlighted("Two red kites")
        [('Two', 'number'), (' ', ''), ('red', 'colour'), (' kites', '')]
    """
    pieces: list[tuple[str, str]] = []
    end = 0
    for match in _WORD.finditer(caption):
        word = match.group()
        kind = "number" if word.isdecimal() else _KIND_OF.get(word.lower(), "")
        if kind:
            pieces += [(caption[end : match.start()], ""), (word, kind)]
            end = match.end()
    pieces.append((caption[end:], ""))
    return [(text, kind) for text, kind in pieces if text]
