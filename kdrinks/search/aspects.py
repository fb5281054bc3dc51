"""Which of a drink's details a question asks for: the aspects that it was read as, and what each passage holds of its words. Pure."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

from kdrinks import kinds
from kdrinks.drinks.model import Aspect
from kdrinks.kinds import Intent, Kind
from kdrinks.records import Passage
from kdrinks.search import reading
from kdrinks.search.entities import masked
from kdrinks.search.query import Query
from kdrinks.search.reading import MASK, Reading
from kdrinks.store.passages import Candidate

NEAR = 8.0
"""What a cosine of 1 above a drink's least passage is worth in BM25."""

NEAR_OF_KIND = 4.0
"""The same among passages of one kind: the vector knows the kind better than the fact."""

NAMED = 6.0
"""Added to a detail by how probably its aspect is asked for among those of its kind: more than one telling word is worth."""

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
    """What sets it apart from others of its kind: words, nearness and how probably its aspect is asked for."""
    about: Aspect | None
    """Of the detail."""


def implied(query: Query) -> str:
    """What a question asks after without a word for it: `막걸리는 왜 막걸리야?` asks after the name."""
    twice = masked(query.text, query.mentions, MASK).count(MASK) > len(query.subjects)
    asks_name = query.intent == "why" and (twice or query.reading.share("names") >= 0.1)
    return {"ko": " 이름", "en": " name called"}[query.lang] if asks_name else ""


def telling(
    passages: Sequence[Passage],
    lexical: Mapping[str, float],
    cosines: Mapping[str, float],
    aspects: Mapping[str, Aspect],
    asked: Reading,
    ingredients: Collection[str],
) -> dict[str, Telling]:
    """By passage id, of one drink's passages; what stands in for another ingredient than the question names is left out.

    lexical, cosines: of all that were found. aspects: what each detail is about. ingredients: search terms of those that are named.
    """
    passages = [one for one in passages if aspects.get(one.id) != "substitute" or _speaks_of(one, ingredients)]
    words, near = _above_least(lexical, passages), _above_least(cosines, passages)
    found = {}
    for one in passages:
        about = aspects.get(one.id)
        of_kind = max(words[one.id] - NOISE, 0.0) + NEAR_OF_KIND * near[one.id] + NAMED * _share(about, one.kind, asked)
        found[one.id] = Telling(min(words[one.id], 4.0) + NEAR * near[one.id], words[one.id], of_kind, about)
    return found


def _share(aspect: Aspect | None, kind: Kind, asked: Reading) -> float:
    """How probably a question asks for the aspect, among those of its kind."""
    shares = {ask: asked.share(ask) for ask in reading.ASKS if ask in kinds.row(kind).aspects}
    own = sum(share for ask, share in shares.items() if ask == aspect)
    return own / (sum(shares.values()) + 0.01)


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
