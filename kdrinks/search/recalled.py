"""Which drink or topic is meant by a question that names none: by the one passage, of all, that says what is asked.

`How many times can I steep the same chrysanthemum blossoms?` sounds like a wish to whoever looks for names. Every passage is weighed by
the learned score of selection.py and by the words that its drink's passages share with the question.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from kdrinks.kinds import Intent
from kdrinks.records import Passage
from kdrinks.search import reading, selection
from kdrinks.search.query import DECLINED, OFFERS, SENSITIVE_INTENTS, Query

OF_WORDS = 0.4
"""What the BM25 of a drink's best passage counts beside the learned score (both in nats): of 102 questions that name no drink the right
passage is first in 0.33 without it, 0.57 with it."""


@dataclass(frozen=True, slots=True)
class Keys:
    """All passages of drinks and topics in one language."""

    subjects: tuple[str, ...]
    points: NDArray[np.float32]
    """passages x size, as selection.Model.key has them."""


def keys_of(passages: Sequence[Passage]) -> Keys:
    points = [selection.key(one) for one in passages]
    return Keys(tuple(one.subject_id for one in passages), np.array(points, dtype=np.float32))


def subject(query: Query, keys: Keys, lexical: Mapping[str, float]) -> str:
    """The drink or topic that the question is about, though it names none; empty where nothing says so surely.

    lexical: BM25 by passage id.
    """
    shares = weighed(query, keys, lexical)
    likeliest = max(sorted(shares), key=lambda one: shares[one], default="")
    of_a_fact = 1 - query.reading.share(*OFFERS)
    return likeliest if likeliest and shares[likeliest] * of_a_fact >= SURELY else ""


SURELY = 0.3
"""Of the 98 of those questions that are looked at 53 are taken for one drink, 41 of them rightly; of 136 wishes 8, 4 of which it suits, of 391
requests for lists 3. At 0.4: 47 and 38, 4 and 2, none."""

DECLINED_FROM = 0.5
"""Probability of what is none of ours from which nothing is looked for."""


def about(query: Query, subject_id: str, *, is_drink: bool) -> Query:
    """The query as one about it: a fact is asked, whatever it sounds like."""
    if not is_drink:
        return replace(query, suggests=False, intent="topic")
    other = DECLINED | SENSITIVE_INTENTS | {"recommend", "identity", "compare"}
    intent: Intent = next((one for one in query.probabilities if one not in other), "history")
    return replace(query, subjects=(subject_id,), suggests=False, intent=intent)


def weighed(query: Query, keys: Keys, lexical: Mapping[str, float]) -> dict[str, float]:
    """The probability of each drink and topic that a passage of it says what is asked; what is left is that of none."""
    of_words: dict[str, float] = {}
    for name, score in lexical.items():
        subject = name.partition(".")[0]
        of_words[subject] = max(of_words.get(subject, 0.0), score)
    scores, none = selection.scores(query.said, query.asks, keys.points)
    told = scores + OF_WORDS * np.array([of_words.get(one, 0.0) for one in keys.subjects], dtype=np.float32)
    least = none + OF_WORDS * max(of_words.values(), default=0.0)
    shares = reading.softmax(np.append(told, least).astype(np.float32))[:-1]
    found: dict[str, float] = {}
    for subject, share in zip(keys.subjects, shares.tolist(), strict=True):
        found[subject] = found.get(subject, 0.0) + share
    return found
