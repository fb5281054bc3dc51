"""Which of a drink's details a question asks for: the aspects that its words name, and what each passage holds of its words. Pure."""

import re
import tomllib
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import cache
from typing import NamedTuple, cast

from kdrinks import kinds
from kdrinks.drinks.model import Aspect
from kdrinks.drinks.read import DATA
from kdrinks.kinds import Intent
from kdrinks.records import Passage
from kdrinks.search import intents
from kdrinks.search.entities import masked
from kdrinks.search.query import Query
from kdrinks.store.passages import Candidate

NEAR = 8.0
"""What a cosine of 1 above a drink's least passage is worth in BM25."""

NEAR_OF_KIND = 4.0
"""The same among passages of one kind: the vector knows the kind better than the fact."""

NAMED, BROADLY = 6.0, 3.5
"""Added to a detail of an aspect that the question names: more than one telling word is worth. The second is for an aspect that nearly
every question of its kind names, where it names another one too: `how much sugar`, `how long in total`."""

_BROAD: Mapping[Aspect, frozenset[Aspect]] = {
    "amount": frozenset({"ratio", "yield", "sweetness"}),
    "time": frozenset({"total_time"}),
    "tools": frozenset({"tip", "homemade"}),
}

NOISE = 2.0
"""BM25 that a passage gets for the drink's name alone, by its length."""

SURE = 10.0
"""BM25 from which a reason is the one asked for, though the question names no drink."""

SPEAKS = 3.0
"""BM25 above the drink's least passage from which one speaks of what is asked."""


class Telling(NamedTuple):
    """What a passage of a drink has of a question beyond what all of the drink's passages have."""

    score: float
    """Words, weighed by rarity (0 to 4), and how near its vector is (0 to 8)."""
    words: float
    """The words alone, not cut."""
    of_kind: float
    """What sets it apart from others of its kind: words, nearness and the aspect that the question names."""
    aspect: Aspect | None
    """Of the detail, where the question names it."""
    about: Aspect | None
    """Of the detail."""


_WHY_THE_NAME = re.compile(
    rf"(?:왜|어째서) ?{intents.MASK}(?:이?라고|이?라|이?야|이?에요|예요|인가|인지|이?[죠지]|입니까|이?래)(?:$|\W| [해하부불])"
    rf"|(?:왜|어째서) (?:그런|그) 이름|\bwhy .*\b(?:called|named|the name)\b"
)


@cache
def _cues() -> Mapping[Aspect, re.Pattern[str]]:
    table = tomllib.loads((DATA / "aspect_cues.toml").read_text("utf-8"))
    return {cast(Aspect, aspect): re.compile(pattern) for aspect, pattern in table.items()}


def named(text: str) -> frozenset[Aspect]:
    """The aspects of details that words of a question name."""
    text = intents.normal(text)
    return frozenset(aspect for aspect, pattern in _cues().items() if pattern.search(text))


def implied(query: Query) -> str:
    """What a question asks after without a word for it: `막걸리는 왜 막걸리야?` asks after the name."""
    named = _WHY_THE_NAME.search(intents.normal(masked(query.text, query.mentions, intents.MASK)))
    return {"ko": " 이름", "en": " name called"}[query.lang] if named else ""


def telling(
    passages: Sequence[Passage],
    lexical: Mapping[str, float],
    cosines: Mapping[str, float],
    aspects: Mapping[str, Aspect],
    asked: frozenset[Aspect],
    ingredients: Collection[str],
) -> dict[str, Telling]:
    """By passage id, of one drink's passages; what stands in for another ingredient than the question names is left out.

    lexical, cosines: of all that were found. aspects: what each detail is about. ingredients: search terms of those that are named.
    """
    passages = [one for one in passages if aspects.get(one.id) != "substitute" or _speaks_of(one, ingredients)]
    words, near = _above_least(lexical, passages), _above_least(cosines, passages)
    found = {}
    for one in passages:
        aspect = aspects.get(one.id)
        is_asked = aspect in asked or (aspect == "total_time" and "time" in asked)
        named_aspect = aspect if is_asked else None
        found[one.id] = Telling(
            min(words[one.id], 4.0) + NEAR * near[one.id],
            words[one.id],
            max(words[one.id] - NOISE, 0.0) + NEAR_OF_KIND * near[one.id] + _named(named_aspect, asked),
            named_aspect,
            aspect,
        )
    return found


def meant(
    query: Query, lexical: Mapping[str, float], drinks: Collection[str], named_after: Collection[str]
) -> str | None:
    """The drink whose details answer a question that names none: `유자 없으면 레몬으로 돼?`; None where no drink is meant.

    named_after: those that a word of it is in the name of; another one's reason must hold more of its words.
    """
    if query.intent not in kinds.DETAILED or query.subjects or query.suggests or query.sensitive:
        return None
    found: dict[str, float] = {}
    for name, score in lexical.items():
        subject, kind, *_ = name.split(".")
        surely = subject in named_after or (kind == "why" and score >= SURE)
        if kind == query.intent and subject in drinks and surely:
            found[subject] = max(found.get(subject, 0.0), score)
    return max(sorted(found), key=lambda subject: found[subject]) if found else None


def _named(aspect: Aspect | None, asked: frozenset[Aspect]) -> float:
    if aspect is None:
        return 0.0
    if (
        aspect == "total_time" and aspect not in asked
    ):  # no step's time holds the word: the whole time is nearer than another step's
        return NAMED + 1.0
    return BROADLY if _BROAD.get(aspect, frozenset()) & asked else NAMED


def _speaks_of(passage: Passage, ingredients: Collection[str]) -> bool:
    """Whether a passage names one of the ingredients; their terms are stems."""
    title, text = passage.title.lower(), passage.text.lower()
    own = [term[: max(3, len(term) - 1)] for term in ingredients if term not in title]
    return not own or any(term in text for term in own)


def counted(rows: Iterable[Candidate], intent: Intent) -> Iterable[Candidate]:
    """What was found, without details where none is asked for: a drink of which much is told is no likelier to be meant."""
    return (
        rows
        if intent in kinds.DETAILED
        else (row for row in rows if row.passage_id.split(".")[1] not in kinds.DETAILED)
    )


def _above_least(scores: Mapping[str, float], passages: Sequence[Passage]) -> dict[str, float]:
    found = {passage.id: scores.get(passage.id, 0.0) for passage in passages}
    least = min(found.values(), default=0.0)
    return {passage_id: score - least for passage_id, score in found.items()}
