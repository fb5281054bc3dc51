"""Tags that follow from what a record says: how warm it is served, whether it is sweet, and what sweetens it.

Set by hand, a tag and its record drift apart: dosoju was tagged hot where it is served cold, and a soured grain water without sugar.
Pure but for its words, which are read once.
"""

import re
import tomllib
from functools import cache
from typing import Any

from kdrinks.drinks.model import Bilingual, Drink
from kdrinks.drinks.read import DATA


def temperatures(serve: Bilingual) -> tuple[str, ...]:
    """Ids of the group temperature, in the order in which the Korean text names them; by the English where that one is empty."""
    lang, text = ("ko", serve.ko) if serve.ko else ("en", re.sub(r"never \w+", "", serve.en.lower()))
    found: dict[str, int] = {}
    for tag, words in _words()["temperature"].items():
        starts = [start for word in words[lang] if (start := _start(word, text, lang)) >= 0]
        if starts:
            found[tag] = min(starts)
    return tuple(sorted(found, key=found.__getitem__))


def sweetening(drink: Drink) -> frozenset[str]:
    """Of the group diet: honey and sugar where they may be in it, sugar_free where there is surely none."""
    named = [*drink.ingredients.ko, *drink.allergens.ko]
    honey = _any(named, "honey")
    malt = _any(drink.ingredients.ko, "malt") and not drink.is_alcoholic
    if honey or malt or _any(drink.ingredients.ko, "sugar"):
        return frozenset({"sugar", "honey"} if honey else {"sugar"})
    sure = drink.alcohol_free and not _any(drink.ingredients.ko, "own_sugar")
    return frozenset({"sugar_free"} if sure else ())


def is_sweet(drink: Drink) -> bool:
    """Whether the mood `sweet` fits: it is always sweetened and not just a little, or is told to be sweet of itself."""
    told = " ".join(detail.ko for detail in drink.details if detail.aspect == "sweetness")
    if any(word in told for word in _words()["told"]["sweet"]):
        return True
    if any(word in told for word in _words()["told"]["plain"]):
        return False
    standing = [item for item in drink.ingredients.ko if not _is_optional(item)]
    malt = _any(standing, "malt") and not drink.is_alcoholic
    honey = _any(standing, "honey") and not any(
        _any([item], "honey") and _is_optional(item) for item in drink.allergens.ko
    )
    return honey or malt or _any(standing, "sugar")


def _start(word: str, text: str, lang: str) -> int:
    """Where the word begins, or -1."""
    found = re.search(rf"\b{word}\b" if lang == "en" else word, text)
    return found.start() if found else -1


def _any(items: list[str] | tuple[str, ...], kind: str) -> bool:
    return any(word in item for item in items for word in _words()["sweetener"][kind])


def _is_optional(item: str) -> bool:
    return any(mark in item for mark in _words()["sweetener"]["optional"])


@cache
def _words() -> dict[str, Any]:
    return tomllib.loads((DATA / "derived_tags.toml").read_text(encoding="utf-8"))
