"""What a drink is made of, by the ids of data/ingredients.toml: what must be there, what may stand for it, what is left to taste. Pure.

Lists of ingredients are prose (`설탕·흑설탕 또는 꿀`); the words that separate, choose between and leave out are known here.
"""

import itertools
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Literal

from kdrinks.drinks.model import Drink
from kdrinks.records import Language

_OPTIONAL = re.compile(
    r"선택|고명|입맛에 따라|섞기도|\(제품\)|\(현대\)|문헌에 따라|양조장에 따라|다방식|optional|garnish|to taste|sometimes|\(products\)"
)
_IN_BRACKETS = re.compile(r"\(([^()]*)\)")
FEW = 4
"""In a longer list `또는` chooses between its neighbours only, which are kinds of one thing: `감초·인삼 또는 홍삼·오미자`."""
_EITHER = re.compile(r"\s*또는\s*")


@dataclass(frozen=True, slots=True)
class Ingredient:
    id: str
    words: Mapping[Language, tuple[str, ...]]
    kind_of: str
    """The ingredient that it is a kind of; empty for most."""
    assumed: bool
    """Everybody has it."""
    garnish: bool
    tag: str
    """The tag of the group diet that says the same; empty where there is none."""
    left_out_by: str
    """The tag of the group diet to go by where somebody must not have it: `tag`, or a wider one."""


@dataclass(frozen=True, slots=True)
class Part:
    """Something that a drink's list names."""

    role: Literal["needed", "optional", "within"]
    """within: named in brackets, as what another one is made of."""
    codes: tuple[str, ...]
    """Ids of ingredients, one of which is enough; empty where the list's words name none that is known."""


@cache
def ingredients() -> Mapping[str, Ingredient]:
    """By id, in the order of the file."""
    table = tomllib.loads(resources.files("kdrinks").joinpath("data", "ingredients.toml").read_text("utf-8"))
    return {
        name: Ingredient(
            name,
            {"ko": tuple(row["ko"]), "en": tuple(row["en"])},
            row.get("kind_of", ""),
            row.get("assumed", False),
            row.get("garnish", False),
            row.get("tag", ""),
            row.get("left_out_by", row.get("tag", "")),
        )
        for name, row in table.items()
    }


def kinds_of(code: str) -> frozenset[str]:
    """The ingredient and those that are kinds of it: what a drink may hold where somebody asks for it."""
    return frozenset((code, *(one.id for one in ingredients().values() if one.kind_of == code)))


def root_of(codes: Iterable[str]) -> str:
    """Of an ingredient and its kinds the one that the others are kinds of."""
    return min(codes, key=lambda code: (bool(ingredients()[code].kind_of), code))


def stands_for(codes: Iterable[str]) -> frozenset[str]:
    """What whoever has these has as well: what they are kinds of, and what everybody has."""
    known = ingredients()
    own = set(codes) | {one.id for one in known.values() if one.assumed}
    return frozenset(own | {known[code].kind_of for code in own if code in known and known[code].kind_of})


def named(text: str, lang: Language) -> list[tuple[int, int, str]]:
    """(start, end, id) of each ingredient that a text names, in its order; the longest word stands."""
    return [(match.start(), match.end(), _codes(lang)[match[0].lower()]) for match in _words(lang).finditer(text)]


def parts_of(drink: Drink) -> list[Part]:
    """The parts of a drink's list, in its order."""
    korean = any(drink.ingredients.ko)
    items, english = (drink.ingredients.ko if korean else drink.ingredients.en), drink.ingredients.en
    found: list[Part] = []
    for place, item in enumerate(items):
        chosen = " or " in english[place] if place < len(english) else False
        found += _parts(item, "ko" if korean else "en", first=place == 0, chosen=chosen)
    return found


def _parts(item: str, lang: Language, *, first: bool, chosen: bool) -> Iterator[Part]:
    outside = _IN_BRACKETS.sub("", item)
    inside = [code for text in _IN_BRACKETS.findall(item) for code in _ids(text, lang)]
    codes = _ids(outside, lang)
    if not codes:
        outside, codes, inside = item, inside, []
    known = ingredients()
    floats = not first and bool(codes) and all(known[code].garnish for code in codes)
    if _OPTIONAL.search(item) or floats:
        yield from (Part("optional", (code,)) for code in (*codes, *inside))
        return
    if not codes:
        yield Part("needed", ())
        return
    pieces = [_ids(piece, lang) for piece in _EITHER.split(outside)] if lang == "ko" else []
    if 1 < len(pieces) and all(pieces) and len(codes) <= FEW:
        sets = [_by_root(piece) for piece in pieces]
        for combined in itertools.product(*sets):
            yield Part("needed", tuple(dict.fromkeys(code for one in combined for code in one)))
    elif len(codes) <= FEW and (chosen or (lang == "en" and " or " in item)):
        yield Part("needed", tuple(codes))
    else:
        yield from (Part("needed", tuple(one)) for one in _by_root(codes))
    yield from (Part("within", (code,)) for code in inside)


def _by_root(codes: Iterable[str]) -> list[list[str]]:
    """Kinds of one thing that stand side by side stand for one another: sugar and honey, rice and glutinous rice."""
    known = ingredients()
    found: dict[str, list[str]] = {}
    for code in dict.fromkeys(codes):
        found.setdefault(known[code].kind_of or code, []).append(code)
    return list(found.values())


def _ids(text: str, lang: Language) -> list[str]:
    return list(dict.fromkeys(code for _, _, code in named(text, lang)))


@cache
def _codes(lang: Language) -> Mapping[str, str]:
    return {word: one.id for one in ingredients().values() for word in one.words[lang]}


@cache
def _words(lang: Language) -> re.Pattern[str]:
    longest = sorted(_codes(lang), key=len, reverse=True)
    if lang == "en":
        return re.compile(rf"\b(?:{'|'.join(map(re.escape, longest))})\b", re.IGNORECASE)
    # one syllable is a word only where one begins: 무, not in 고로쇠나무
    return re.compile("|".join(("" if len(word) > 1 else "(?<![가-힣])") + re.escape(word) for word in longest))
