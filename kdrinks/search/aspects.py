"""Which of a drink's details a question asks for: the aspects that it was read as, and what each passage holds of its words. Pure."""

from collections.abc import Collection, Iterable

from kdrinks import kinds
from kdrinks.kinds import Intent
from kdrinks.records import Passage
from kdrinks.search.entities import masked
from kdrinks.search.query import Query
from kdrinks.search.reading import MASK
from kdrinks.store.passages import Candidate


def implied(query: Query) -> str:
    """What a question asks after without a word for it: `막걸리는 왜 막걸리야?` asks after the name."""
    twice = masked(query.text, query.mentions, MASK).count(MASK) > len(query.subjects)
    asks_name = query.intent == "why" and (twice or query.reading.share("names") >= 0.1)
    return {"ko": " 이름", "en": " name called"}[query.lang] if asks_name else ""


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
