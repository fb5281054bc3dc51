"""Which passages an answer names by their numbers, which were found besides, and which numbers stand for none. Pure.

What a model wrote freely rests on what it names: a source under "Yes, it is." that nothing in the text points to is no evidence for it.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kdrinks.records import Citation, Passage

Span = tuple[int, int]
_NUMBER = re.compile(r"\[(\d{1,2})\]")
_KEPT = ("id", "subject_id", "kind", "lang", "title", "text", "sources")
"""Of a passage, what is kept with an answer, as the store keeps it of a citation."""


@dataclass(frozen=True, slots=True)
class Cited:
    citations: tuple[Citation, ...] = ()
    also_found: tuple[Citation, ...] = ()
    """Passages that a model read and did not name."""
    unknown: tuple[Span, ...] = ()
    """Places in the text of numbers that no passage has."""


def cited(
    text: str, passages: Sequence[Passage], scores: Mapping[str, float], *, quoted: int = 0, own_from: int | None = None
) -> Cited:
    """What an answer rests on, the passages being numbered from 1.

    quoted: how many of them, from the first, stand in the text whatever their numbers. own_from: where the text that a model wrote freely
    begins; None where there is none, and every number was written by us.
    """
    found = list(_NUMBER.finditer(text, own_from or 0))
    named = {int(number[1]) for number in found}
    numbered = [Citation(number, one, scores.get(one.id, 0.0)) for number, one in enumerate(passages, 1)]
    rests = tuple(one for one in numbered if one.number <= quoted or one.number in named)
    if own_from is None:
        return Cited(rests)
    unknown = tuple(number.span() for number in found if not 1 <= int(number[1]) <= len(passages))
    return Cited(rests, tuple(one for one in numbered if one not in rests), unknown)


def kept(found: Iterable[Citation]) -> list[dict[str, Any]]:
    """As JSON keeps them."""
    return [
        {"number": one.number, "score": one.score} | {name: getattr(one.passage, name) for name in _KEPT}
        for one in found
    ]


def of_kept(rows: Iterable[Mapping[str, Any]]) -> tuple[Citation, ...]:
    """What kept() made, back again."""
    found = []
    for row in rows:
        values = {name: row[name] for name in _KEPT} | {"sources": tuple(row["sources"])}
        found.append(Citation(row["number"], Passage(**values), row["score"]))
    return tuple(found)
