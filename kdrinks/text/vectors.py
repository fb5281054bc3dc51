"""Vectors of questions and passages for the search's second leg: sums of learned vectors of letter runs, offline from the first start.

Hangul is taken apart into jamo, so that 막걸리를 and 막껄리 share most of their runs; Latin words are runs of letters. Each run is hashed
to a row of data/vectors.npz (trained by training/vectors.py so that a question lands near the passage that answers it). numpy only;
knows nothing of the store. Memory: BUCKETS x DIMENSIONS float32, 8 MB.
"""

import re
import zlib
from collections.abc import Sequence
from functools import cache, lru_cache
from importlib import resources
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kdrinks.kinds import learned_as
from kdrinks.records import Passage
from kdrinks.text.fuzzy import jamo

VERSION = "1"
"""Part of a passage's content hash: raised with a new data/vectors.npz, so that the stored vectors are made again."""

BUCKETS, DIMENSIONS = 32_768, 64
SIZES = {"jamo": (3, 4, 5, 6), "letters": (3, 4, 5)}
LONGEST = 600
"""Characters of a text that are read; a passage says what it is about at its beginning."""

_WORD = re.compile(r"[가-힣ㄱ-ㅎㅏ-ㅣ]+|[a-z]+|\d+")

Vectors = NDArray[np.float32]


@lru_cache(maxsize=20_000)
def rows_of_word(word: str) -> tuple[int, ...]:
    """The rows of a lower-cased word: itself and every run of its letters or jamo."""
    hangul = word[0] >= "ㄱ"
    marked = f"<{jamo(word) if hangul else word}>"
    runs = [f"w{word}"]
    for size in SIZES["jamo" if hangul else "letters"]:
        runs += [marked[start : start + size] for start in range(len(marked) - size + 1)]
    return tuple(zlib.crc32(run.encode()) % BUCKETS for run in runs)


def rows_of(text: str, kind: str = "") -> list[int]:
    """The rows that stand for a text, each once. kind: of a passage; part of what it is found by."""
    words = _WORD.findall(text[:LONGEST].lower().replace("’", "").replace("'", ""))
    found = {row for word in words for row in rows_of_word(word)}
    if kind:
        found.add(zlib.crc32(f"kind {kind}".encode()) % BUCKETS)
    return sorted(found)


def of_question(text: str) -> list[float] | None:
    """Unit vector of a question; None where it has no words."""
    vector = _summed(rows_of(text))
    return None if vector is None else [float(value) for value in vector]


def of_passages(passages: Sequence[Passage]) -> list[list[float] | None]:
    """Unit vector of each passage, from its title, kind and text, or from the question that it answers where it has one."""
    found = [_summed(rows_of(said(passage), learned_as(passage.kind))) for passage in passages]
    return [None if vector is None else [float(value) for value in vector] for vector in found]


def said(passage: Passage) -> str:
    return f"{passage.title} {passage.asked or passage.text}"


def _summed(rows: Sequence[int]) -> Vectors | None:
    if not rows:
        return None
    total: Vectors = _table()[list(rows)].sum(axis=0)
    length = float(np.linalg.norm(total))
    return total / length if length else None


@cache
def _table() -> Vectors:
    with resources.as_file(resources.files("kdrinks").joinpath("data", "vectors.npz")) as path:
        return read_table(path)


def read_table(path: Path) -> Vectors:
    """The encoder's rows from their bytes and one scale a row."""
    with np.load(path) as data:
        return np.asarray(data["rows"].astype(np.float32) * data["scales"].astype(np.float32)[:, None])
