"""The exact answer to a question over many drinks, made of its rows: the number, the names, the figures with their units. Pure.

Every sentence stands by itself, so that a guarded model can say it one by one; a list of more than SHORT names is grouped by family
and stands on lines of its own.
"""

from collections.abc import Mapping, Sequence
from typing import Literal

from kdrinks import i18n
from kdrinks.drinks.browse import FAMILIES, family
from kdrinks.drinks.model import Drink
from kdrinks.generation.described import Labels, Told, bare, described, in_time, ingredient_name, joined, say, title
from kdrinks.records import Language
from kdrinks.store.drink_queries import DrinkQuery, Found, Measure

SHORT = 12
"""Names in one sentence; more are grouped."""

Held = Literal["yes", "perhaps", "no"]
"""Whether an ingredient is in a drink; perhaps: in some of it, or another one in its place."""


def figure(found: Found, by: Measure, lang: Language) -> str:
    """`22~45%`, `1450년`, `10~20분`; empty where nobody knows it."""
    if found.low is None or found.high is None:
        return ""
    low, high = found.low, found.high
    unit: str = by if by != "first_record" else "year"
    if by == "total_time":
        low, high, unit = in_time(low, high)
    dash = "~" if lang == "ko" else "–"
    numbers = f"{low:g}" if low == high else f"{low:g}{dash}{high:g}"
    if by == "abv":
        return f"{numbers}%"
    if lang == "en" and low == high == 1 and unit in ("hours", "days", "minutes", "ingredients", "steps"):
        return i18n.text(f"listing.unit.{unit}", lang, figure=numbers).removesuffix("s")
    return i18n.text(f"listing.unit.{unit}", lang, figure=numbers)


def answer(
    asked: DrinkQuery, found: Sequence[Found], drinks: Mapping[str, Drink], labels: Labels, lang: Language, told: Told
) -> str:
    """The whole text; sentences in one paragraph, long lists on lines below it."""
    phrase = described(asked, labels, lang, told)
    if told.region_of and not asked.tags.get("region"):
        return say("nowhere", lang, title=title(told.region_of, lang))
    if asked.operation == "compare":
        tasted = [_tasted(found, drinks, labels, lang, told.by_taste)] if told.by_taste else []
        # "milder" of two without alcohol is said of their taste
        by_figure = asked.by is not None and not (tasted and asked.by == "abv" and all(one.high == 0 for one in found))
        text = " ".join([*([_compared(asked, found, drinks, lang)] if by_figure else []), *tasted])
    elif asked.operation in ("most", "least"):
        text = _first(asked, found, drinks, phrase, lang)
    elif asked.operation == "order":
        text = _ordered(asked, found, drinks, phrase, lang)
    elif asked.operation == "make_from":
        text = _makeable(found, drinks, lang, told)
    elif asked.operation == "count":
        text = _counted(found, drinks, phrase, lang)
    else:
        text = _listed(asked, found, drinks, phrase, lang)
    notes = []
    if told.left_out:
        notes.append(say("left_out", lang))
    if asked.operation == "within":
        notes.append(say("only_known.total_time", lang))
    if "none" in asked.strengths and asked.operation != "compare":
        notes.append(say("maybe_out", lang))
    if told.allergy:
        notes.append(say("allergy", lang))
    if not notes:
        return text
    return f"{text}{chr(10) * 2 if chr(10) in text else ' '}{' '.join(notes)}"


def holds(name: str, held: Sequence[tuple[str, Held]], made_with: str, lang: Language) -> str:
    """Yes or no first where there is one answer, then what is in it and what is not, then the sentence that names all ingredients.

    held: ids of ingredients.
    """
    of: dict[Held, list[str]] = {}
    for code, how in held:
        of.setdefault(how, []).append(ingredient_name(code, lang))
    told = [say(f"holds.{how}", lang, title=name, things=joined(things, lang)) for how, things in of.items()]
    first = [say(f"holds_first.{how}", lang) for how in of] if len(of) == 1 else []
    return " ".join([*first, *told, made_with])


