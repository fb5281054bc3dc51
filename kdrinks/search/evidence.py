"""Which passages an answer rests on, of those that were weighed: the one that is asked for, a second one where two are. Pure."""

import re
from collections.abc import Collection, Iterable, Mapping

from kdrinks import kinds
from kdrinks.drinks.ingredients import named
from kdrinks.drinks.model import Aspect
from kdrinks.kinds import Intent, Kind
from kdrinks.records import Passage
from kdrinks.search import aspects, operation_words, reading
from kdrinks.search.entities import masked
from kdrinks.search.query import INTENT_OF, Query
from kdrinks.search.reading import MASK
from kdrinks.search.selection import Selected, select

MOST = 3
"""The built-in model reads at most three passages."""

TWO = 0.35
"""Probability from which a question is taken to ask two things: 23 of 39 reach 0.5, at 9 false ones of 481."""

OF_TWO = 0.1
"""Probability that a second one must have where two things are asked. Shown for its own probability it would belong there in 3 of 10."""

NEAR = 0.15
"""Probability from which a topic is nearer than what is told of the drink."""

GENERAL = frozenset(("history", "heritage"))
STANDS_OUT = 0.5
"""Probability below which no fact of these kinds stands out: the question is general, and two are told."""

NOTHING, LEAST = 0.05, 0.2
"""Probability of none from which, and of the likeliest passage below which, the notes do not say what is asked: the likeliest is told as the
nearest. Of 282 questions that nobody had learned from (tests/data/answer_selection.jsonl) 4 are wrongly taken so, of 68 without an answer 39."""

PLAINLY, NOTHING_OF_ASKED = 0.5, 0.4
"""The same where the likeliest passage is of what the question was read as with this probability: `식혜는 어디서 왔어?` is short and plain."""


OF_HEALTH: tuple[Intent, ...] = ("allergy", "infant", "pregnancy", "driving", "health", "diet", "has_ingredient")
MINDS = 0.2
"""Probability of these from which a drink's own cautions may answer: `no allergies here, what's in it` asks for none."""


def weighed(query: Query, passages: Iterable[Passage], ingredients: Collection[str]) -> list[Passage]:
    """Those that may say what is asked.

    ingredients: search terms of those that the question names.
    """
    minds = query.sensitive or query.may or sum(query.probabilities.get(one, 0.0) for one in OF_HEALTH) >= MINDS
    return [
        one
        for one in passages
        if aspects.stands_in(one, ingredients)
        and (query.intent != "pronunciation" or one.kind in ("pronunciation", "topic"))
        and (one.kind == "cautions" if query.intent == "cautions" else minds or one.kind != "cautions")
    ]


_BETWEEN = re.compile(
    r"[?,.;]+|\b(?:and|also|or)\b|그리고|또(?= )|(?<=[가-힣])(?:이?랑|하고|와|과|고|며|는데)(?= )", re.IGNORECASE
)
"""Where one question ends and another begins."""
SURE_OF_A_PART = 0.4
"""Probability from which the passage of a piece is told. Pieces of what was not read as two questions are not looked at: of 282 questions for
one fact five lost theirs, and one was found."""


def parts(said: str) -> list[str]:
    """The pieces of a question that asks two things; each is read for itself."""
    return [part for part in (piece.strip() for piece in _BETWEEN.split(said)) if len(part.replace(MASK, "")) > 1]


def resting(selected: Selected, query: Query, about: Mapping[str, Aspect]) -> list[Passage]:
    """The passages that answer, best first: one, or two where two things are asked.

    about: what each detail is about, by passage id.
    """
    if not selected.passages:
        return []
    (first, probability), *others = selected.passages
    if says_nothing(selected, query):
        own = [one for one, _ in selected.passages if one.subject_id in query.subjects]
        return [own[0] if own and probability < NEAR else first]  # what is general is seldom near
    of_another = next((one for one, _ in others if one.subject_id != first.subject_id and one.kind == first.kind), None)
    if len(query.subjects) > 1 and of_another and of_another.subject_id in query.subjects:
        return [first, of_another]  # `막걸리랑 동동주 도수`: the same of both
    if first.kind == "storage":  # a week without persimmons is wrong without two days with them
        aspect = about.get(first.id)
        others_of_it = [one for one, _ in others if one.kind == "storage" and one.subject_id == first.subject_id]
        return [first, *(one for one in others_of_it if about.get(one.id) == aspect)][:MOST]
    if query.reading.two >= TWO:
        among = [one for one, _ in selected.passages]
        read = [select(piece, reading.read(piece).asks, among, about).passages[0] for piece in parts(query.said)]
        # `밥 넣고 몇 시간`: a piece that only tells what was done resembles some false belief
        sure = [one for one, share in read if share >= SURE_OF_A_PART and (one == first or one.kind != "belief")]
        second = [one for one, share in others[:1] if share >= OF_TWO]
        return list(dict.fromkeys([*(sure if first in sure else [first, *sure]), *second]))[:2]
    if first.kind in GENERAL and others and others[0][0].kind == first.kind and probability < STANDS_OUT:
        return [first, others[0][0]]
    return [first]


def says_nothing(selected: Selected, query: Query) -> bool:
    """Whether none of the passages says what is asked; of a general question, as for a drink's history, several of a kind do."""
    if not selected.passages:
        return True
    first = selected.passages[0][0]
    of_kind = sum(p for one, p in selected.passages if (one.subject_id, one.kind) == (first.subject_id, first.kind))
    asked = sum(p for ask, p in query.asks.items() if INTENT_OF.get(ask, ask) == first.kind) >= PLAINLY
    return selected.none >= (NOTHING_OF_ASKED if asked else NOTHING) or of_kind < LEAST


def compared_by(query: Query) -> Kind:
    """The kind of passages in which a comparison finds its answer: by the figure or the ingredient that it names, else by what else is read."""
    text = masked(query.text, query.mentions, " ").lower()
    figure = operation_words.measured(text, query.lang) or operation_words.measured(text, query.lang, compared=True)
    if (figure or operation_words.measure_named(text, query.lang) or ("",))[0] == "abv":
        return "alcohol"
    if named(text, query.lang):
        return "ingredients"
    compared = kinds.where(lambda row: row.compared)
    second = next((kind for kind in query.probabilities if kind != "compare"), "identity")
    return second if second in compared and query.probabilities[second] >= COMPARED_FROM else "identity"


COMPARED_FROM = 0.02
"""Probability from which a comparison is about a kind of passage: `compare` takes nearly all of it."""
