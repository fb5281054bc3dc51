"""Words and small marks of a drink that the cards, its page and the form share."""

from functools import cache

from kdrinks import kinds
from kdrinks.config import ROOT
from kdrinks.drinks import browse, form
from kdrinks.drinks.model import Drink, Tag
from kdrinks.drinks.read import load_tags
from kdrinks.ui.frame import lang, t

DRINKS_PAGE = ROOT / "pages" / "drinks.py"
"""For links that change its address."""


@cache
def tags() -> dict[tuple[str, str], Tag]:
    return {(tag.group, tag.id): tag for tag in load_tags()}


def options(group: str) -> list[str]:
    """The ids of a closed list, in its order."""
    return [tag_id for own, tag_id in tags() if own == group]


def label(group: str, tag_id: str) -> str:
    """A tag in the reader's language."""
    tag = tags().get((group, tag_id))
    if tag is None:
        return tag_id
    return tag.label.ko if lang() == "ko" else tag.label.en


def short(group: str, tag_id: str) -> str:
    """The label without its remark in parentheses."""
    return label(group, tag_id).partition(" (")[0].partition("(")[0]


def field(name: str) -> str:
    """What the pages call a field of a drink that a passage tells."""
    one = kinds.FIELDS[name]
    return (one.shown or one.label).of(lang())


def named(name: str) -> str:
    """What a field of a record is called; _ko and _en are said by a mark behind it where the field stands in both languages."""
    if name.startswith("tags."):
        return t(f"drinks.tags.{name.removeprefix('tags.')}")
    own, _, language = name.rpartition("_")
    if language in ("ko", "en") and own != "name":
        return f"{named(own)} ({t(f'drinks.in_{language}')})"
    told = name in kinds.FIELDS and name in (*form.TEXTS, *form.LISTS)
    return field(name) if told else t(f"drinks.fields.{name}")


def making_time(drink: Drink) -> str:
    """`만드는 데 5–8시간`; empty where it is not known or depends on the way."""
    figures = browse.making_times(drink)
    if len(figures) != 1 or not figures[0].max:
        return ""
    low, high = figures[0].min, figures[0].max
    figure = f"{low:g}" if low == high else f"{low:g}–{high:g}"
    return t("drinks.takes", time=t(f"drinks.times_of.{figures[0].unit}", figure=figure))


def title(drink: Drink) -> str:
    """The short name in the reader's language."""
    return drink.title_ko if lang() == "ko" else drink.title_en


def strength(drink: Drink) -> str:
    """`알코올 없음`, `알코올 6–8%`; without a figure where none is known."""
    if not drink.is_alcoholic:
        return t("drinks.soft" if drink.alcohol_free else "drinks.may_contain_alcohol")
    if drink.abv_percent is None or drink.abv_percent.max <= 0:
        return t("drinks.liquor")
    low, high = drink.abv_percent.min, drink.abv_percent.max
    figure = f"{low:g}%" if low == high else f"{low:g}–{high:g}%"
    return t("drinks.abv", figure=figure)


def badges(drink: Drink) -> list[str]:
    """Small coloured marks in Markdown: alcohol, caffeine, season."""
    colour = "green" if drink.alcohol_free else "orange"
    marks = [f":{colour}-badge[{strength(drink)}]"]
    if drink.tags.caffeine == "yes":
        marks.append(f":violet-badge[{t('drinks.caffeine')}]")
    marks += [f":gray-badge[{short('season', season)}]" for season in drink.tags.season if season != "all"]
    if "all" in drink.tags.season and len(drink.tags.season) == 1:
        marks.append(f":gray-badge[{short('season', 'all')}]")
    return marks
