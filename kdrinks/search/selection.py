"""Which passage of a drink says what is asked: one learned score of a question and a passage, and of the answer being in none of them.

A dual encoder: one matrix takes what a question is made of (its letters, its words, the sentence encoder's vector, what it was read as) to
a point; a passage has the point of its own text, of its kind, and of the questions that people were heard to ask for it (training/questions/).
The nearer, the likelier. Passages that were not there in training, as a person's corrections, have the first two alone. Trained by
training/selection.py, which shares `features` and `of_passage`. Names of drinks are masked by whoever calls.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib import resources
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from kdrinks.drinks.model import Aspect
from kdrinks.records import Passage
from kdrinks.search import reading
from kdrinks.search.query import INTENT_OF
from kdrinks.search.reading import ASKS, MASK, Ask
from kdrinks.text import encoder

BUCKETS = 1 << 15
"""Rows that pieces of text are hashed to."""
DENSE = encoder.DIMENSIONS + len(ASKS)
WEIGHT_OF_ASKS = 0.5
"""Of the roots of what a question was read as, where its vector and its pieces have length 1 each."""


class Selected(NamedTuple):
    """The passages of a subject, likeliest first, with the probability that each is what is asked for; and that none is."""

    passages: tuple[tuple[Passage, float], ...]
    none: float


@dataclass(frozen=True, slots=True)
class Row:
    """All that the matrix has a weight for."""

    places: NDArray[np.int64]
    values: NDArray[np.float32]
    dense: NDArray[np.float32]
    """(DENSE,)"""


@dataclass(frozen=True, slots=True)
class Model:
    """The trained weights (data/selection.npz)."""

    pieces: NDArray[np.int8]
    """BUCKETS x (size + 1), in units of `unit_pieces`; the last column is the score of no passage."""
    dense: NDArray[np.int8]
    """DENSE x (size + 1), in units of `unit_dense`."""
    unit_pieces: float
    unit_dense: float
    bias: float
    """Of the score of no passage."""
    temperature: float
    """What scores are divided by, so that probabilities come true."""
    kinds: Mapping[str, NDArray[np.float32]]
    """Added to a passage's point, by its kind."""
    keys: Mapping[str, NDArray[np.float32]]
    """By digest(), of the passages that were there in training; and by whole(), for those that were corrected since."""

    def point(self, row: Row) -> NDArray[np.float32]:
        """(size + 1,)"""
        letters = row.values @ self.pieces[row.places].astype(np.float32) * self.unit_pieces
        return np.asarray(letters + row.dense @ self.dense.astype(np.float32) * self.unit_dense, dtype=np.float32)

    def key(self, passage: Passage) -> NDArray[np.float32]:
        """(size,)"""
        held = self.keys.get(digest(passage))
        if held is None:
            held = self.keys.get(whole(passage))
        if held is not None:
            return held
        own = self.kinds.get(passage.kind)
        point = self.point(of_passage(passage))[:-1]
        return point if own is None else point + own


def select(
    text: str, asks: Mapping[Ask, float], passages: Sequence[Passage], aspects: Mapping[str, Aspect]
) -> Selected:
    """Which of the passages says what a question asks.

    text: with names masked.   asks: what it was read as.   passages: of the drinks it is about and of what is general; of one language.
    aspects: what each detail is about, by passage id.
    """
    size = model().pieces.shape[1] - 1
    keys = np.array([key(passage) for passage in passages], dtype=np.float32).reshape(len(passages), size)
    scored, none = scores(text, asks, keys)
    *shares, nothing = reading.softmax(np.append(scored, none).astype(np.float32)).tolist()
    plain = max((asks.get(ask, 0.0) for ask in ASKED_OF_EVERY_DRINK), default=0.0) >= PLAINLY
    weight = OF_PLAIN_READING if plain else OF_READING
    held = [
        share * (LEAST_SHARE + _asked_for(passage, asks, aspects.get(passage.id))) ** weight
        for passage, share in zip(passages, shares, strict=True)
    ]
    rest = (1 - nothing) / (sum(held) or 1.0)
    ordered = sorted(zip(passages, (share * rest for share in held), strict=True), key=lambda item: -item[1])
    return Selected(tuple(ordered), nothing)


