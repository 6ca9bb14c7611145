"""Wrappers around training captions, so that a prompt template is neither magic nor poison for the model."""

from random import Random

_HEADS = (
    "photo", "picture", "image", "drawing", "rendering", "snapshot", "diagram", "view", "close-up photo", "description",
    "sketch", "scene", "illustration", "painting", "close-up", "shot", "graphic", "figure",
)  # fmt: skip
_HEAD_ADJECTIVES = (
    "", "", "", "", "detailed", "clear", "wide", "good", "simple", "bright", "whole", "close", "sharp", "exact",
    "small clear",
)  # fmt: skip
_LINKS = (
    "of", "of", "of", "showing", "capturing", "describing", "depicting", "with", "that shows", "that focuses on",
    "with the exact look of", "of exactly", "of precisely", "that contains", "in which there are", "where one sees",
)  # fmt: skip
_TOPICS = (
    "the objects", "the action", "the whole scene", "the place", "the layout", "the arrangement",
    "the number of things",
    "what is happening", "the details", "the setting", "how many there are", "where things are", "the positions",
    "the colours", "the things", "the main things", "the background", "the shapes", "the content", "everything",
)  # fmt: skip
_OPENINGS = (
    "this shows", "here we see", "there is", "there are", "we see", "look at", "the image shows", "the photo shows",
    "counting the things shown:", "the action shown is", "the scene shown is", "the positions shown are",
    "the main things shown are", "the things shown are", "shown here:", "seen here:", "it shows", "one can see",
)  # fmt: skip
_ENDINGS = (", a photo", ", as drawn", ", seen clearly", ", in a picture", ", shown in an image", ".")


def wrap(caption: str, rng: Random) -> str:
    """A caption inside a random sentence that adds no content."""
    choice = rng.random()
    if choice < 0.55:
        return f"{head(rng)} {rng.choice(_LINKS)} {caption}"
    if choice < 0.78:
        link = rng.choice(("of", "that shows", "that focuses on", "showing", "with", "describing"))
        return f"{head(rng)} {link} {rng.choice(_TOPICS)}: {caption}"
    if choice < 0.94:
        return f"{rng.choice(_OPENINGS)} {caption}"
    return caption + rng.choice(_ENDINGS)


def wrapper_words() -> list[str]:
    """All words that a wrapper may add."""
    texts = (*_HEADS, *_HEAD_ADJECTIVES, *_LINKS, *_TOPICS, *_OPENINGS, *_ENDINGS, "a an the")
    return " ".join(texts).split()


def head(rng: Random) -> str:
    """What a text is about: "a clear photo", "the scene"."""
    words = [rng.choice(_HEAD_ADJECTIVES), rng.choice(_HEADS)]
    phrase = " ".join(word for word in words if word)
    if rng.random() < 0.15:
        return f"the {phrase}"
    return f"an {phrase}" if phrase[0] in "aeiou" else f"a {phrase}"
