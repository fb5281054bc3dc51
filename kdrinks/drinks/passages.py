"""Passages: what the drinks, topics and false beliefs say, one passage per kind of fact and language.

Pure: records of the data files in (the shape of data/*.jsonl), passages out. Knows nothing of search or of the store.
The texts are the training format of the built-in model (generation/templates.py says them) and they are what an answer
quotes, so each one stands alone beside its title.
"""

from collections.abc import Callable, Iterable, Mapping
from difflib import SequenceMatcher
from typing import Any

from kdrinks import kinds
from kdrinks.kinds import Field, Kind, Row
from kdrinks.records import Language, Passage
from kdrinks.text.korean import has_hangul

Record = Mapping[str, Any]


def label(field: str, lang: Language) -> str:
    """The word that stands before a field inside a passage."""
    return kinds.FIELDS[field].label.of(lang)


def all_passages(
    drinks: Iterable[Record],
    topics: Iterable[Record],
    beliefs: Iterable[Record],
    languages: Iterable[Language] = ("ko", "en"),
) -> list[Passage]:
    """Every passage of the knowledge base, drinks first, in the order of the data."""
    drinks = list(drinks)
    titles = {lang: {drink["id"]: drink[f"title_{lang}"] for drink in drinks} for lang in languages}
    found: list[Passage] = []
    for lang in languages:
        for drink in drinks:
            found += passages_of_drink(drink, lang, titles[lang])
        for topic in topics:
            found += [passage_of_topic(topic, lang), *_of_details(topic, "why", lang, topic["title"][lang])]
        found += [passage_of_belief(belief, lang) for belief in beliefs]
    return found


def passages_of_drink(drink: Record, lang: Language, titles: Mapping[str, str] | None = None) -> list[Passage]:
    """The passages of one drink; a kind that the record holds nothing for is left out.

    titles: short names by drink id, for the kind "similar"; without it that kind is left out.
    """
    title = drink[f"title_{lang}"]
    sources = tuple(drink.get("sources") or ())

    def passage(kind: Kind, text: str, number: int | None = None, said_by: tuple[str, ...] = sources) -> Passage:
        mark = f".{number}" if number is not None else ""
        return Passage(f"{drink['id']}.{kind}{mark}.{lang}", drink["id"], kind, lang, title, text, said_by)

    found = []
    for kind in kinds.OF_DRINKS:
        row = kinds.TABLE[kind]
        if row.told == "facts":
            facts = enumerate(drink.get(row.fields[0].name) or (), 1)
            found += [
                passage(kind, _stopped(fact[lang]), number, tuple(fact.get("sources") or ())) for number, fact in facts
            ]
        elif row.told == "details":
            found += _of_details(drink, kind, lang, title)
        elif text := _similar(drink, lang, titles) if kind == "similar" else _text(kind, row, drink, lang):
            found.append(passage(kind, text))
    return found


def _text(kind: Kind, row: Row, drink: Record, lang: Language) -> str:
    """What the record says of a kind that is told in one passage; empty where it says nothing."""
    if row.told == "own":
        return _OWN[kind](drink, lang)
    if row.told == "sentences":
        return _value(drink, row.fields[0].name, lang) or ""
    return _phrases(drink, lang, row.fields)


def _of_details(record: Record, kind: Kind, lang: Language, title: str) -> list[Passage]:
    """A passage for each detail of the kind's aspects, with the detail's own sources."""
    told = [detail for detail in record.get("details") or () if detail["aspect"] in kinds.TABLE[kind].aspects]
    return [
        Passage(
            f"{record['id']}.{kind}.{number}.{lang}",
            record["id"],
            kind,
            lang,
            title,
            _stopped(detail[lang]),
            tuple(detail.get("sources") or ()),
        )
        for number, detail in enumerate(told, 1)
    ]


def passage_of_topic(topic: Record, lang: Language) -> Passage:
    return Passage(
        f"{topic['id']}.topic.{lang}",
        topic["id"],
        "topic",
        lang,
        topic["title"][lang],
        topic[lang],
        tuple(topic["sources"]),
    )


def passage_of_belief(belief: Record, lang: Language) -> Passage:
    """The belief as people hold it, and then what is so."""
    claim, correction = belief["belief"][lang], belief["correction"][lang]
    text = (
        f"'{claim}'라는 말은 사실과 다릅니다. {correction}"
        if lang == "ko"
        else f'It is not true that "{claim}". {correction}'
    )
    return Passage(f"{belief['id']}.belief.{lang}", belief["id"], "belief", lang, claim, text, tuple(belief["sources"]))


def _is_spelling(alias: str, title: str) -> bool:
    """Whether an alias is the title written another way: shikhye finds sikhye, but nobody wants it as a name.

    Hangul counts only when it is the same; a Latin letter or two of difference is a romanization (0.7 parts all 105 drinks'
    spellings from their names).
    """
    one, other = (text.lower().replace("-", "").replace(" ", "") for text in (alias, title))
    return one == other if has_hangul(alias) else SequenceMatcher(None, one, other).ratio() > 0.7


def _value(drink: Record, field: str, lang: Language) -> Any:
    return (drink.get(field) or {}).get(lang)


def _names(drink: Record, lang: Language) -> str:
    """Aliases of the language, then how the name is written in the other script."""
    hangul = [alias for alias in drink.get("aliases") or () if has_hangul(alias)]
    latin = [alias for alias in drink.get("aliases") or () if not has_hangul(alias)]
    own = [alias for alias in (hangul if lang == "ko" else latin) if not _is_spelling(alias, drink[f"title_{lang}"])]
    pieces = [f"{label('names', lang)}: {', '.join(own)}."] if own else []
    if lang == "ko":
        pieces += [f"한자: {drink['hanja']}."] if drink.get("hanja") else []
        pieces.append(f"로마자: {drink['title_en']}.")
    else:
        hanja = f" ({drink['hanja']})" if drink.get("hanja") else ""
        pieces.append(f"Korean: {drink['title_ko']}{hanja}.")
    return " ".join(pieces)


def _ingredients(drink: Record, lang: Language) -> str:
    items = _value(drink, "ingredients", lang)
    return f"{label('ingredients', lang)}: {', '.join(items)}" if items else ""


def _making(drink: Record, lang: Language) -> str:
    steps = _value(drink, "steps", lang)
    numbered = " ".join(f"{number}. {_stopped(step)}" for number, step in enumerate(steps or (), 1))
    return f"{label('making', lang)}: {numbered}" if numbered else ""


def _similar(drink: Record, lang: Language, titles: Mapping[str, str] | None) -> str:
    similar = [titles[other] for other in drink.get("similar") or () if other in titles] if titles else []
    return f"{label('similar', lang)}: {', '.join(similar)}." if similar else ""


_OWN: Mapping[str, Callable[[Record, Language], str]] = {
    "names": _names,
    "ingredients": _ingredients,
    "making": _making,
}
"""Kinds that are told in a way of their own."""


def _phrases(drink: Record, lang: Language, fields: Iterable[Field]) -> str:
    """`Label: value.` for each field that the record fills, in one line."""
    lines = []
    for field in fields:
        value = _value(drink, field.name, lang)
        if value:
            lines.append(f"{field.label.of(lang)}: {', '.join(value) if isinstance(value, list) else value}.")
    return " ".join(lines)


def _stopped(sentence: str) -> str:
    return sentence if sentence.endswith((".", "!", "?", "。")) else sentence + "."
