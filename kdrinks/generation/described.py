"""In words, what drinks are asked for: `제주의 술`, `caffeine-free teas without nuts`; and the pieces that answers over many drinks share. Pure."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from kdrinks import i18n
from kdrinks.drinks.ingredients import ingredients, root_of
from kdrinks.drinks.model import Bilingual, Drink
from kdrinks.records import Language
from kdrinks.store.drink_queries import DrinkQuery
from kdrinks.text.korean import filled

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
    by_taste: tuple[str, ...] = ()
    """What two drinks are set beside each other by: tags of the group taste, sweet and spicy of mood; taste is all of them."""


def described(asked: DrinkQuery, labels: Labels, lang: Language, told: Told) -> str:
    """`제주의 술`, `caffeine-free teas without nuts`: what the drinks are, in words."""
    before: list[str] = []
    behind: list[str] = []

    def put(key: str, **values: object) -> None:
        said = say(key, lang, **values)
        (behind if said.startswith(" ") else before).append(said)

    def named(group: str, tags: Sequence[str]) -> str:
        return joined([bare(labels(group, tag), lang) for tag in tags], lang)

    if told.region_of:
        put("others", title=title(told.region_of, lang))
    tags = {group: sorted(own) for group, own in asked.tags.items()}
    if region := tags.get("region"):
        put("nationwide") if region == ["nationwide"] else put("region", labels=named("region", region))
    if season := tags.get("season"):
        put("all_year") if season == ["all"] else put("season", labels=named("season", season))
    for group in ("occasion", "weather"):
        if own := tags.get(group):
            put(group, labels=named(group, own))
    for group in ("taste", "look", "base", "kitchen"):
        if own := tags.get(group):
            put(group, labels=named(group, own))
    if asked.foods:
        put("pairing", labels=joined(told.foods or asked.foods, lang))
    if asked.within_hours is not None:
        put("within", time=span(asked.within_hours, lang))
    if asked.heritage:
        put(f"heritage_{asked.heritage}")
    if asked.homemade in ("yes", "no"):
        put("homemade" if asked.homemade == "yes" else "maker_only")
    _put_years(asked, put)
    _put_strengths(asked, put)
    # what is asked for by a wider tag (nuts, where pine nuts are named) is called by it
    held = [
        ingredient_name(root_of(codes), lang)
        if codes and tag == ingredients()[root_of(codes)].tag
        else bare(labels("diet", tag), lang)
        for codes, tag in asked.holds
    ]
    if held:
        put("holds", labels=joined(held, lang))
    lacking = [
        bare(labels(group, tag), lang)
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
        put("lacks", labels=joined(lacking, lang))
    if asked.caffeine:
        put(f"caffeine_{asked.caffeine}")
    for suit in tags.get("diet", ()):
        put(suit if suit in ("vegan", "sugar_free") else "holds", labels=bare(labels("diet", suit), lang))
    for mood in tags.get("mood", ()):
        put(f"mood.{mood}")
    for temperature in tags.get("temperature", ()):
        put(temperature)
    kinds = tags.get("kind", ())
    if kinds:
        noun = joined(
            [say(f"kind.{kind}", lang) if has(f"kind.{kind}") else bare(labels("kind", kind), lang) for kind in kinds],
            lang,
        )
    else:
        noun = say(
            "noun.liquor" if asked.strengths and asked.strengths <= {"low", "medium", "high"} else "noun.drink", lang
        )
    if told.of_those:
        noun = say("noun.of_those", lang, noun=noun)
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


def in_time(low_h: float, high_h: float) -> tuple[float, float, str]:
    if high_h >= 48:
        return round(low_h / 24, 1), round(high_h / 24, 1), "days"
    if high_h <= 1:
        return round(low_h * 60), round(high_h * 60), "minutes"
    return round(low_h, 1), round(high_h, 1), "hours"


def span(hours: float, lang: Language) -> str:
    low, _, unit = in_time(hours, hours)
    shown = i18n.text(f"listing.unit.{unit}", lang, figure=f"{low:g}")
    return shown.removesuffix("s") if lang == "en" and low == 1 else shown


def title(drink: Drink, lang: Language) -> str:
    return drink.title_ko if lang == "ko" else drink.title_en


def bare(label: Bilingual, lang: Language) -> str:
    """A label without its remark in parentheses."""
    return (label.ko if lang == "ko" else label.en).partition(" (")[0].partition("(")[0]


def joined(names: Sequence[str], lang: Language) -> str:
    if lang == "ko" or len(names) < 2:
        return ", ".join(names)
    return f"{', '.join(names[:-1])} and {names[-1]}"


def has(key: str) -> bool:
    return f"listing.{key}" in i18n.strings()


def say(key: str, lang: Language, **values: object) -> str:
    return filled(i18n.text(f"listing.{key}", lang), **values)
