"""What a question only hints at that somebody must be careful of: learned beside the lists of concerns.py, and never against them.

A linear model over runs of letters of the question and of the questions before it, and over what the lists hear in them, counted or not.
It adds where the lists name nothing; what they name stands whatever it says. Trained by training/concerns.py, which shares `features`.
Pure; names of drinks are masked by whoever calls.
"""

import math
import re
import zlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib import resources
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kdrinks.search import concerns
from kdrinks.search.concerns import Concern

BUCKETS = 1 << 18
"""Rows that runs of letters are hashed to."""
SIZES = {"asked": (1, 2, 3, 4, 5), "before": (2, 3, 4), "after": (1, 2, 3, 4, 5)}
WEIGHT = {"asked": 1.0, "before": 0.7, "after": 0.7, "signal": 0.5}
REMEMBERED = 3
"""Earlier questions that are read."""
LONGEST = 600
"""Characters of each that are read."""

Row = tuple[NDArray[np.int64], NDArray[np.float32]]

LABELS: Mapping[str, Concern] = {
    **{
        label: Concern(label, "")
        for label in ("pregnancy", "child", "minor", "sobriety", "kidney", "liver", "caffeine_sensitive", "allergy")
    },
    "infant_under_6m": Concern("infant_under_6m", "", topic="gen-honey-under-one"),
    "infant_under_12m": Concern("infant_under_12m", "", topic="gen-honey-under-one"),
    "driving": Concern("driving", "", topic="gen-after-drinking"),
    "blood_thinner": Concern("blood_thinner", "", topic="gen-alcohol-warfarin"),
    "other_medicine": Concern("other_medicine", "", topic="gen-alcohol-small-amount"),
    "diabetes": Concern("diabetes", "", topic="gen-alcohol-diabetes-pills"),
    "blood_pressure": Concern("blood_pressure", "", topic="gen-alcohol-bp-heart"),
    "other_condition": Concern("condition", ""),
    "poison": Concern("poison", "", what="uncertain", topic="gen-uncertain"),
    "overdose": Concern("poison", "", what="too much", topic="gen-too-much"),
    "pet": Concern("poison", "", what="animal", topic="gen-animals"),
    "somebody_hurt": Concern("poison", "", what="unwell", topic="gen-hurt"),
}
"""What each label of the wordings says as a concern."""

UNSURE = Concern("unsure", "")
"""Somebody must be careful, and the label is too uncertain to say of what."""


@dataclass(frozen=True, slots=True)
class Model:
    """The trained weights (data/learned_concerns.npz)."""

    threshold: float
    """Probability from which a question counts as one that somebody must be careful of."""
    sure: float
    """Share of the likeliest label from which it is said."""
    labels: tuple[str, ...]
    signals: tuple[str, ...]
    """The names of the signals that it was trained with: concerns.signal_names() of then."""
    danger: NDArray[np.int8]
    """One weight for each row, in units of `unit_danger`."""
    kind: NDArray[np.int8]
    """labels x rows, in units of `unit_kind`."""
    unit_danger: float
    unit_kind: float
    bias_danger: float
    bias_kind: NDArray[np.float32]

    def probability(self, row: Row) -> float:
        """That somebody must be careful of something, in [0, 1]."""
        places, values = row
        score = float(self.danger[places].astype(np.float32) @ values) * self.unit_danger + self.bias_danger
        return 1 / (1 + math.exp(-score))

    def concern(self, row: Row) -> Concern:
        """Of what, if of anything."""
        places, values = row
        scores = self.kind[:, places % self.kind.shape[1]].astype(np.float32) @ values * self.unit_kind + self.bias_kind
        shares = 1 / (1 + np.exp(-scores))
        likeliest = int(shares.argmax())
        return LABELS[self.labels[likeliest]] if shares[likeliest] >= self.sure * shares.sum() else UNSURE


@lru_cache(maxsize=1024)
def _hinted(text: str, before: tuple[str, ...], least: float) -> tuple[Concern, ...]:
    row = features(text, before)
    trained = model()
    return (trained.concern(row),) if trained.probability(row) >= max(trained.threshold, least) else ()


def hinted(text: str, before: Sequence[str], *, least: float = 0.0) -> tuple[Concern, ...]:
    """The concern that a question hints at, after those before it; empty where there is none. Texts: names of drinks masked.

    least: the probability that it must have where nothing else speaks of danger; the model's own threshold stands above it.
    """
    return _hinted(concerns.plain(text), tuple(before[-REMEMBERED:]), least)


def features(text: str, before: Sequence[str]) -> Row:
    """(row, value) of all that the model has a weight for; runs of letters of each part are of length 1 together."""
    places: list[int] = []
    values: list[float] = []
    earlier = " ".join(said[:LONGEST] for said in before[-REMEMBERED:])
    names = concerns.signal_names()
    # the same words are another question once somebody's state was named: `what about the other one`
    heard_before = bool(earlier) and dict(zip(names, concerns.signals(earlier), strict=True))["word"]
    parts = (("asked", text[:LONGEST]), ("before", earlier), ("after", text[:LONGEST] if heard_before else ""))
    for part, said in parts:
        counts = Counter(zlib.crc32(f"{part} {run}".encode()) % BUCKETS for run in runs(said, SIZES[part]))
        weights = {place: 1 + math.log(count) for place, count in counts.items()}
        length = math.sqrt(sum(weight * weight for weight in weights.values())) or 1.0
        places += weights
        values += [WEIGHT[part] * weight / length for weight in weights.values()]
    for part, said in (("asked", text), ("before", earlier)):
        for name, holds in zip(names, concerns.signals(said) if said else (), strict=False):
            if holds:
                places.append(zlib.crc32(f"{part} signal {name}".encode()) % BUCKETS)
                values.append(WEIGHT["signal"])
    return np.array(places, dtype=np.int64), np.array(values, dtype=np.float32)


def runs(text: str, sizes: Sequence[int]) -> list[str]:
    """The runs of letters of every word, with the spaces around it."""
    found = []
    for word in re.findall(r"\S+", text.lower().replace("’", "'")):
        padded = f" {word} "
        for size in sizes:
            found += [padded[start : start + size] for start in range(max(len(padded) - size, 0) + 1)]
    return found


@cache
def model() -> Model:
    with resources.files("kdrinks").joinpath("data", "learned_concerns.npz").open("rb") as file:
        return from_arrays(np.load(file, allow_pickle=False))


def from_arrays(held: Mapping[str, Any]) -> Model:
    """The model of what training/concerns.py wrote."""
    return Model(
        float(held["threshold"]),
        float(held["sure"]),
        tuple(str(label) for label in held["labels"]),
        tuple(str(name) for name in held["signals"]),
        np.asarray(held["danger"]),
        np.asarray(held["kind"]),
        float(held["unit_danger"]),
        float(held["unit_kind"]),
        float(held["bias_danger"]),
        np.asarray(held["bias_kind"]),
    )