def unknown(what: str, lang: Language) -> str:
    """That no record has a figure for it: prices, health, popularity."""
    return say(f"unknown.{what}", lang)


def _listed(asked: DrinkQuery, found: Sequence[Found], drinks: Mapping[str, Drink], phrase: str, lang: Language) -> str:
    if not found:
        return say("none", lang, phrase=phrase)
    names = [_with_figure(one, asked.by, drinks, lang) for one in found]
    if len(found) == 1:
        return say("one_of", lang, phrase=phrase, names=names[0])
    if len(found) <= SHORT:
        return say("some", lang, phrase=phrase, count=len(found), names=joined(names, lang))
    lines = [say("many", lang, phrase=phrase, count=len(found)), ""]
    for name, own in _families(found, drinks):
        listed = ", ".join(_with_figure(one, asked.by, drinks, lang) for one in own)
        lines.append(
            say("family", lang, family=i18n.text(f"drinks.families.{name}", lang), count=len(own), names=listed)
        )
    return "\n".join(lines)


def _families(found: Sequence[Found], drinks: Mapping[str, Drink]) -> list[tuple[str, list[Found]]]:
    own: dict[str, list[Found]] = {name: [] for name in FAMILIES}
    for one in found:
        own[family(drinks[one.id])].append(one)
    return [(name, rows) for name, rows in own.items() if rows]


def _counted(found: Sequence[Found], drinks: Mapping[str, Drink], phrase: str, lang: Language) -> str:
    if not found:
        return say("count_none", lang, phrase=phrase)
    if len(found) <= SHORT:
        return _listed(DrinkQuery(), found, drinks, phrase, lang)
    families = [
        say("in_family", lang, family=i18n.text(f"drinks.families.{name}", lang), count=len(own))
        for name, own in _families(found, drinks)
    ]
    key = "count_many" if len(families) > 1 else "count_one_family"
    return say(key, lang, phrase=phrase, count=len(found), families=joined(families, lang))


def _first(asked: DrinkQuery, found: Sequence[Found], drinks: Mapping[str, Drink], phrase: str, lang: Language) -> str:
    assert asked.by
    way = "high" if asked.descending else "low"
    if not found:
        return say("most_none", lang, phrase=phrase, measure=say(f"measure.{asked.by}.{way}", lang))
    names = joined([_with_figure(one, asked.by, drinks, lang) for one in found], lang)
    several = asked.most > 1 or (lang == "en" and len(found) > 1)
    measure = say(f"{'measures' if several and lang == 'en' else 'measure'}.{asked.by}.{way}", lang)
    key = "top" if " " in phrase else "top_all"
    if lang == "ko" and several:
        key, phrase = "top_all", f"{phrase} {len(found)}가지"
    text = say(key, lang, phrase=phrase, measure=measure, names=names)
    return " ".join([text, *_of_ranges(asked, found, lang)])


def _of_ranges(asked: DrinkQuery, found: Sequence[Found], lang: Language) -> list[str]:
    if asked.by == "abv" and any(one.low != one.high for one in found):
        return [say("ranges", lang, end=say("highest" if asked.descending else "lowest", lang))]
    if asked.by in ("first_record", "total_time"):
        return [say(f"only_known.{asked.by}", lang)]
    return []


def _ordered(
    asked: DrinkQuery, found: Sequence[Found], drinks: Mapping[str, Drink], phrase: str, lang: Language
) -> str:
    measured = [one for one in found if one.low is not None]
    assert asked.by
    way = "high" if asked.descending else "low"
    if not measured:
        return say("most_none", lang, phrase=phrase, measure=say(f"measure.{asked.by}.{way}", lang))
    lead = say("order", lang, phrase=phrase, measure=say(f"ordered.{asked.by}.{way}", lang))
    lines = [
        f"{place}. {title(drinks[one.id], lang)} {figure(one, asked.by, lang)}" for place, one in enumerate(measured, 1)
    ]
    unmeasured = [title(drinks[one.id], lang) for one in found if one.low is None]
    notes = [say(f"no_figure.{asked.by}", lang, names=joined(unmeasured, lang))] if unmeasured else []
    return "\n".join([lead, *lines, *(("", " ".join(notes)) if notes else ())])


