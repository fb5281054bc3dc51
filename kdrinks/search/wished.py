"""How well each drink suits what somebody wishes for, in words that nobody listed: one learned score.

The dual encoder of search/selection.py once more, with weights of its own: a wish has a point, and a drink has that of its description and
of the wishes that it was said to suit (training/wishes/). A drink that was not there in training, as a person's own, has the first alone.
What a drink must not be is no matter of this score: filters.py holds every suggestion to it. Trained by training/wished.py.
"""

from collections.abc import Iterable
from functools import cache, lru_cache
from importlib import resources

import numpy as np
from numpy.typing import NDArray

from kdrinks.drinks.model import Drink
from kdrinks.records import Language
from kdrinks.search import reading, selection
from kdrinks.search.reading import MASK


def suiting(wish: str, drinks: Iterable[Drink]) -> dict[str, float]:
    """The probability of each drink, by id, that it is the one for the wish. wish: with names masked."""
    every = list(drinks)
    point = model().point(selection.features(wish, reading.read(wish).asks))[:-1]
    scores = np.array([_key(drink) for drink in every], dtype=np.float32).reshape(len(every), len(point)) @ point
    shares = reading.softmax(scores / model().temperature)
    return dict(zip((drink.id for drink in every), shares.tolist(), strict=True))


def described(drink: Drink, lang: Language) -> str:
    """What a drink is like, its name masked."""
    if lang == "ko":
        return f"{drink.summary.ko} {drink.serve.ko} {drink.occasion.ko}".replace(drink.title_ko, MASK)
    return f"{drink.summary.en} {drink.serve.en} {drink.occasion.en}".replace(drink.title_en, MASK)


_LANGUAGES: tuple[Language, ...] = ("ko", "en")


@lru_cache(maxsize=4096)  # 6 ms for a drink of a person's own
def _key(drink: Drink) -> NDArray[np.float32]:
    held = model().keys.get(drink.id)
    if held is not None:
        return held
    rows = [model().point(selection.features(described(drink, lang), {}))[:-1] for lang in _LANGUAGES]
    return np.asarray(OF_DESCRIPTION * sum(rows), np.float32)


OF_DESCRIPTION = 0.7
"""Of the sum of a description's points in both languages: as long as one of them."""


@cache
def model() -> selection.Model:
    with resources.files("kdrinks").joinpath("data", "wished.npz").open("rb") as file:
        return selection.from_arrays(np.load(file, allow_pickle=False))
