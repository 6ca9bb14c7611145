"""Rows of retrieval's tables, for what prints tables."""

from tests.methods.retrieval.ensemble.conftest import make_row, paper_rows, tau_rows

__all__ = ["make_row", "paper_rows", "tau_rows"]
