"""Which passages an answer should rest on, given what was asked and what was found. Pure."""

import re
from collections.abc import Mapping, Sequence

from kdrinks import kinds
from kdrinks.kinds import Intent, Kind
from kdrinks.records import Passage
from kdrinks.search import intents
from kdrinks.search.entities import masked
from kdrinks.search.query import Query

MOST = 3
"""The built-in model reads at most three passages."""

_BESIDE: Mapping[Intent, tuple[tuple[Kind, float], ...]] = {
    "pronunciation": (("names", 0.5),),
    "has_ingredient": (("ingredients", 1.0), ("cautions", 0.3)),
    "substitution": (("ingredients", 1.0),),
    "making": (("ingredients", 0.2),),
    "occasion": (("season", 1.0),),
    "history": (("heritage", 0.2),),
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


_IN_PASSING: Mapping[Intent, Kind] = {"storage": "identity", "etiquette": "identity", "pronunciation": "names"}
"""Intents that only the drink's own passage of that kind answers, and what is told of a drink that has none."""

_COMPARED = kinds.where(lambda row: row.compared)
_ASPECTS: frozenset[Intent] = _COMPARED | {"has_ingredient"}
"""What a comparison may be about when a word names it, as in `which is stronger`; `compare` takes nearly all the probability there."""


def compared_by(query: Query) -> Kind:
    """The kind of passages in which a comparison finds its answer."""
    named = sorted(_ASPECTS & query.cued)
    return KINDS[max(named, key=lambda name: query.probabilities.get(name, 0.0))][0][0] if named else "identity"


_BOTH = re.compile(rf"[^{intents.MASK}\s](?:이?랑|하고|[과와]|고|,)\s|그리고|\band\b|&")
_TWO_FACTS: frozenset[Intent] = _COMPARED | {"history"}


def both_asked(query: Query) -> list[Kind]:
    """The kinds of passages that a question for two facts of one drink asks for, likelier first: `재료랑 만드는 법`; else empty."""
    if not _BOTH.search(intents.normal(masked(query.text, query.mentions, intents.MASK))):
        return []
    named = sorted(_TWO_FACTS & query.cued, key=lambda name: -query.probabilities.get(name, 0.0))[:2]
    return [KINDS[name][0][0] for name in named] if len(named) == 2 else []


def kind_weights(probabilities: Mapping[Intent, float]) -> dict[Kind, float]:
    """How much each kind of passage is asked for."""
    weights: dict[Kind, float] = {}
    for intent, probability in probabilities.items():
        for kind, weight in KINDS.get(intent, ()):
            weights[kind] = weights.get(kind, 0.0) + probability * weight
    return weights


def of_drink(query: Query, passages: Sequence[Passage], scores: Mapping[str, float], most: int = MOST) -> list[Passage]:
    """The passages of one drink that the question asks for, best first: usually one, several facts of a general question.

    scores: how many of the question's telling words each passage holds, weighed by rarity (0 to 4), and how near its vector is (0 to 8).
    """
    weights = kind_weights(dict(query.probabilities) | _by_a_word(query))
    if query.intent == "making":  # ingredients stand beside the steps and must not outweigh them: `어떤 순서로 만들어?`
        weights["making"] = max(weights.get("making", 0.0), weights.get("ingredients", 0.0) + 0.01)
    ranked = sorted(
        passages,
        key=lambda passage: -(2.0 * weights.get(passage.kind, 0.0) + 0.35 * min(scores.get(passage.id, 0.0), 4.0)),
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
        best, second = scores.get(first.id, 0.0), max((scores.get(passage.id, 0.0) for passage in others), default=0.0)
        if best - second < 0.8:  # no fact stands out: the question is general
            chosen += others
    elif len(ranked) > 1 and most > 1 and (both := both_asked(query)):
        chosen = [
            next(one for one in ranked if one.kind == kind) for kind in both if any(one.kind == kind for one in ranked)
        ]
    elif query.intent in _IN_PASSING and first.kind != query.intent:
        instead = (query.intent, _IN_PASSING[query.intent])
        chosen = [passage for kind in instead for passage in ranked if passage.kind == kind][:1] or chosen
    return chosen[:most]


def beside(query: Query, own: Sequence[Passage], topics: Sequence[str], beliefs: Sequence[str]) -> list[str]:
    """The topic and the belief that stand with a drink's own passages: no topic that says of others what the drink says of itself."""
    said = {f"gen-{passage.kind}" for passage in own if passage.kind in _IN_PASSING}
    first = [topic for topic in topics[:1] if topic not in said]
    return first if f"gen-{query.intent}" in said else [*first, *beliefs[:1]]


def _by_a_word(query: Query) -> dict[Intent, float]:
    """The intent that a word makes certain, as pregnancy, whatever the rest of the question sounds like."""
    likely = max(query.probabilities, key=lambda intent: query.probabilities[intent])
    return {} if query.intent == likely else {query.intent: 1.0}
