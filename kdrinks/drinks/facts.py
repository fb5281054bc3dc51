"""What a drink's record says, one row for each thing and figure. Pure.

Passages are made from these rows (drinks.passages), and the store holds them, so that questions over many drinks are queries.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from kdrinks.drinks.ingredients import parts_of
from kdrinks.drinks.model import Bilingual, BilingualList, Detail, Drink
from kdrinks.drinks.model import Fact as Told
from kdrinks.drinks.read import fields_of
from kdrinks.store.facts import Fact

_TEXTS = tuple(name for name in fields_of(Bilingual) if name not in ("alcohol", "caffeine", "safety"))
_LISTS = fields_of(BilingualList)
_TAGS = (
    "season",
    "temperature",
    "occasion",
    "weather",
    "mood",
    "region",
    "kind",
    "diet",
    "taste",
    "look",
    "base",
    "kitchen",
)


def facts_of(drink: Drink) -> list[Fact]:
    """Every fact of a drink, in the order of its record.

    aspect: the field's name, `tag` (what: the group, code: the tag), `alias`, `similar` (code: the drink's id), `history` and `heritage`
    with their sentences, `made_of` (what: the part's role, code: an id of data/ingredients.toml; rows of one number stand for one
    another), `abv` in percent, `safety_text` (the field safety), `safety` (a detail; what: the group, code: the level), or another of
    model.Aspect. Numbers of `caffeine` go on from the record's own sentence to the details.
    """
    return list(_facts_of(drink))


def _facts_of(drink: Drink) -> Iterator[Fact]:
    own = Fact(drink.id, "", sources=drink.sources, confidence=drink.confidence)
    yield replace(own, aspect="name", ko=drink.name_ko, en=drink.name_en)
    yield replace(own, aspect="title", ko=drink.title_ko, en=drink.title_en)
    if drink.hanja:
        yield replace(own, aspect="hanja", ko=drink.hanja, en=drink.hanja)
    yield from (replace(own, aspect="alias", number=n, ko=name, en=name) for n, name in enumerate(drink.aliases, 1))
    for name in _TEXTS:
        text: Bilingual = getattr(drink, name)
        if text.ko or text.en:
            yield replace(own, aspect=name, ko=text.ko, en=text.en)
    for name in _LISTS:
        items = getattr(drink, name)
        for number, (ko, en) in enumerate(zip(items.ko, items.en, strict=True), 1):
            yield replace(own, aspect=name, number=number, ko=ko, en=en)
    for number, part in enumerate(parts_of(drink), 1):
        yield from (
            replace(own, aspect="made_of", number=number, what=part.role, code=code) for code in part.codes or ("",)
        )
    abv = drink.abv_percent
    yield Fact(
        drink.id,
        "abv",
        code=drink.tags.alcohol,
        value=abv.min if abv else None,
        value_max=abv.max if abv else None,
        unit="%",
        ko=drink.alcohol.ko,
        en=drink.alcohol.en,
        sources=drink.sources,
        confidence=abv.confidence if abv else "medium",
    )
    yield replace(own, aspect="caffeine", code=drink.tags.caffeine, ko=drink.caffeine.ko, en=drink.caffeine.en)
    if drink.safety.ko or drink.safety.en:
        yield replace(own, aspect="safety_text", ko=drink.safety.ko, en=drink.safety.en)
    yield from _sentences(drink.id, "history", drink.facts)
    yield from _sentences(drink.id, "heritage", drink.heritage)
    yield from (Fact(drink.id, "old_text", number, ko=text) for number, text in enumerate(drink.old_texts, 1))
    yield from (replace(own, aspect="similar", number=n, code=other) for n, other in enumerate(drink.similar, 1))
    for group in _TAGS:
        for number, tag in enumerate(getattr(drink.tags, group), 1):
            yield Fact(drink.id, "tag", number, what=group, code=tag)
    yield from facts_of_details(drink.id, drink.details)


def _sentences(drink_id: str, aspect: str, told: Iterable[Told]) -> Iterator[Fact]:
    for number, one in enumerate(told, 1):
        yield Fact(drink_id, aspect, number, ko=one.ko, en=one.en, sources=one.sources, confidence=one.confidence)


def facts_of_details(subject_id: str, details: Sequence[Detail]) -> Iterator[Fact]:
    """Of a drink or a topic: a row for each figure; a detail without one has one row."""
    numbers = {"caffeine": 1}
    for detail in details:
        number = numbers[detail.aspect] = numbers.get(detail.aspect, 0) + 1
        for figure in detail.figures or (None,):
            yield Fact(
                subject_id,
                detail.aspect,
                number,
                what=figure.what if figure else detail.group,
                value=figure.min if figure else None,
                value_max=figure.max if figure else None,
                unit=figure.unit if figure else "",
                code=detail.level,
                ko=detail.ko,
                en=detail.en,
                sources=detail.sources,
                confidence=detail.confidence,
                asked_ko=detail.question.ko,
                asked_en=detail.question.en,
            )