def scores(text: str, asks: Mapping[Ask, float], keys: NDArray[np.float32]) -> tuple[NDArray[np.float32], float]:
    """The scores, in nats, of the passages of these points (passages x size) and of none of them. text, asks: as select has them."""
    trained = model()
    point = trained.point(features(text, asks))
    return keys @ point[:-1] / np.float32(trained.temperature), float((point[-1] + trained.bias) / trained.temperature)


OF_READING, LEAST_SHARE = 0.5, 0.05
"""How much it counts that a passage is of what the question was read as, which plain questions say better than any that was collected for
one passage: of 143 plain ones 0.79 find a passage of it without this, 0.87 with it; of the 282 of tests/data/answer_selection.jsonl none is lost."""


def _asked_for(passage: Passage, asks: Mapping[Ask, float], aspect: Aspect | None) -> float:
    """How probably the question asks for what the passage is about."""
    of_kind = [ask for ask in asks if _SAID_BY.get(ask) == passage.kind or INTENT_OF.get(ask, ask) == passage.kind]
    return sum(asks[ask] * (1.0 if aspect in (None, ask) else OTHER_ASPECT) for ask in of_kind)


ASKED_OF_EVERY_DRINK: tuple[Ask, ...] = (
    "ingredients",
    "has_ingredient",
    "names",
    "region",
    "abv",
    "caffeine",
    "season",
)
PLAINLY, OF_PLAIN_READING = 0.7, 1.1
"""The same where one of these is read with at least that probability: every drink has one passage that says it, and `뭘로 만들어요?` means no other."""
_SAID_BY: Mapping[Ask, str] = {"has_ingredient": "ingredients"}
"""Kinds that say what is asked under another name."""
OTHER_ASPECT = 0.3
"""What an ask counts for a detail of its kind that is about another thing."""


def features(
    text: str, asks: Mapping[Ask, float], vector_of: Callable[[str], NDArray[np.float32]] = encoder.of_text
) -> Row:
    """asks: what the text was read as; empty for a passage's."""
    read = reading.features(text, (), None, vector_of)
    dense = np.zeros(DENSE, np.float32)
    dense[: encoder.DIMENSIONS] = read.dense[: encoder.DIMENSIONS]
    for place, ask in enumerate(ASKS, encoder.DIMENSIONS):
        dense[place] = WEIGHT_OF_ASKS * asks.get(ask, 0.0) ** 0.5
    return Row(read.places % BUCKETS, read.values, dense)


def of_passage(passage: Passage, vector_of: Callable[[str], NDArray[np.float32]] = encoder.of_text) -> Row:
    """The passage's own text, its drink's name masked."""
    return features(said(passage), {}, vector_of)


def said(passage: Passage) -> str:
    """Its text as it is read: of a drink without the drink's name."""
    return passage.text if passage.kind in ("topic", "belief") else passage.text.replace(passage.title, MASK)


def digest(passage: Passage) -> str:
    """What a passage is known by: an edit makes another one."""
    return hashlib.sha256(f"{passage.subject_id}\0{passage.kind}\0{passage.text}".encode()).hexdigest()[:12]


def whole(passage: Passage) -> str:
    """What the only passage of its kind is known by, whatever it says; empty for one of several."""
    subject, kind, *number, _ = passage.id.split(".")
    return "" if number else f"{subject}.{kind}"


@lru_cache(maxsize=8192)  # those that a person wrote cost 3 ms each
def key(passage: Passage) -> NDArray[np.float32]:
    """(size,), of the shipped model."""
    return model().key(passage)


@cache
def model() -> Model:
    with resources.files("kdrinks").joinpath("data", "selection.npz").open("rb") as file:
        return from_arrays(np.load(file, allow_pickle=False))


def from_arrays(held: Mapping[str, Any]) -> Model:
    """The model of what training/selection.py wrote."""
    unit = float(held["unit_keys"])
    kinds = held["kinds"].astype(np.float32)
    keys = held["keys"].astype(np.float32) * unit
    return Model(
        np.asarray(held["pieces"]),
        np.asarray(held["dense"]),
        float(held["unit_pieces"]),
        float(held["unit_dense"]),
        float(held["bias"]),
        float(held["temperature"]),
        dict(zip((str(name) for name in held["kind_names"]), kinds, strict=True)),
        dict(zip((str(name) for name in held["digests"]), keys[held["key_of"]], strict=True)),
    )
