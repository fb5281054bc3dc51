"""Browsing the drinks: families, filters by the closed lists of tags, and a search by name, summary and ingredients.

Pure. Families are the dozen-and-a-half kinds of drinks.jsonl gathered into seven, so that a picture has rows one can read.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from kdrinks.drinks.model import Drink, Figure
from kdrinks.drinks.names import hanja_names_of, names_of
from kdrinks.text import hanja, keyboard
from kdrinks.text.korean import has_hangul
from kdrinks.text.typed import clean

FAMILIES: Mapping[str, frozenset[str]] = {
    "makgeolli": frozenset({"makgeolli"}),
    "soju": frozenset({"soju", "liqueur"}),
    "yakju": frozenset(
        {"yakju", "cheongju", "fortified", "fruit_wine", "flower_liquor", "herbal_liquor", "seasonal_liquor"}
    ),
    "sikhye": frozenset({"sikhye"}),
    "hwachae": frozenset({"hwachae", "suk", "sudan", "sujeonggwa"}),
    "tea": frozenset("tea grain_tea fruit_tea root_tea flower_tea leaf_tea seed_tea spice_tea herbal_tea".split()),
    "other": frozenset(),
}
"""Kinds of each family; the first family that holds one of a drink's kinds has it, the last one the rest."""

SEASONS = ("spring", "summer", "autumn", "winter", "all")
ALLERGENS = (
    "gluten",
    "nuts",
    "peanut",
    "honey",
    "milk",
    "egg",
    "soy",
    "sesame",
    "buckwheat",
    "corn",
    "peach",
    "citrus",
    "pollen",
)
"""Tags of the group diet that say what a drink may hold and somebody may have to avoid."""
TIMES: Mapping[str, float] = {"hour": 1, "day": 24, "week": 7 * 24, "longer": float("inf")}
"""Hours in which a drink can be made, from the shortest."""
_HOURS = {"minutes": 1 / 60, "hours": 1, "days": 24}
DIETS = ("vegan", "sugar_free")


@dataclass(frozen=True, slots=True)
class DrinkFilter:
    """What a person looks for; empty means anything. Within a filter one match is enough, the filters all count."""

    text: str = ""
    family: frozenset[str] = frozenset()
    alcohol: frozenset[str] = frozenset()
    caffeine: frozenset[str] = frozenset()
    season: frozenset[str] = frozenset()
    region: frozenset[str] = frozenset()
    time: frozenset[str] = frozenset()
    """Of TIMES, by the quickest way to make it."""
    diets: frozenset[str] = frozenset()
    """Diets that a drink must all suit."""
    exclude_allergens: frozenset[str] = frozenset()
    """Allergens that it must not hold."""


def family(drink: Drink) -> str:
    kinds = set(drink.tags.kind)
    return next((name for name, own in FAMILIES.items() if own & kinds), "other")


def filter_drinks(drinks: Iterable[Drink], wanted: DrinkFilter) -> list[Drink]:
    """The drinks that match, those named like the text first, else in the order they come in."""
    typed = clean(wanted.text)
    words = [word for word in map(_plain, typed.split()) if word]
    found = [drink for drink in drinks if _fits(drink, wanted)]
    if not words:
        return found
    scored = [(drink, _place(drink, words)) for drink in found]
    if all(place == _NOWHERE for _, place in scored):
        scored = [(drink, _place_of_keys(drink, typed)) for drink in found]
    return [drink for drink, place in sorted(scored, key=lambda pair: pair[1]) if place < _NOWHERE]


def nearest(drinks: Iterable[Drink], text: str, *, most: int = 3) -> list[Drink]:
    """The drinks whose names look most like a text that nothing was found for."""
    text = clean(text)
    by_name = {_plain(name): drink for drink in drinks for name in _names(drink)}
    close = get_close_matches(_plain(text), by_name, n=most * 3, cutoff=0.5)
    return list({by_name[name].id: by_name[name] for name in close}.values())[:most]


