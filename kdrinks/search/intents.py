"""What a question asks for, by a small linear model over pieces of its text with the drinks' names masked.

The weights (data/intents.json) are trained from question wordings by training/intents.py, which shares `features`. Pure; knows
nothing of drinks: whoever calls masks their names first.
"""

import itertools
import json
import math
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any, cast

from kdrinks.kinds import Intent

MASK = "¤"
"""Stands for a drink's name in the text that is classified."""

CUE = "c:"
"""Starts the feature of a hand-kept cue."""

_SPACE = re.compile(r"\s+")
_PARTICLE_BEHIND = re.compile(MASK + r"(?:이?랑|하고|과|와|은|는|이|가|을|를)(?=\s|$)")


def features(text: str) -> Iterator[str]:
    """Letters in runs of 2 to 4, words, pairs of words and hand-kept cues; what the model has a weight for."""
    text = normal(text)
    padded = f"_{text.replace(' ', '_')}_"
    for size in (2, 3, 4):
        for start in range(len(padded) - size + 1):
            yield padded[start : start + size]
    words = re.findall(r"[^\s?!.,~…]+", text)
    for word in words:
        yield f"w:{word}"
    for first, second in itertools.pairwise(words):
        yield f"p:{first} {second}"
    for intent in cued(text):
        yield CUE + intent


def cued(text: str) -> frozenset[Intent]:
    """The intents that a hand-kept cue speaks for."""
    text = normal(text)
    return frozenset(intent for intent, pattern in cues().items() if pattern.search(text))


@cache
def cues() -> dict[Intent, re.Pattern[str]]:
    """Hand-kept expressions by intent."""
    table = tomllib.loads(resources.files("kdrinks").joinpath("data", "intent_cues.toml").read_text("utf-8"))
    return {cast(Intent, intent): re.compile(pattern) for intent, pattern in table.items()}


def normal(text: str) -> str:
    text = _SPACE.sub(" ", re.sub(r"\d+", "0", text.lower())).strip()
    return _PARTICLE_BEHIND.sub(MASK, text)


@dataclass(frozen=True, slots=True)
class Model:
    classes: tuple[Intent, ...]
    bias: tuple[float, ...]
    weights: Mapping[str, tuple[tuple[int, int], ...]]
    """(class number, hundredths) by feature."""

    def probabilities(self, text: str) -> dict[Intent, float]:
        """Probability by class, highest first."""
        found = {feature for feature in features(text)}
        # letters and words count less each where there are more of them, as in training; a cue counts whole
        pieces = sum(not feature.startswith(CUE) for feature in found)
        scale = 1 / math.sqrt(max(pieces, 1))
        scores = list(self.bias)
        for feature in found:
            share = 1.0 if feature.startswith(CUE) else scale
            for number, weight in self.weights.get(feature, ()):
                scores[number] += weight / 100 * share
        highest = max(scores)
        parts = [math.exp(score - highest) for score in scores]
        total = sum(parts)
        return dict(sorted(zip(self.classes, (part / total for part in parts), strict=True), key=lambda item: -item[1]))


@cache
def model() -> Model:
    return from_table(json.loads(resources.files("kdrinks").joinpath("data", "intents.json").read_text("utf-8")))


def from_table(data: Mapping[str, Any]) -> Model:
    """The model of what training/intents.py wrote."""
    return Model(
        tuple(data["classes"]),
        tuple(data["bias"]),
        {feature: tuple(zip(row[::2], row[1::2], strict=True)) for feature, row in data["weights"].items()},
    )
