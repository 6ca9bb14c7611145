"""The command line: ``misfire VERB group=choice key=value``, one module a verb."""

from misfire.cli._entry import main

__all__ = ["main"]
