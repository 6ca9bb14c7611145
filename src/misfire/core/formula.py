"""Texts that a spreadsheet would run: written so that it doesn't, read so that nothing is lost."""

import re

# The wide signs too, which East Asian versions take for the narrow ones.
_FORMULA = r"(?:\s*[=+\-@\uff1d\uff0b\uff0d\uff20]|[\t\r\n])"
_STARTS_FORMULA = re.compile(f"'*{_FORMULA}")
_GUARDED = re.compile(f"'+{_FORMULA}")


def guarded(text: str) -> str:
    """The text with an apostrophe before it where it could be taken for a formula, or looks guarded already.

    Example:
        >>> guarded("=1+1"), guarded("'=1"), guarded("a cat")
        ("'=1+1", "''=1", 'a cat')
    """
    return f"'{text}" if _STARTS_FORMULA.match(text) else text


def unguarded(text: str) -> str:
    """The text that ``guarded`` was given; any other text as it is.

    Example:
        >>> unguarded("'=1+1"), unguarded("=1+1"), unguarded("'tis")
        ('=1+1', '=1+1', "'tis")
    """
    return text[1:] if _GUARDED.match(text) else text
