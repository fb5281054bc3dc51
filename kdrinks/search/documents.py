"""What people's own documents say to a question, set beside what the drinks say. Knows no SQL (store.documents) and no model.

The drinks are searched as if there were no documents; a passage of a document comes in where it holds clearly more of the question's
telling words than they do, or where they have no answer. So documents about anything never make an answer about a drink worse. Where
health is touched, the drinks' cautions stay first, whatever a document says; where drinks are suggested without something, none stands
in for them.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from kdrinks import kinds
from kdrinks.findings import Findings, Hit
from kdrinks.records import Passage
from kdrinks.search import evidence
from kdrinks.search.query import DECLINED, Query
from kdrinks.store import documents as store
from kdrinks.store.db import Database
from kdrinks.text import vectors
from kdrinks.text.analyzer import TextAnalyzer
from kdrinks.text.korean import split_sentences

FLOOR = 0.43
"""Strength below which a document says nothing to a question."""
NEAR = 0.2
"""What a cosine of 1 is worth beside all words of the question: it mends endings and spellings, it does not speak for itself."""
AHEAD = 0.12
"""How much stronger than the drinks' passages a document must be to stand before them."""
WISHED = 0.75
"""Strength that a document needs beside a recommendation or comparison, which answers what was meant rather than what was written."""
WITH_THE_BEST = 0.8
"""Share of the best passage's strength that a second one needs."""
MOST = 2
"""Passages of documents in a prompt that holds at most three."""

_ALWAYS = frozenset(kinds.TABLE) - kinds.DETAILED
"""Kinds whose words count for a drink whatever is said of it; its many details hold most words of most questions, and answer one each."""

ASKING = frozenset(
    "알리다 말하다 주다 가르치다 설명 궁금 궁금하다 알다 하다 되다 있다 없다 어떻다 이렇다 그렇다 때 내용 문서 tell know mean explain long much many happen "
    "please document".split()
)
"""Words that ask and tell nothing of what about; English ones as stems."""


@dataclass(frozen=True, slots=True)
class _Strong:
    hit: Hit
    strength: float
    """Share of the question's words by rarity, in [0, 1], and NEAR times the cosine."""


def with_documents(db: Database, words: TextAnalyzer, query: Query, found: Findings, *, k: int) -> Findings:
    """The findings with what documents say to the question; the same where they say nothing to it."""
    if found.intent == "injection":
        return found
    text = f"{query.earlier} {query.text}" if query.earlier and not query.subjects else query.text
    terms = [term for term in dict.fromkeys(words.search_terms(text, query.lang)) if term not in ASKING]
    weights = _weights(db, terms)
    if not weights:
        return found
    strong = _strong(db, weights, text)
    if not strong:
        return found
    least = WISHED if found.intent in ("recommend", "compare") else FLOOR
    ahead = strong[0].strength > max(least, _of_drinks(db, words, query, found, weights) + AHEAD)
    # nobody can hold a document against what was said to be left out
    if found.intent not in DECLINED and (not ahead or found.narrowed):
        return replace(found, hits=_mixed(found.hits, strong, k, first=False))
    own = tuple(one.hit for one in strong if one.strength >= WITH_THE_BEST * strong[0].strength)[:MOST]
    if found.sensitive and found.prompt_hits and (query.subjects or query.concerns):
        prompt_hits = (*found.prompt_hits, own[0])[: evidence.MOST]  # no caution gives way to a document
        return replace(found, hits=_mixed(found.hits, strong, k, first=False), prompt_hits=prompt_hits)
    beside = () if found.intent in DECLINED or not query.subjects else found.prompt_hits[:1]
    return replace(
        found,
        hits=_mixed(() if found.intent in DECLINED else found.hits, strong, k, first=True),
        prompt_hits=(*own, *beside),
        intent="document",
    )


def excerpt(words: TextAnalyzer, question: str, passage: Passage) -> Passage:
    """The sentences of a document's passage that answer: the fewest that hold the most of the question's words, and the one after them.

    For a model that says its passages whole. The passage itself where none of the words stands in its sentences.
    """
    sentences = split_sentences(passage.text)
    asked = set(words.search_terms(question, passage.lang)) - ASKING
    held = [_held(asked, words.search_terms(sentence, passage.lang)) for sentence in sentences]
    spans = [(start, end) for start in range(len(held)) for end in range(start + 1, len(held) + 1)]
    if not any(held):
        return passage
    start, end = max(spans, key=lambda span: (len(set().union(*held[span[0] : span[1]])), span[0] - span[1], -span[0]))
    return replace(passage, text=" ".join(sentences[start : end + 1]))


def _held(asked: Iterable[str], terms: Sequence[str]) -> set[str]:
    """The asked words that stand among the terms, alone or as the beginning of a longer one: 신청 in 신청서."""
    return {word for word in asked if any(term == word or (len(word) > 1 and term.startswith(word)) for term in terms)}


def _weights(db: Database, terms: Sequence[str]) -> dict[str, float]:
    """How telling each word is, by its rarity in all passages; empty without words or documents."""
    if not terms:
        return {}
    passages, held = store.held_by(db, terms)
    if not passages:
        return {}
    return {term: math.log(1 + (passages - held.get(term, 0) + 0.5) / (held.get(term, 0) + 0.5)) for term in terms}


def _strong(db: Database, weights: Mapping[str, float], text: str) -> list[_Strong]:
    total = sum(weights.values())
    rated = [
        _Strong(Hit(one.passage, 0.0, one.lexical or None, one.cosine), _strength(one, total))
        for one in store.find(db, weights, vectors.of_question(text), vector_share=NEAR, k=10)
        if one.lexical
    ]
    return [
        replace(one, hit=replace(one.hit, score=round(100 * one.strength, 3))) for one in rated if one.strength >= FLOOR
    ]


def _strength(one: store.DocumentHit, total: float) -> float:
    return one.lexical / total + NEAR * max(one.cosine or 0.0, 0.0)


def _of_drinks(db: Database, words: TextAnalyzer, query: Query, found: Findings, weights: Mapping[str, float]) -> float:
    """The share of the question's words that the passages of the drinks' answer hold; a named drink's own name they always hold."""
    subjects = list(dict.fromkeys(hit.passage.subject_id for hit in found.prompt_hits))
    said = [hit.passage.id for hit in found.prompt_hits]
    held = store.words_of_subjects(db, list(weights), subjects, kinds=_ALWAYS, said=said)
    for mention in query.mentions:
        held.update(words.search_terms(mention.surface, query.lang))
    return sum(weight for term, weight in weights.items() if term in held) / sum(weights.values())


def _mixed(hits: Sequence[Hit], strong: Sequence[_Strong], k: int, *, first: bool) -> tuple[Hit, ...]:
    """At most k hits of distinct subjects: the best passage of each document before or behind the drinks."""
    best: dict[str, Hit] = {}
    for one in strong:
        best.setdefault(one.hit.passage.subject_id, one.hit)
    own = list(best.values())
    return tuple([*own, *hits] if first else [*hits[: max(1, k - len(own))], *own])[:k]
