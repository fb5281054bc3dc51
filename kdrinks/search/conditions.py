"""What drinks must be like for a question over many of them: tags and liquor by its wishes, figures and ingredients by their own words."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace

from kdrinks.drinks.ingredients import ingredients, kinds_of, named
from kdrinks.drinks.model import Drink
from kdrinks.records import Language
from kdrinks.search import filters, operation_words
from kdrinks.search.filters import Wishes
from kdrinks.search.operation_words import said
from kdrinks.search.refusals import Things
from kdrinks.store.drink_queries import DrinkQuery

LIQUOR = frozenset({"low", "medium", "high"})
"""Codes of Tags.alcohol that are liquor."""


_TEA = re.compile(r"(?<![가-힣])차(?=[ 를는가도에의중들,.?!와랑로]|$|종류)|\bteas?\b")


_OF_KINDS = frozenset({"fruit", "grain", "grains", "petals", "rice"})
"""Before `tea` or `wine` they name a kind and no ingredient."""


def is_word(text: str, start: int, end: int, lang: Language) -> bool:
    """Whether the ingredient stands there by itself: 배 in 배가 고파 or 밤에 is none, nor 유자 in 유자차, where a drink was not known."""
    if lang == "en":
        return (
            not re.match(r" (?:wines?|teas?|punch(?:es)?|liquors?)\b", text[end:]) or text[start:end] not in _OF_KINDS
        )
    before, behind = text[start - 1 : start], text[end:]
    if re.match(r"[가-힣]", before) and end - start < 3:
        return False
    if text[start:end] == "무" and re.match(r"알|카|가당|설탕|첨가", behind):
        return False
    if text[start:end] in ("밤", "배", "무", "조", "깨") and re.match(r"에|가 ?고|부르|이 ?되|늦|마다|중", behind):
        return False
    return not re.match(r"(?:차|주|술|화채|식혜|청|즙)(?![가-힣]*(?:있는데))", behind)


def held(text: str, lang: Language, *, every: bool = False) -> list[tuple[str, bool]]:
    """(ingredient, whether it is refused) that drinks must or must not hold. every: also where no word says that they hold it."""
    places = [(start, end, code) for start, end, code in named(text, lang) if is_word(text, start, end, lang)]
    things = Things(text, [(start, end) for start, end, _ in places])
    found: list[tuple[str, bool]] = []
    words = operation_words.table()["words"]
    for start, end, code in places:
        if things.refused(start, end):
            found.append((code, True))
        elif (every and (end - start > 1)) or (lang == "ko" and re.search(words["holds_ko"], text[end:])):
            found.append((code, False))
        elif lang == "en" and (
            re.search(words["holds_en"], text[:start].rstrip()) or re.match(words["holds_behind_en"], text[end:])
        ):
            found.append((code, False))
    return found


def with_conditions(
    request: DrinkQuery,
    text: str,
    lang: Language,
    *,
    kinds: frozenset[str],
    wishes: Wishes,
    drinks: Mapping[str, Drink],
    allergic: bool,
) -> DrinkQuery:
    """The request with what drinks must be like: tags and liquor by today's wishes, figures and ingredients by their own words."""
    wanted = {group: set(tags) for group, tags in wishes.wanted.items()}
    if kinds:
        wanted.setdefault("kind", set()).update(kinds)
    elif (
        "kind" not in wanted and not request.have and _TEA.search(text)
    ):  # Kiwi takes 차 for something else in `무가당 차 전부`
        wanted["kind"] = {"tea"}
    if "court" in wanted.get("occasion", ()) and "court" in wanted.get("region", ()):  # one word for both
        wanted["region"] -= {"court"}
    strengths: frozenset[str] = frozenset()
    if "alcohol" in wanted and request.by != "abv":
        strengths = frozenset(wanted["alcohol"])
    elif wishes.liquor is not None:
        strengths = LIQUOR if wishes.liquor else frozenset({"none"})
    if said("perhaps", text, lang):
        strengths = frozenset({"maybe"})
    caffeine = next(iter(wanted.get("caffeine", ())), "")
    background = (
        ("weather", "occasion", "mood", "season")
        if request.foods
        else ("occasion",)
        if request.have or request.within_hours
        else ()
    )
    for group in ("alcohol", "caffeine", *background):  # who comes in two hours says nothing of the drink
        wanted.pop(group, None)
    if request.by == "abv" and not strengths and not wanted.get("kind"):
        strengths = LIQUOR
    of_a_class = request.operation in ("list", "count", "most", "least", "order")
    listed = [] if request.have or request.foods else held(text, lang, every=of_a_class)
    known = ingredients()
    holds = tuple(
        (kinds_of(code), known[code].left_out_by if allergic else known[code].tag)
        for code in dict.fromkeys(code for code, refused in listed if not refused)
        if not known[code].assumed or code == "sugar"
    )
    specific = {known[code].tag or known[code].left_out_by for code, refused in listed if not refused}
    holds += tuple((frozenset[str](), tag) for tag in sorted(wishes.asks_what_contains - specific))
    asked_for = {
        code for code, refused in listed if not refused or known[code].left_out_by in wishes.asks_what_contains
    }
    lacks = frozenset(one for code, refused in listed if refused and code not in asked_for for one in kinds_of(code))
    least, most = operation_words.strengths(text)
    years = operation_words.years(text)
    if (least, most) != (None, None) and not strengths:
        strengths = LIQUOR
    at_home = said("home", text, lang) is not None and not request.homemade
    homemade = request.homemade or ("no" if said("maker", text, lang) else "yes" if at_home else "")
    return replace(
        request,
        tags={group: narrowest(frozenset(tags), group, drinks.values()) for group, tags in wanted.items() if tags},
        without_tags=frozenset(
            one for one in wishes.excluded if one[1] not in {known[code].left_out_by for code in asked_for}
        ),
        strengths=strengths,
        caffeine=caffeine,
        holds=holds,
        lacks=lacks,
        abv=(least, most),
        year=years,
        homemade=homemade,
        heritage=("national" if said("heritage_national", text, lang) else "any")
        if said("heritage", text, lang)
        else "",
        descending=request.descending and (bool(request.by) or years == (None, None)),
        by=request.by or ("abv" if (least, most) != (None, None) else "first_record" if any(years) else None),
    )


def narrowest(tags: frozenset[str], group: str, drinks: Iterable[Drink]) -> frozenset[str]:
    """Without those that hold all drinks of another one: of tea and flower tea the latter, of Gyeongbuk and Andong the latter."""
    if group == "diet" or len(tags) < 2:
        return tags
    having = {tag: frozenset(drink.id for drink in drinks if tag in getattr(drink.tags, group)) for tag in tags}
    return frozenset(
        tag for tag in tags if not any(other != tag and having[other] and having[other] < having[tag] for other in tags)
    )


def asking_for(wishes: Wishes, request: DrinkQuery) -> Wishes:
    """The wishes where drinks are asked for by what they hold: whoever must avoid it wants to know which they are."""
    if not request.holds:
        return wishes
    tags = {tag for codes, tag in request.holds} | {
        ingredients()[code].left_out_by for codes, _ in request.holds for code in codes
    }
    return replace(wishes, excluded=frozenset(one for one in wishes.excluded if one[1] not in tags), unfit=frozenset())


def allowed(drinks: Iterable[Drink], wishes: Wishes, rejected: Iterable[str] = ()) -> tuple[str, ...]:
    """Ids of the drinks that have nothing of what was said to be left out: the one place where a list is held to it."""
    out = set(rejected)
    return tuple(drink.id for drink in drinks if drink.id not in out and filters.may_be_suggested(drink, wishes))
