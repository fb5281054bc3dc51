"""Which passages an answer should rest on, given what was asked and what was found. Pure."""

import re
from collections.abc import Mapping, Sequence
from typing import cast

from kdrinks import kinds
from kdrinks.drinks.ingredients import named
from kdrinks.kinds import Intent, Kind
from kdrinks.records import Passage
from kdrinks.search import operation_words
from kdrinks.search.aspects import SPEAKS, Telling
from kdrinks.search.entities import masked
from kdrinks.search.query import INTENT_OF, Query

MOST = 3
"""The built-in model reads at most three passages."""

_BESIDE: Mapping[Intent, tuple[tuple[Kind, float], ...]] = {
    "pronunciation": (("names", 0.5),),
    "has_ingredient": (("ingredients", 1.0), ("cautions", 0.3)),
    "amounts": (("making", 0.4), ("ingredients", 0.2)),
    "times": (("making", 0.5), ("storage", 0.2)),
    "tools": (("making", 0.4), ("substitution", 0.5)),
    "substitution": (("ingredients", 0.5), ("tools", 0.2)),
    "why": (("history", 0.5), ("identity", 0.2), ("heritage", 0.2)),
    "making": (("ingredients", 0.2), ("times", 0.2), ("tools", 0.2), ("amounts", 0.2)),
    "occasion": (("season", 1.0),),
    "history": (("heritage", 0.2), ("why", 0.6)),
    "heritage": (("history", 0.3),),
    "driving": (("alcohol", 1.0),),
    "allergy": (("cautions", 1.0), ("ingredients", 0.5)),
    "diet": (("cautions", 1.0), ("ingredients", 0.5)),
    "infant": (("cautions", 1.0), ("alcohol", 0.4)),
    "pregnancy": (("alcohol", 1.0), ("cautions", 0.6)),
    "health": (("cautions", 1.0),),
    "storage": (("identity", 0.3), ("serving", 0.2)),
    "etiquette": (("serving", 0.5), ("identity", 0.3)),
    "topic": (("identity", 0.6),),
    "compare": (("identity", 1.0),),
    "recommend": (("identity", 1.0),),
    "false_belief": (("identity", 0.4), ("history", 0.3)),
}
"""The kinds that say what an intent asks for besides the one of its own name, and how surely."""

_OWN: Mapping[Intent, tuple[tuple[Kind, float], ...]] = {kind: ((kind, 1.0),) for kind in kinds.OF_DRINKS}

KINDS: Mapping[Intent, tuple[tuple[Kind, float], ...]] = {
    intent: _OWN.get(intent, ()) + _BESIDE.get(intent, ()) for intent in (*_OWN, *_BESIDE)
}
"""The kinds of passages that say what an intent asks for, and how surely."""


_FIGURE = re.compile(r"\d(?!\d*\. )")
"""In the text of steps; those without one say no amount and no time."""

_IN_PASSING: Mapping[Intent, Kind] = {
    "storage": "identity",
    "etiquette": "identity",
    "pronunciation": "names",
    "substitution": "ingredients",
}
"""Intents that only the drink's own passage of that kind answers, and what is told of a drink that has none."""

TWO = 0.35
"""Probability from which a question is taken to ask two things: 23 of 39 reach 0.5, at 9 false ones of 481."""


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


def both_asked(query: Query) -> list[Kind]:
    """The kinds of passages that a question for two facts of one drink asks for, likelier first: `재료랑 만드는 법`; else empty."""
    if query.reading.two < TWO:
        return []
    asked = [INTENT_OF.get(ask, cast(Intent, ask)) for ask in list(query.reading.asks)[:2]]
    found = list(dict.fromkeys(KINDS[intent][0][0] for intent in asked if intent in KINDS))
    return found if len(found) == 2 else []


def kind_weights(probabilities: Mapping[Intent, float]) -> dict[Kind, float]:
    """How much each kind of passage is asked for."""
    weights: dict[Kind, float] = {}
    for intent, probability in probabilities.items():
        for kind, weight in KINDS.get(intent, ()):
            weights[kind] = weights.get(kind, 0.0) + probability * weight
    return weights


