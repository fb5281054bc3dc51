"""What a question says that nothing took up: a list that leaves a condition aside would be wrong and look whole. Pure."""

import re
from collections.abc import Iterable, Sequence
from functools import cache

from kdrinks.drinks.ingredients import named
from kdrinks.drinks.read import load_tags
from kdrinks.records import Language
from kdrinks.search import operation_words
from kdrinks.text import english

_ASIDE = ("safety", "not_drinks", "foreign", "again", "one_drink")
"""Words of the table that answer no condition."""


def left(text: str, lang: Language, terms: Iterable[str], foods: Sequence[str] = ()) -> list[str]:
    """The words that no pattern, tag, ingredient or figure has taken up; terms: the question's, as TextAnalyzer.search_terms."""
    taken = [match.span() for pattern in _patterns(lang) for match in pattern.finditer(text)]
    taken += [(start, end) for start, end, _ in named(text, lang)]
    taken += [match.span() for match in operation_words.figures(text, lang)]
    taken += [match.span() for food in foods for match in re.finditer(re.escape(food), text)]
    fillers = _fillers(lang)
    if lang == "en":
        return [
            match[0]
            for match in re.finditer(r"[a-z]+(?:'[a-z]+)?", text)
            if not _inside(match.span(), taken)
            and match[0].removesuffix("'s") not in fillers
            and not english.is_stop_word(match[0])
        ]
    found = []
    for term in dict.fromkeys(terms):
        if term in fillers or re.fullmatch(r"[\d.]+", term):
            continue
        stem = term[:-1] if term.endswith("다") and len(term) > 1 else term
        while stem and stem not in text:  # 파랗다 is 파란 there
            stem = stem[:-1]
        places = [match.span() for match in re.finditer(re.escape(stem), text)] if stem else []
        if places and not any(_inside(place, taken) for place in places):
            found.append(term)
    return found


def _inside(place: tuple[int, int], taken: Sequence[tuple[int, int]]) -> bool:
    return any(start <= place[0] < end or start < place[1] <= end for start, end in taken)


@cache
def _fillers(lang: Language) -> frozenset[str]:
    return frozenset(operation_words.table()["fillers"][lang].split())


@cache
def _patterns(lang: Language) -> tuple[re.Pattern[str], ...]:
    table = operation_words.table()
    found = [
        text
        for name, text in table["words"].items()
        if name.endswith(f"_{lang}") and name.removesuffix(f"_{lang}") not in _ASIDE
    ]
    found += [text for words in table["measure"].values() for way, text in words.items() if way.endswith(f"_{lang}")]
    found += [words[lang] for words in table["unknown"].values()]
    found += [period["words"] for period in table["periods"].values()]
    tags = [word.lower() for tag in load_tags() for word in (tag.asked_by.ko if lang == "ko" else tag.asked_by.en)]
    listed = "|".join(re.escape(word) for word in sorted(tags, key=len, reverse=True))
    found.append(listed if lang == "ko" else rf"\b(?:{listed})(?:s|es)?\b")
    return tuple(re.compile(pattern) for pattern in found)