def _makeable(found: Sequence[Found], drinks: Mapping[str, Drink], lang: Language, told: Told) -> str:
    own = joined([ingredient_name(code, lang) for code in told.ingredients], lang)
    names = [title(drinks[one.id], lang) for one in found]
    also = joined([title(drink, lang) for drink in told.also], lang)
    if not found:
        text = say("make_none", lang, ingredients=own)
    elif len(found) == 1:
        text = say("make_one", lang, ingredients=own, names=names[0])
    else:
        text = say("make", lang, ingredients=own, count=len(found), names=joined(names, lang))
    return " ".join([text, *([say("make_also", lang, names=also)] if also else []), say("assumed", lang)])


def _compared(asked: DrinkQuery, found: Sequence[Found], drinks: Mapping[str, Drink], lang: Language) -> str:
    assert asked.by
    by, known = asked.by, [one for one in found if one.low is not None]
    unknown_ones = [title(drinks[one.id], lang) for one in found if one.low is None]
    parts = []
    if known:
        figures = [
            say("figure_of", lang, title=title(drinks[one.id], lang), figure=figure(one, by, lang)) for one in known
        ]
        parts.append(say(f"compare.{by}", lang, figures=joined(figures, lang)))
    if unknown_ones:
        parts.append(say("unknown_abv" if by == "abv" else "unknown_figure", lang, names=joined(unknown_ones, lang)))
    perhaps = [title(drinks[one.id], lang) for one in found if by == "abv" and drinks[one.id].tags.alcohol == "maybe"]
    if perhaps:
        parts.append(say("perhaps", lang, names=joined(perhaps, lang)))
    if len(known) > 1 and not unknown_ones:
        first, second = known[0], known[1]
        if (first.low, first.high) == (second.low, second.high):
            parts.append(say("same", lang))
        else:
            way = "high" if asked.descending else "low"
            parts.append(say(f"winner.{by}.{way}", lang, names=title(drinks[first.id], lang)))
            if _overlap(first, second):
                parts.append(say("overlap", lang))
    return " ".join(parts)


def _tasted(
    found: Sequence[Found], drinks: Mapping[str, Drink], labels: Labels, lang: Language, asked: Sequence[str]
) -> str:
    """What each tastes like, and which of them alone has what is asked for."""
    own = {one.id: _tastes(drinks[one.id]) for one in found}

    def label(tag: str) -> str:
        return say(f"taste_{tag}", lang) if tag in _OF_MOOD else bare(labels("taste", tag), lang)

    parts = [say("compare_taste", lang)]
    for drink, tags in own.items():
        names = joined([label(tag) for tag in tags], lang)
        parts.append(say("taste_of" if tags else "taste_unknown", lang, title=title(drinks[drink], lang), labels=names))
    for quality in asked:
        having = [drink for drink, tags in own.items() if quality in tags]
        if len(having) == 1:
            parts.append(say("winner_taste", lang, title=title(drinks[having[0]], lang), label=label(quality)))
    return " ".join(parts)


_OF_MOOD = ("sweet", "spicy")
"""Tags of the group mood that say what a drink tastes like."""


def _tastes(drink: Drink) -> list[str]:
    return [*(tag for tag in _OF_MOOD if tag in drink.tags.mood), *drink.tags.taste]


def _overlap(one: Found, other: Found) -> bool:
    return None not in (one.low, one.high, other.low, other.high) and one.low <= other.high and other.low <= one.high  # type: ignore[operator]


def _with_figure(one: Found, by: Measure | None, drinks: Mapping[str, Drink], lang: Language) -> str:
    name = title(drinks[one.id], lang)
    shown = figure(one, by, lang) if by else ""
    return f"{name}({shown})" if shown and lang == "ko" else f"{name} ({shown})" if shown else name