def of_drink(query: Query, passages: Sequence[Passage], told: Mapping[str, Telling], most: int = MOST) -> list[Passage]:
    """The passages of one drink that the question asks for, best first: usually one, several facts of a general question.

    told: what each passage has of the question.
    """
    weights = kind_weights(dict(query.probabilities) | _by_a_word(query))
    if query.intent == "making":  # ingredients stand beside the steps and must not outweigh them: `어떤 순서로 만들어?`
        weights["making"] = max(weights.get("making", 0.0), weights.get("ingredients", 0.0) + 0.01)
    passages = [passage for passage in passages if passage.id in told]
    if query.intent == "tools" and query.probabilities.get("substitution", 0.0) >= 0.2:  # `밥솥 없이 돼?`
        if any(one.kind == "substitution" and told[one.id].words >= SPEAKS for one in passages):
            weights["substitution"] = weights["tools"] + 1.0
    ranked = _ranked(
        passages, weights, told, asked_word=query.intent in kinds.DETAILED or query.reading.share("why") >= 0.3
    )
    if not ranked:
        return []
    first = ranked[0]
    chosen = [first]
    if query.intent in ("pregnancy", "infant", "allergy", "driving") and len(ranked) > 1:
        wanted = [kind for kind, _ in KINDS[query.intent]]
        chosen = [passage for kind in wanted for passage in ranked if passage.kind == kind][:2] or chosen
    elif query.intent == "history" and not both_asked(query) and first.kind in ("history", "heritage"):
        others = [passage for passage in ranked[1:] if passage.kind in ("history", "heritage")]
        best, second = told[first.id].score, max((told[passage.id].score for passage in others), default=0.0)
        if best - second < 0.8:  # no fact stands out: the question is general
            chosen += others
    elif first.kind == "times" and most > 1 and query.reading.two >= TWO:
        chosen = _time_and_temperature(ranked, told)
    elif first.kind == "storage" and most > 1:  # a week without persimmons is wrong without two days with them
        of_it = [one for one in ranked if one.kind == "storage" and told[one.id].about == told[first.id].about]
        chosen = sorted(of_it, key=passages.index)
    elif len(ranked) > 1 and most > 1 and (both := both_asked(query)):
        chosen = [
            next(one for one in ranked if one.kind == kind) for kind in both if any(one.kind == kind for one in ranked)
        ]
    elif query.intent in _IN_PASSING and first.kind != query.intent:
        instead = (query.intent, _IN_PASSING[query.intent])
        chosen = [passage for kind in instead for passage in ranked if passage.kind == kind][:1] or chosen
    return chosen[:most]


def _ranked(
    passages: Sequence[Passage], weights: Mapping[Kind, float], told: Mapping[str, Telling], *, asked_word: bool
) -> list[Passage]:
    """By how much their kind is asked for and what they have of the question; of one kind's details the one that tells most first.

    asked_word: a passage that speaks of what is asked stands before a likelier kind that does not.
    """

    def asked_for(passage: Passage) -> float:
        speaks = (
            asked_word
            and told[passage.id].words >= SPEAKS
            and bool(passage.kind != "making" or _FIGURE.search(passage.text))
        )
        return 2.0 * weights.get(passage.kind, 0.0) + 0.25 * min(told[passage.id].score, 4.0) + 0.8 * speaks

    best: dict[Kind, float] = {}
    for passage in passages:
        if passage.kind in kinds.DETAILED:
            best[passage.kind] = max(best.get(passage.kind, 0.0), asked_for(passage))
    within = {passage.id: told[passage.id].of_kind if passage.kind in best else 0.0 for passage in passages}
    return sorted(passages, key=lambda one: (-best.get(one.kind, asked_for(one)), -within[one.id]))


def _time_and_temperature(ranked: Sequence[Passage], told: Mapping[str, Telling]) -> list[Passage]:
    """The best passage on each of the two that the question names: `몇 도에서 몇 시간?`."""
    found = []
    for aspects in (("time", "total_time"), ("temperature",)):
        found += [one for one in ranked if one.kind == "times" and told[one.id].about in aspects][:1]
    return found


def beside(query: Query, own: Sequence[Passage], topics: Sequence[str], beliefs: Sequence[str]) -> list[str]:
    """The topic and the belief that stand with a drink's own passages: no topic that says of others what the drink says of itself."""
    said = {f"gen-{passage.kind}" for passage in own if passage.kind in _IN_PASSING}
    if not query.sensitive and query.intent in kinds.DETAILED and any(one.kind in kinds.DETAILED for one in own):
        return []
    first = [topic for topic in topics[:1] if topic not in said]
    return first if f"gen-{query.intent}" in said else [*first, *beliefs[:1]]


def _by_a_word(query: Query) -> dict[Intent, float]:
    """The intent that a word makes certain, as pregnancy, whatever the rest of the question sounds like."""
    likely = max(query.probabilities, key=lambda intent: query.probabilities[intent])
    return {} if query.intent == likely else {query.intent: 1.0}
