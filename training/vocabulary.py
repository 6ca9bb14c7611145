"""The BPE merges that the world's texts need, cut out of the list that open_clip bundles."""

import gzip
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path

import regex
from open_clip.tokenizer import SimpleTokenizer

_WORDS = regex.compile(r"'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+")
NUM_RESERVED = 512 + 2
"""Bytes, bytes that end a word, and the start and end of a text."""


def needed_merges(texts: Iterable[str]) -> list[tuple[str, str]]:
    """Merges, in the bundled order, with which every word of the texts is cut exactly as with the whole list."""
    full = SimpleTokenizer()
    words = {word for text in texts for word in _WORDS.findall(text.lower())}
    used = {pair for word in words for pair in _merges_of(full, word)}
    return sorted(used, key=full.bpe_ranks.__getitem__)


def write_merges(path: Path, merges: list[tuple[str, str]]) -> None:
    """Write merges as open_clip reads them: a header, then a pair a line; the same bytes for the same merges."""
    text = "\n".join(['"bpe_simple_vocab, the part used by misfire', *(" ".join(pair) for pair in merges)])
    path.write_bytes(gzip.compress(text.encode("utf-8"), mtime=0))


def _merges_of(tokenizer: SimpleTokenizer, word: str) -> list[tuple[str, str]]:
    parts = [tokenizer.byte_encoder[byte] for byte in word.encode("utf-8")]
    parts[-1] += "</w>"
    merges: list[tuple[str, str]] = []
    while len(parts) > 1:
        pair = min(pairwise(parts), key=lambda pair: tokenizer.bpe_ranks.get(pair, float("inf")))
        if pair not in tokenizer.bpe_ranks:
            break
        merges.append(pair)
        parts = _joined(parts, pair)
    return merges


def _joined(parts: list[str], pair: tuple[str, str]) -> list[str]:
    joined: list[str] = []
    for part in parts:
        if joined and (joined[-1], part) == pair:
            joined[-1] += part
        else:
            joined.append(part)
    return joined
