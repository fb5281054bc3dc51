"""What a question asks, read by a small learned layer: over runs of its letters, its words, and a sentence encoder's vector of it.

Six things: which of ASKS (several, with their probabilities), whether it can only be understood with the questions before it, whether
it asks after a drink without saying which, whether two things are asked, whether a yes or a no is wanted, and whether it asks nothing. Trained by training/reading.py, which shares `features`.
Nothing here protects anybody (search/concerns.py does, and stands above it). Pure but for the encoder's weights; names of drinks are
masked by whoever calls.
"""

import itertools
import math
import re
import zlib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib import resources
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from kdrinks.text import encoder

MASK = "¤"
"""Stands for a drink's name in the text that is read."""

Ask = Literal[
    # of one drink
    "identity",
    "names",
    "pronunciation",
    "ingredients",
    "has_ingredient",
    "making",
    "amount",
    "ratio",
    "yield",
    "sweetness",
    "time",
    "temperature",
    "total_time",
    "tools",
    "tip",
    "homemade",
    "substitute",
    "storage",
    "freezing",
    "why",
    "season",
    "occasion",
    "serving",
    "food",
    "region",
    "history",
    "heritage",
    "abv",
    "caffeine",
    "similar",
    "diet",
    # of somebody who drinks it
    "allergy",
    "infant",
    "pregnancy",
    "driving",
    "health",
    # of several
    "compare",
    "recommend",
    "list",
    "count",
    "most",
    "order",
    "within",
    "make_from",
    "pairing",
    "same_region",
    # of the subject
    "topic",
    "etiquette",
    "law",
    "belief",
    # of nothing that the notes hold
    "not_in_notes",
    "foreign",
    "out_of_scope",
    "injection",
    "greeting",
    "thanks",
    "farewell",
    "about_bot",
    "chat",
]
ASKS: tuple[Ask, ...] = get_args(Ask)

BUCKETS = 1 << 16
"""Rows that pieces of text are hashed to; twice as many read no better."""
SIZES = (1, 2, 3, 4, 5)
STAND_IN = {"ko": "막걸리", "en": "makgeolli"}
"""What the encoder reads in a drink's place."""
DENSE = 2 * encoder.DIMENSIONS + len(ASKS)
"""Numbers beside the hashed pieces: the vector of the question, that of the one before it, and what that one was read as."""

_HANGUL = re.compile(r"[가-힣]")
_WORD = re.compile(r"[^\s?!.,~…]+")


@dataclass(frozen=True, slots=True)
class Features:
    places: NDArray[np.int64]
    """Rows of the pieces of text."""
    values: NDArray[np.float32]
    dense: NDArray[np.float32]
    """(DENSE,)"""


@dataclass(frozen=True, slots=True)
class Reading:
    """A question as it was read."""

    asks: Mapping[Ask, float]
    """Probabilities, highest first; they add up to 1."""
    needs: float
    """Probability that it goes on from the questions before it; 0 where there are none."""
    nameless: float
    """Probability that it asks after a drink and nothing says which."""
    two: float
    """Probability that it asks two things."""
    polar: float
    """Probability that it wants a yes or a no first."""
    aside: float
    """Probability that it asks nothing and bears on nothing: a sentence that stands beside a question."""

    @property
    def first(self) -> Ask:
        return next(iter(self.asks))

    def share(self, *asks: Ask) -> float:
        return sum(self.asks.get(one, 0.0) for one in asks)


NOTHING = Reading({}, 0.0, 0.0, 0.0, 0.0, 0.0)


@dataclass(frozen=True, slots=True)
class Model:
    """The trained weights (data/reading.npz): a column for each of ASKS, then `needs`, `nameless`, `two`, `polar`, `aside`."""

    pieces: NDArray[np.int8]
    """BUCKETS x columns, in units of `unit_pieces`."""
    dense: NDArray[np.int8]
    """DENSE x columns, in units of `unit_dense`."""
    bias: NDArray[np.float32]
    unit_pieces: float
    unit_dense: float

    def scores(self, of: Features) -> NDArray[np.float32]:
        """(columns,)"""
        letters = of.values @ self.pieces[of.places].astype(np.float32) * self.unit_pieces
        vector = of.dense @ self.dense.astype(np.float32) * self.unit_dense
        return np.asarray(letters + vector + self.bias, dtype=np.float32)