def seasons(drink: Drink) -> Sequence[str]:
    return [season for season in SEASONS if season in drink.tags.season]


def making_times(drink: Drink) -> Sequence[Figure]:
    """The figures that say how long making it takes, one for each way."""
    told = (figure for detail in drink.details if detail.aspect == "total_time" for figure in detail.figures)
    return [figure for figure in told if figure.unit in _HOURS]


def time(drink: Drink) -> str:
    """Of TIMES, the first that its quickest way keeps to; empty where it is not known."""
    hours = [figure.max * _HOURS[figure.unit] for figure in making_times(drink)]
    return next((name for name, most in TIMES.items() if min(hours) <= most), "") if hours else ""


def similar_to(drink: Drink, drinks: Mapping[str, Drink]) -> list[Drink]:
    """The drinks it names, then those that name it."""
    named_by = [other.id for other in drinks.values() if drink.id in other.similar]
    return [drinks[other] for other in dict.fromkeys((*drink.similar, *named_by)) if other in drinks]


_NOWHERE = 9


def _fits(drink: Drink, wanted: DrinkFilter) -> bool:
    tags = drink.tags
    diet = set(tags.diet)
    return (
        (not wanted.family or family(drink) in wanted.family)
        and (not wanted.alcohol or tags.alcohol in wanted.alcohol)
        and (not wanted.caffeine or tags.caffeine in wanted.caffeine)
        and (not wanted.season or bool(wanted.season & set(tags.season)))
        and (not wanted.region or bool(wanted.region & set(tags.region)))
        and (not wanted.time or time(drink) in wanted.time)
        and wanted.diets <= diet
        and not wanted.exclude_allergens & diet
    )


def _place(drink: Drink, words: Sequence[str]) -> int:
    """0 a name itself, 1 a name's beginning, 2 inside a name, 3 in summary or ingredients; all words must be found."""
    names = [_plain(name) for name in _names(drink)]
    whole = "".join(words)
    if whole in names:
        return 0
    if any(name.startswith(whole) for name in names):
        return 1
    if all(any(word in name for name in names) for word in words):
        return 2
    texts = (
        drink.summary.ko,
        drink.summary.en,
        *drink.ingredients.ko,
        *drink.ingredients.en,
        drink.region.ko,
        drink.region.en,
    )
    prose = _plain(" ".join((*names, *texts)))
    return 3 if all(word in prose for word in words) else _NOWHERE


def _place_of_keys(drink: Drink, typed: str) -> int:
    """The same for names by their initials (ㅁㄱㄹ, 안동ㅅㅈ), half typed (막거) or typed on a Latin layout (akrrjffl)."""
    names = [_plain(name) for name in _names(drink) if has_hangul(name)]
    wanted = _plain(typed)
    ways = [wanted] if re.search("[가-힣ㄱ-ㅎ]", wanted) and not re.fullmatch("[ㅋㅎ]{2,}", wanted) else []
    # letters as they were typed: shift is part of a key
    ways += keyboard.as_hangul(re.sub(r"[\W\d_]+", "", typed), half_typed=True)
    places = [_NOWHERE]
    for way in ways:
        keys = keyboard.keys_of(way)
        for name in names:
            if keyboard.fits(way, name) or (len(keys) > 1 and keyboard.keys_of(name).startswith(keys)):
                places.append(0 if len(way) == len(name) else 1)
            elif len(way) > 1 and any(keyboard.fits(way, name[start:]) for start in range(1, len(name))):
                places.append(2)
    return min(places)


def _names(drink: Drink) -> list[str]:
    record = {
        "name_ko": drink.name_ko,
        "title_ko": drink.title_ko,
        "name_en": drink.name_en,
        "title_en": drink.title_en,
        "aliases": list(drink.aliases),
        "hanja": drink.hanja,
    }
    return [*names_of(record), *hanja_names_of(record)]


def _plain(text: str) -> str:
    """Letters and digits only, so that spaces, hyphens and case do not matter."""
    return hanja.form(re.sub(r"[\W_]+", "", text.casefold()))
