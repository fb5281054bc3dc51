"""What is kept of how an answer came to be: a few details beside it, and its trace. Pure.

A trace is kept with its answer and forgotten with it (store.traces). It holds what a person cannot have: it is read with its answer and
never grouped or filtered by.
"""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import PurePath
from typing import Any, Protocol

from kdrinks.errors import KdrinksError
from kdrinks.findings import Candidate, Findings
from kdrinks.generation import citations
from kdrinks.generation.claims import Span
from kdrinks.generation.draft import Draft
from kdrinks.generation.guard import Guard
from kdrinks.generation.prompt import Prompt
from kdrinks.records import Citation, Exchange, Finish, Loaded, Mode, Question, Timing, WordCount


class Answered(Protocol):
    """What an answer must show to be traced."""

    @property
    def question(self) -> Question: ...

    @property
    def message_id(self) -> str: ...

    @property
    def error(self) -> KdrinksError | None: ...

    @property
    def text(self) -> str: ...

    @property
    def findings(self) -> Findings: ...

    @property
    def mode(self) -> Mode: ...

    @property
    def guard(self) -> str: ...

    @property
    def draft(self) -> Draft: ...

    @property
    def unsupported(self) -> Sequence[Span]: ...

    @property
    def citations(self) -> Sequence[Citation]: ...

    @property
    def also_found(self) -> Sequence[Citation]: ...

    @property
    def unknown_numbers(self) -> Sequence[Span]: ...

    @property
    def own_from(self) -> int | None: ...

    @property
    def loaded(self) -> Loaded | None: ...

    @property
    def identity(self) -> str: ...

    @property
    def timing(self) -> Timing: ...

    @property
    def wait_s(self) -> float | None: ...


def trace(answer: Answered, built: Prompt, gate: Guard | None) -> dict[str, Any]:
    """How it came to be, as JSON holds it: strings, numbers, lists and mappings.

    built: the passages that the answer rests on, in their order, and the messages that a model read: none where it is quoted.
    gate: what held the model; None where it was free, or none was asked.
    """
    findings, question = answer.findings, answer.question
    understood = {
        name: list(one) if isinstance(one, tuple) else one for name, one in asdict(findings.understood).items()
    }
    return {
        "understood": {
            **understood,
            "concerns": list(findings.concerns),
            "intent": findings.intent,
            "intents": [[intent, round(probability, 4)] for intent, probability in findings.intents],
            "sensitive": findings.sensitive,
            "narrowed": findings.narrowed,
        },
        "candidates": _candidates(findings, built),
        "passages": [
            {
                "number": number,
                "id": passage.id,
                "subject": passage.subject_id,
                "kind": passage.kind,
                "lang": passage.lang,
                "title": passage.title,
                "text": passage.text,
            }
            for number, passage in enumerate(built.passages, 1)
        ],
        "rows": [asdict(row) for row in findings.rows],
        "lines": [*findings.unsaid, *findings.under],
        "prompt": [{"role": message.role, "content": message.content} for message in built.messages],
        "constraint": _constraint(gate),
        "mode": answer.mode,
        "guard": answer.guard,
        "own_from": answer.own_from,
        "thought": answer.draft.thought,
        "unsupported": [answer.text[start:end] for start, end in answer.unsupported],
        "unknown_numbers": [answer.text[start:end] for start, end in answer.unknown_numbers],
        "citations": [{"number": one.number, "id": one.passage.id, "score": one.score} for one in answer.citations],
        "also_found": [{"number": one.number, "id": one.passage.id, "score": one.score} for one in answer.also_found],
        "model": _model(answer.loaded) if answer.loaded else None,
        "settings": {
            **asdict(question.sampling),
            "stop": list(question.sampling.stop),
            "template": question.template,
            "knowledge": question.knowledge,
            "device": question.choice.device,
        },
        "identity": answer.identity,
        "data_version": findings.data_version,
        "timing": {**asdict(answer.timing), "wait_s": answer.wait_s},
    }


def exchange(
    answer: Answered,
    finish: Finish,
    built: Prompt,
    gate: Guard | None,
    *,
    question_terms: Sequence[str],
    question_words: Sequence[WordCount],
    answer_words: Sequence[WordCount],
) -> Exchange:
    """The finished answer as the store keeps it."""
    question = answer.question
    return Exchange(
        conversation_id=question.conversation_id,
        question_id=question.id,
        message_id=answer.message_id,
        question=question.text,
        answer=answer.text,
        language=question.lang,
        finish=finish,
        error=answer.error.message(question.lang) if answer.error else None,
        citations=tuple(answer.citations),
        loaded=answer.loaded,
        timing=answer.timing,
        guard=answer.guard,
        question_words=tuple(question_words),
        answer_words=tuple(answer_words),
        details=details(answer, built, question_terms),
        identity=answer.identity,
        trace=trace(answer, built, gate),
    )


def details(answer: Answered, built: Prompt, question_terms: Sequence[str]) -> dict[str, Any]:
    """Small extras that are read with every answer; with the memory that was predicted for the model."""
    findings = answer.findings
    kept: dict[str, Any] = {
        "intent": findings.intent,
        "mode": answer.mode,
        "dropped_turns": built.dropped_turns,
        "template": answer.question.template,
        "question_terms": question_terms,
        "exclusions": findings.exclusions,
        "understood": asdict(findings.understood),
        "rows": [asdict(row) for row in findings.rows],
    }
    if answer.unsupported:
        kept["unsupported"] = answer.unsupported
    if answer.unknown_numbers:
        kept["unknown_numbers"] = answer.unknown_numbers
    if answer.own_from:
        kept["own_from"] = answer.own_from
    if answer.also_found:
        kept["also_found"] = citations.kept(answer.also_found)
    if answer.loaded and answer.loaded.predicted_bytes:
        kept["predicted_memory_bytes"] = answer.loaded.predicted_bytes
    return kept


def _candidates(findings: Findings, built: Prompt) -> list[dict[str, Any]]:
    """What the search weighed, best first, and behind it what came besides: a document, a caution, a second passage of a drink."""
    used = {passage.id for passage in built.passages}
    known = {one.passage_id for one in findings.considered}
    hits = findings.prompt_hits if findings.listed else (*findings.prompt_hits, *findings.hits)
    besides = {
        hit.passage.id: Candidate(
            hit.passage.id, hit.passage.subject_id, hit.passage.kind, hit.score, hit.lexical, hit.vector
        )
        for hit in hits
        if hit.passage.id not in known and hit.passage.kind != "listing"
    }
    return [
        {
            "id": one.passage_id,
            "subject": one.subject_id,
            "kind": one.kind,
            "score": one.score or None,  # what was not searched for but called for has none
            "lexical": _short(one.lexical),
            "vector": _short(one.vector),
            "used": one.passage_id in used,
        }
        for one in (*findings.considered, *besides.values())
    ]


def _constraint(gate: Guard | None) -> list[dict[str, Any]]:
    """The sentences that decoding was held to, each with its passage's number (0: none), and whether it was said."""
    script = gate.script if gate else []
    said = gate.said if gate else []
    return [{"number": line.number, "sentence": line.sentence, "said": line in said} for line in script]


def _model(loaded: Loaded) -> dict[str, Any]:
    names = {"file": PurePath(loaded.file).name, "adapter": loaded.adapter and PurePath(loaded.adapter).name}
    return {**asdict(loaded), **names, "stepped_down": list(loaded.stepped_down)}


def _short(score: float | None) -> float | None:
    return None if score is None else round(score, 4)