@lru_cache(maxsize=2048)
def read(text: str, before: tuple[str, ...] = ()) -> Reading:
    """How a question is read after those before it, oldest first."""
    earlier = read(before[-1], before[:-1]).asks if before else None
    scores = model().scores(features(text, before, np.array([earlier[ask] for ask in ASKS]) if earlier else None))
    asks = softmax(scores[: len(ASKS)])
    needs, *others = (float(1 / (1 + math.exp(-score))) for score in scores[len(ASKS) :])
    ordered = sorted(zip(ASKS, asks.tolist(), strict=True), key=lambda item: -item[1])
    return Reading(dict(ordered), needs if before else 0.0, *others)


def features(
    text: str,
    before: Sequence[str] = (),
    earlier: NDArray[np.float64] | None = None,
    vector_of: Callable[[str], NDArray[np.float32]] = encoder.of_text,
) -> Features:
    """All that the model has a weight for.

    before: the questions before it, of which the latest is looked at.   earlier: what that one was read as, by ASKS.
    vector_of: training encodes many at once.
    """
    counts = Counter(zlib.crc32(piece.encode()) % BUCKETS for piece in _pieces(text))
    weights = {place: 1 + math.log(count) for place, count in counts.items()}
    length = math.sqrt(sum(weight * weight for weight in weights.values())) or 1.0
    # how many drinks are named, and whether anything was said before, beside all that the letters say
    said = (f"names {min(text.count(MASK), 3)}", f"before {bool(before)} {MASK in text}")
    signs = [zlib.crc32(sign.encode()) % BUCKETS for sign in said]
    places = np.array([*weights, *signs], dtype=np.int64)
    values = np.array([weight / length for weight in weights.values()] + [SIGN] * len(signs), dtype=np.float32)
    dense = np.zeros(DENSE, np.float32)
    width = encoder.DIMENSIONS
    dense[:width] = vector_of(spoken(text))
    if before:
        dense[width : 2 * width] = SHARE_OF_EARLIER * vector_of(spoken(before[-1]))
        if earlier is not None:
            dense[2 * width :] = earlier
    return Features(places, values, dense)


SIGN = 0.5
"""Of a sign, where the pieces of a text have length 1 together."""
SHARE_OF_EARLIER = 0.5
"""Of the vector of the question before, where that of the question itself counts whole."""


def spoken(text: str) -> str:
    """With a name in place of each mask, for the encoder."""
    return text.replace(MASK, STAND_IN["ko" if _HANGUL.search(text) else "en"])


def _pieces(text: str) -> list[str]:
    """Runs of letters of each word with the spaces around it, words, pairs of words, and pairs with a word between them."""
    text = re.sub(r"\d+", "0", text[: encoder.LONGEST].lower().replace("’", "'"))
    found = []
    for word in text.split():
        padded = f" {word} "
        for size in SIZES:
            found += [f"r {padded[start : start + size]}" for start in range(max(len(padded) - size, 0) + 1)]
    words = _WORD.findall(text)
    found += [f"w {word}" for word in words]
    found += [f"p {first} {second}" for first, second in itertools.pairwise(words)]
    found += [f"s {first} {third}" for first, third in zip(words, words[2:], strict=False)]
    return found


def softmax(scores: NDArray[np.float32]) -> NDArray[np.float64]:
    parts = np.exp(scores.astype(np.float64) - scores.max())
    return np.asarray(parts / parts.sum())


@cache
def model() -> Model:
    with resources.files("kdrinks").joinpath("data", "reading.npz").open("rb") as file:
        return from_arrays(np.load(file, allow_pickle=False))


def from_arrays(held: Mapping[str, Any]) -> Model:
    """The model of what training/reading.py wrote."""
    return Model(
        np.asarray(held["pieces"]),
        np.asarray(held["dense"]),
        np.asarray(held["bias"]),
        float(held["unit_pieces"]),
        float(held["unit_dense"]),
    )
