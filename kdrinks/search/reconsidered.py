"""A question understood once more, with what the passages say to it: whether it goes on from a drink, and whether it asks if somebody may.

How a question is worded says little of either: `냉동해도 되나요?` after a drink is of that drink, and of its keeping, and of nobody's health.
A passage that surely says what is asked tells both.
"""

import re
from dataclasses import replace

from kdrinks.search import concerns, selection
from kdrinks.search.evidence import says_nothing
from kdrinks.search.index import Index
from kdrinks.search.query import DECLINED, OPERATIONS, READ_FROM, Query
from kdrinks.store import passages as store

SURELY = 0.5
"""Probability of a passage of the drink that was spoken of from which a question that names none is about it."""

POINTS, SURELY_POINTED = (
    re.compile(r"\b(?:it|its|it's|that one)\b|(?<![가-힣])(?:그|이)(?:거|건|게|걸|것)", re.IGNORECASE),
    0.25,
)
"""The same where a word of the question stands for something: `you said it's distilled, my host family says brewed`."""

OF_MAKING = frozenset(("storage", "substitution", "tools", "times", "amounts", "making"))
"""Kinds that say nothing of whom a drink is for."""

SURELY_OF_IT = 0.7


def reconsidered(index: Index, query: Query) -> Query:
    """The query with the drink that it goes on from, and without a may-I that is none."""
    spoken_of = next((said.drinks for said in reversed(query.spoken) if said.drinks), ())
    asks_a_fact = not (query.subjects or query.rejected or query.suggests or query.care or query.intent in DECLINED)
    if asks_a_fact and len(spoken_of) == 1 and query.reading.share(*OPERATIONS) < READ_FROM:
        selected = _selected(index, query, spoken_of[0])
        (first, probability), *_ = selected.passages
        least = SURELY_POINTED if POINTS.search(query.said) else SURELY
        if first.subject_id == spoken_of[0] and probability >= least and not says_nothing(selected, query):
            query = replace(query, subjects=spoken_of, followed=True, before=())
    stated = any(said.care for said in query.spoken)
    drinks = concerns.cued("taking", query.text.lower())
    if query.may and len(query.subjects) == 1 and not (query.care or stated or drinks):
        (first, probability), *_ = _selected(index, query, query.subjects[0]).passages
        if first.kind in OF_MAKING and probability >= SURELY_OF_IT:
            query = replace(query, may=False)
    return query


def _selected(index: Index, query: Query, drink: str) -> selection.Selected:
    own = store.of_subjects(index.db, [drink], lang=query.lang)
    general = (*index.beliefs[query.lang].get(drink, ()), *index.topics[query.lang])
    return selection.select(query.said, query.asks, [*own, *general], index.aspects)
