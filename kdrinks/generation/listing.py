"""The exact answer to a question over many drinks, made of its rows: the number, the names, the figures with their units. Pure.

Every sentence stands by itself, so that a guarded model can say it one by one; a list of more than SHORT names is grouped by family
and stands on lines of its own.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from kdrinks import i18n
from kdrinks.drinks.browse import FAMILIES, family
from kdrinks.drinks.ingredients import ingredients, root_of
from kdrinks.drinks.model import Bilingual, Drink
from kdrinks.records import Language
from kdrinks.store.drink_queries import DrinkQuery, Found, Measure
from kdrinks.text.korean import filled

SHORT = 12
"""Names in one sentence; more are grouped."""

Labels = Callable[[str, str], Bilingual]
"""The label of a tag: (group, id)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What is told beside the rows."""

    of_those: bool = False
    """The drinks are some of those that were answered before."""
    allergy: bool = False
    """Somebody must not have something: the notes may not list everything."""
    left_out: bool = False
    """What was said earlier to be left out had a part in it."""
    ingredients: tuple[str, ...] = ()
    also: tuple[Drink, ...] = ()
    """Drinks that use all the ingredients that are there, and need more."""
    foods: tuple[str, ...] = ()
    region_of: Drink | None = None


def figure(found: Found, by: Measure, lang: Language) -> str:
    """`22~45%`, `1450년`, `10~20분`; empty where nobody knows it."""
    if found.low is None or found.high is None:
        return ""
    low, high = found.low, found.high
    unit: str = by if by != "first_record" else "year"
    if by == "total_time":
        low, high, unit = _time(low, high)
    dash = "~" if lang == "ko" else "–"
    numbers = f"{low:g}" if low == high else f"{low:g}{dash}{high:g}"
    if by == "abv":
        return f"{numbers}%"
    if lang == "en" and low == high == 1 and unit in ("hours", "days", "minutes", "ingredients", "steps"):
        return i18n.text(f"listing.unit.{unit}", lang, figure=numbers).removesuffix("s")
    return i18n.text(f"listing.unit.{unit}", lang, figure=numbers)


def _time(low_h: float, high_h: float) -> tuple[float, float, str]:
    if high_h >= 48:
        return round(low_h / 24, 1), round(high_h / 24, 1), "days"
    if high_h <= 1:
        return round(low_h * 60), round(high_h * 60), "minutes"
    return round(low_h, 1), round(high_h, 1), "hours"


def answer(
    asked: DrinkQuery, found: Sequence[Found], drinks: Mapping[str, Drink], labels: Labels, lang: Language, told: Told
) -> str:
    """The whole text; sentences in one paragraph, long lists on lines below it."""
    phrase = described(asked, labels, lang, told)
    if told.region_of and not asked.tags.get("region"):
        return _say("nowhere", lang, title=_title(told.region_of, lang))
    if asked.operation == "compare":
        text = _compared(asked, found, drinks, lang)
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
        notes.append(_say("left_out", lang))
    if asked.operation == "within":
        notes.append(_say("only_known.total_time", lang))
    if "none" in asked.strengths and asked.operation != "compare":
        notes.append(_say("maybe_out", lang))
    if told.allergy:
        notes.append(_say("allergy", lang))
    if not notes:
        return text
    return f"{text}{chr(10) * 2 if chr(10) in text else ' '}{' '.join(notes)}"


def unknown(what: str, lang: Language) -> str:
    """That no record has a figure for it: prices, health, popularity."""
    return _say(f"unknown.{what}", lang)


def described(asked: DrinkQuery, labels: Labels, lang: Language, told: Told) -> str:
    """`제주의 술`, `caffeine-free teas without nuts`: what the drinks are, in words."""
    before: list[str] = []
    behind: list[str] = []

    def put(key: str, **values: object) -> None:
        said = _say(key, lang, **values)
        (behind if said.startswith(" ") else before).append(said)

    def named(group: str, tags: Sequence[str]) -> str:
        return _joined([_bare(labels(group, tag), lang) for tag in tags], lang)

    if told.region_of:
        put("others", title=_title(told.region_of, lang))
    tags = {group: sorted(own) for group, own in asked.tags.items()}
    if region := tags.get("region"):
        put("nationwide") if region == ["nationwide"] else put("region", labels=named("region", region))
    if season := tags.get("season"):
        put("all_year") if season == ["all"] else put("season", labels=named("season", season))
    for group in ("occasion", "weather"):
        if own := tags.get(group):
            put(group, labels=named(group, own))
    if asked.foods:
        put("pairing", labels=_joined(told.foods or asked.foods, lang))
    if asked.within_hours is not None:
        put("within", time=_span(asked.within_hours, lang))
    if asked.homemade in ("yes", "no"):
        put("homemade" if asked.homemade == "yes" else "maker_only")
    _put_years(asked, put)
    _put_strengths(asked, put)
    # what is asked for by a wider tag (nuts, where pine nuts are named) is called by it
    held = [
        ingredient_name(root_of(codes), lang)
        if codes and tag == ingredients()[root_of(codes)].tag
        else _bare(labels("diet", tag), lang)
        for codes, tag in asked.holds
    ]
    if held:
        put("holds", labels=_joined(held, lang))
    lacking = [
        _bare(labels(group, tag), lang)
        for group, tag in sorted(asked.without_tags)
        if group in ("diet", "kind", "season")
    ]
    covered = {tag for group, tag in asked.without_tags if group == "diet"}
    lacking += [
        ingredient_name(code, lang)
        for code in sorted(asked.lacks)
        if ingredients()[code].left_out_by not in covered or not ingredients()[code].left_out_by
        if ingredients()[code].kind_of not in asked.lacks
    ]
    if ("mood", "sweet") in asked.without_tags:
        put("not_sweet")
    if lacking:
        put("lacks", labels=_joined(lacking, lang))
    if asked.caffeine:
        put(f"caffeine_{asked.caffeine}")
    for suit in tags.get("diet", ()):
        put(suit if suit in ("vegan", "sugar_free") else "holds", labels=_bare(labels("diet", suit), lang))
    for mood in tags.get("mood", ()):
        put(f"mood.{mood}")
    for temperature in tags.get("temperature", ()):
        put(temperature)
    kinds = tags.get("kind", ())
    if kinds:
        noun = _joined(
            [
                _say(f"kind.{kind}", lang) if _has(f"kind.{kind}") else _bare(labels("kind", kind), lang)
                for kind in kinds
            ],
            lang,
        )
    else:
        noun = _say(
            "noun.liquor" if asked.strengths and asked.strengths <= {"low", "medium", "high"} else "noun.drink", lang
        )
    if told.of_those:
        noun = _say("noun.of_those", lang, noun=noun)
    return "".join((*before, noun, *behind))


def _put_years(asked: DrinkQuery, put: Callable[..., None]) -> None:
    since, until = asked.year
    if since is not None and until is not None:
        put("from_to", low=f"{since:g}", high=f"{until:g}")
    elif since is not None:
        put("since", figure=f"{since:g}")
    elif until is not None:
        put("before", figure=f"{until:g}")


def _put_strengths(asked: DrinkQuery, put: Callable[..., None]) -> None:
    low, high = asked.abv
    if low is not None and high is not None:
        put("between", low=f"{low:g}", high=f"{high:g}")
    elif low is not None:
        put("at_least", figure=f"{low:g}")
    elif high is not None:
        put("at_most", figure=f"{high:g}")
    if asked.strengths == {"none"}:
        put("no_alcohol")
    elif asked.strengths == {"maybe"}:
        put("may_alcohol")
    elif len(asked.strengths) == 1:
        put(next(iter(asked.strengths)))


def ingredient_name(code: str, lang: Language) -> str:
    known = ingredients().get(code)
    return known.words[lang][0] if known else code


def _listed(asked: DrinkQuery, found: Sequence[Found], drinks: Mapping[str, Drink], phrase: str, lang: Language) -> str:
    if not found:
        return _say("none", lang, phrase=phrase)
    names = [_with_figure(one, asked.by, drinks, lang) for one in found]
    if len(found) == 1:
        return _say("one_of", lang, phrase=phrase, names=names[0])
    if len(found) <= SHORT:
        return _say("some", lang, phrase=phrase, count=len(found), names=_joined(names, lang))
    lines = [_say("many", lang, phrase=phrase, count=len(found)), ""]
    for name, own in _families(found, drinks):
        listed = ", ".join(_with_figure(one, asked.by, drinks, lang) for one in own)
        lines.append(
            _say("family", lang, family=i18n.text(f"drinks.families.{name}", lang), count=len(own), names=listed)
        )
    return "\n".join(lines)


def _families(found: Sequence[Found], drinks: Mapping[str, Drink]) -> list[tuple[str, list[Found]]]:
    own: dict[str, list[Found]] = {name: [] for name in FAMILIES}
    for one in found:
        own[family(drinks[one.id])].append(one)
    return [(name, rows) for name, rows in own.items() if rows]


def _counted(found: Sequence[Found], drinks: Mapping[str, Drink], phrase: str, lang: Language) -> str:
    if not found:
        return _say("count_none", lang, phrase=phrase)
    if len(found) <= SHORT:
        return _listed(DrinkQuery(), found, drinks, phrase, lang)
    families = [
        _say("in_family", lang, family=i18n.text(f"drinks.families.{name}", lang), count=len(own))
        for name, own in _families(found, drinks)
    ]
    key = "count_many" if len(families) > 1 else "count_one_family"
    return _say(key, lang, phrase=phrase, count=len(found), families=_joined(families, lang))


def _first(asked: DrinkQuery, found: Sequence[Found], drinks: Mapping[str, Drink], phrase: str, lang: Language) -> str:
    assert asked.by
    way = "high" if asked.descending else "low"
    if not found:
        return _say("most_none", lang, phrase=phrase, measure=_say(f"measure.{asked.by}.{way}", lang))
    names = _joined([_with_figure(one, asked.by, drinks, lang) for one in found], lang)
    several = asked.most > 1 or (lang == "en" and len(found) > 1)
    measure = _say(f"{'measures' if several and lang == 'en' else 'measure'}.{asked.by}.{way}", lang)
    key = "top" if " " in phrase else "top_all"
    if lang == "ko" and several:
        key, phrase = "top_all", f"{phrase} {len(found)}가지"
    text = _say(key, lang, phrase=phrase, measure=measure, names=names)
    return " ".join([text, *_of_ranges(asked, found, lang)])


def _of_ranges(asked: DrinkQuery, found: Sequence[Found], lang: Language) -> list[str]:
    if asked.by == "abv" and any(one.low != one.high for one in found):
        return [_say("ranges", lang, end=_say("highest" if asked.descending else "lowest", lang))]
    if asked.by in ("first_record", "total_time"):
        return [_say(f"only_known.{asked.by}", lang)]
    return []


def _ordered(
    asked: DrinkQuery, found: Sequence[Found], drinks: Mapping[str, Drink], phrase: str, lang: Language
) -> str:
    measured = [one for one in found if one.low is not None]
    assert asked.by
    way = "high" if asked.descending else "low"
    if not measured:
        return _say("most_none", lang, phrase=phrase, measure=_say(f"measure.{asked.by}.{way}", lang))
    lead = _say("order", lang, phrase=phrase, measure=_say(f"ordered.{asked.by}.{way}", lang))
    lines = [
        f"{place}. {_title(drinks[one.id], lang)} {figure(one, asked.by, lang)}"
        for place, one in enumerate(measured, 1)
    ]
    unmeasured = [_title(drinks[one.id], lang) for one in found if one.low is None]
    notes = [_say(f"no_figure.{asked.by}", lang, names=_joined(unmeasured, lang))] if unmeasured else []
    return "\n".join([lead, *lines, *(("", " ".join(notes)) if notes else ())])


def _makeable(found: Sequence[Found], drinks: Mapping[str, Drink], lang: Language, told: Told) -> str:
    own = _joined([ingredient_name(code, lang) for code in told.ingredients], lang)
    names = [_title(drinks[one.id], lang) for one in found]
    also = _joined([_title(drink, lang) for drink in told.also], lang)
    if not found:
        text = _say("make_none", lang, ingredients=own)
    elif len(found) == 1:
        text = _say("make_one", lang, ingredients=own, names=names[0])
    else:
        text = _say("make", lang, ingredients=own, count=len(found), names=_joined(names, lang))
    return " ".join([text, *([_say("make_also", lang, names=also)] if also else []), _say("assumed", lang)])


def _compared(asked: DrinkQuery, found: Sequence[Found], drinks: Mapping[str, Drink], lang: Language) -> str:
    assert asked.by
    by, known = asked.by, [one for one in found if one.low is not None]
    unknown_ones = [_title(drinks[one.id], lang) for one in found if one.low is None]
    parts = []
    if known:
        figures = [
            _say("figure_of", lang, title=_title(drinks[one.id], lang), figure=figure(one, by, lang)) for one in known
        ]
        parts.append(_say(f"compare.{by}", lang, figures=_joined(figures, lang)))
    if unknown_ones:
        parts.append(_say("unknown_abv" if by == "abv" else "unknown_figure", lang, names=_joined(unknown_ones, lang)))
    perhaps = [_title(drinks[one.id], lang) for one in found if by == "abv" and drinks[one.id].tags.alcohol == "maybe"]
    if perhaps:
        parts.append(_say("perhaps", lang, names=_joined(perhaps, lang)))
    if len(known) > 1 and not unknown_ones:
        first, second = known[0], known[1]
        if (first.low, first.high) == (second.low, second.high):
            parts.append(_say("same", lang))
        else:
            way = "high" if asked.descending else "low"
            parts.append(_say(f"winner.{by}.{way}", lang, names=_title(drinks[first.id], lang)))
            if _overlap(first, second):
                parts.append(_say("overlap", lang))
    return " ".join(parts)


def _overlap(one: Found, other: Found) -> bool:
    return None not in (one.low, one.high, other.low, other.high) and one.low <= other.high and other.low <= one.high  # type: ignore[operator]


def _with_figure(one: Found, by: Measure | None, drinks: Mapping[str, Drink], lang: Language) -> str:
    title = _title(drinks[one.id], lang)
    shown = figure(one, by, lang) if by else ""
    return f"{title}({shown})" if shown and lang == "ko" else f"{title} ({shown})" if shown else title


def _span(hours: float, lang: Language) -> str:
    low, _, unit = _time(hours, hours)
    shown = i18n.text(f"listing.unit.{unit}", lang, figure=f"{low:g}")
    return shown.removesuffix("s") if lang == "en" and low == 1 else shown


def _title(drink: Drink, lang: Language) -> str:
    return drink.title_ko if lang == "ko" else drink.title_en


def _bare(label: Bilingual, lang: Language) -> str:
    """A label without its remark in parentheses."""
    return (label.ko if lang == "ko" else label.en).partition(" (")[0].partition("(")[0]


def _joined(names: Sequence[str], lang: Language) -> str:
    if lang == "ko" or len(names) < 2:
        return ", ".join(names)
    return f"{', '.join(names[:-1])} and {names[-1]}"


def _has(key: str) -> bool:
    return f"listing.{key}" in i18n.strings()


def _say(key: str, lang: Language, **values: object) -> str:
    return filled(i18n.text(f"listing.{key}", lang), **values)
