"""Which of a drink's details a question asks for: the aspects that it was read as, and what each passage holds of its words. Pure."""

from collections.abc import Collection, Iterable, Mapping

from kdrinks import kinds
from kdrinks.kinds import Intent
from kdrinks.records import Passage
from kdrinks.search.entities import masked
from kdrinks.search.query import Query
from kdrinks.search.reading import MASK
from kdrinks.store.passages import Candidate

SURE = 10.0
"""BM25 from which a reason is the one asked for, though the question names no drink."""


def implied(query: Query) -> str:
    """What a question asks after without a word for it: `막걸리는 왜 막걸리야?` asks after the name."""
    twice = masked(query.text, query.mentions, MASK).count(MASK) > len(query.subjects)
    asks_name = query.intent == "why" and (twice or query.reading.share("names") >= 0.1)
    return {"ko": " 이름", "en": " name called"}[query.lang] if asks_name else ""


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


def stands_in(passage: Passage, ingredients: Collection[str]) -> bool:
    """Whether a passage says what goes in instead of one of the ingredients that are named (their terms are stems), or of anything at all."""
    if passage.kind != "substitution":
        return True
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
