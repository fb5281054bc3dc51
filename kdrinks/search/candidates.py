"""What a search weighed for a question, kept so that people can see why one text was taken and another was not. Pure."""

import itertools
from collections.abc import Iterable, Sequence

from kdrinks.findings import Candidate
from kdrinks.kinds import Intent
from kdrinks.records import Passage
from kdrinks.search.query import Query
from kdrinks.store import passages as store

KEPT = 20
"""Subjects that are kept, of about 150: what comes behind has under a tenth of the score of what was taken."""

INTENTS = 5
"""Intents that are kept, of 40."""


def candidates(
    ranked: Sequence[tuple[str, float]], chosen: Sequence[Passage], rows: Iterable[store.Candidate]
) -> tuple[Candidate, ...]:
    """The first KEPT of them.

    ranked: (subject id, score), best first.   chosen: for the answer, best first.
    rows: what words and vector found; a subject of which nothing was chosen is shown by its best passage.
    """
    taken: dict[str, str] = {}
    for passage in chosen:
        taken.setdefault(passage.subject_id, passage.id)
    kept = {subject for subject, _ in ranked[:KEPT]}
    best: dict[str, store.Candidate] = {}
    for row in rows:
        if row.subject_id in kept:
            own, before = taken.get(row.subject_id), best.get(row.subject_id)
            if row.passage_id == own or (own is None and (before is None or _found(row) > _found(before))):
                best[row.subject_id] = row
    result = []
    for subject, score in ranked[:KEPT]:
        row_of = best.get(subject)
        passage_id = taken.get(subject) or (row_of.passage_id if row_of else "")
        kind = passage_id.split(".")[1] if passage_id else ""
        found = (row_of.lexical, row_of.cosine) if row_of else (None, None)
        result.append(Candidate(passage_id, subject, kind, round(score, 3), *found))
    return tuple(result)


def likely(query: Query) -> tuple[tuple[Intent, float], ...]:
    """The first INTENTS of what the question's wording was taken to ask for, with their probabilities."""
    return tuple(itertools.islice(query.probabilities.items(), INTENTS))


def _found(row: store.Candidate) -> tuple[float, float]:
    return row.lexical or 0.0, row.cosine or 0.0
