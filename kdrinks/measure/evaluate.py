"""Measures retrieval and answers on a file of questions: the figures of `python -m kdrinks evaluate`. How to find
and to ask is handed in; of the store it takes ids alone."""

import json
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from kdrinks.errors import BadInput
from kdrinks.findings import Findings
from kdrinks.records import Language
from kdrinks.store.db import new_id

DECLINED_KINDS = frozenset({"ood", "injection"})
"""Kinds whose right answer is to decline."""

NOT_SEARCHED = DECLINED_KINDS | {"smalltalk"}
"""Kinds left out of recall: no passage is their answer."""

KS = (1, 3, 5)


class Answered(Protocol):
    """What an answer must show to be judged."""

    @property
    def text(self) -> str: ...

    @property
    def citations(self) -> Sequence[object]: ...

    @property
    def guard(self) -> str: ...

    @property
    def identity(self) -> str: ...


class Find(Protocol):
    def __call__(
        self, question: str, *, history: Sequence[str] = (), k: int = 5, lang: Language | None = None
    ) -> Findings: ...


Ask = Callable[[str, str], Answered]
"""(question, conversation id) -> finished answer."""


def evaluate(questions_path: Path | str, *, find: Find, ask: Ask | None = None) -> dict[str, Any]:
    """The figures over a questions file; mention_rate and those after it are None without `ask`.

    An answer's earlier questions are asked first, in the same conversation.
    Raises BadInput when the file is missing or not in the form of tests/data/questions_dev.jsonl.
    """
    rows = [_measured(question, find, ask) for question in read_questions(questions_path)]
    by_kind: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        by_kind[row["kind"]].append(row)
    return {
        **_figures(rows, ask is not None),
        "by_lang": {
            lang: _figures([row for row in rows if row["lang"] == lang], ask is not None) for lang in ("ko", "en")
        },
        "by_kind": {kind: _figures(of_kind, ask is not None) for kind, of_kind in sorted(by_kind.items())},
        "questions": rows,
    }


def read_questions(path: Path | str) -> list[dict[str, Any]]:
    """The questions of a JSON Lines file, checked. Raises BadInput."""
    try:
        lines = Path(path).read_text("utf-8").splitlines()
        questions = [json.loads(line) for line in lines if line.strip()]
    except (OSError, ValueError) as exc:
        raise BadInput("questions_unreadable", path=path, reason=str(exc).splitlines()[0]) from exc
    for number, question in enumerate(questions, 1):
        if not isinstance(question, dict) or not isinstance(question.get("question"), str):
            raise BadInput("questions_unreadable", path=path, reason=f"{number}: question")
    if not questions:
        raise BadInput("questions_unreadable", path=path, reason="0")
    return questions


def _measured(question: Mapping[str, Any], find: Find, ask: Ask | None) -> dict[str, Any]:
    text, lang = question["question"], question.get("lang", "ko")
    history = list(question.get("history") or ())
    kind = question.get("kind", "")
    groups = [set(group) for group in question.get("gold_groups") or ()]
    findings = find(text, history=history, k=max(KS), lang=lang)
    found = list(dict.fromkeys(hit.passage.subject_id for hit in findings.hits))
    row: dict[str, Any] = {
        "id": question.get("id", ""),
        "lang": lang,
        "kind": kind,
        "question": text,
        "intent": findings.intent,
        "found": found,
        "prompt": [hit.passage.id for hit in findings.prompt_hits],
        "groups": len(groups),
    }
    if groups and kind not in NOT_SEARCHED:
        for k in KS:
            if k > 1 or len(groups) == 1:
                row[f"recall_at_{k}"] = all(group & set(found[:k]) for group in groups)
    if ask is not None:
        conversation_id = new_id()
        for earlier in history:
            ask(earlier, conversation_id)
        row |= _judged(question, ask(text, conversation_id), kind)
        if not findings.sensitive:  # those are always quoted, by design
            row |= {"replaced": row["guard"] in ("quoted", "fixed"), "repaired": row["guard"] == "repaired"}
    return row


def _judged(question: Mapping[str, Any], answered: Answered, kind: str) -> dict[str, Any]:
    answer = answered.text.lower()
    mentions = all(any(text.lower() in answer for text in group) for group in question.get("must_mention") or ())
    judged: dict[str, Any] = {"answer": answered.text, "guard": answered.guard, "mentions": mentions}
    judged["identity"] = answered.identity or None
    if banned := question.get("must_not_mention"):
        judged["violates"] = any(text.lower() in answer for text in banned)
    if kind in DECLINED_KINDS:
        judged["declines"] = mentions and not answered.citations
    return judged


_JUDGED = {
    "mention_rate": "mentions",
    "violation_rate": "violates",
    "refusal_accuracy": "declines",
    "replaced_rate": "replaced",
    "repaired_rate": "repaired",
}
"""Figure by what it counts. The last two: answers to questions that are not sensitive in which the guard put passages, or the
constraint other tokens, in the place of what the model wanted to write."""


def _figures(rows: Sequence[Mapping[str, Any]], asked: bool) -> dict[str, Any]:
    figures: dict[str, Any] = {"n": len(rows)}
    for k in KS:
        figures[f"recall_at_{k}"] = _share(rows, f"recall_at_{k}")
    for name, key in _JUDGED.items():
        figures[name] = _share(rows, key) if asked else None
    return figures


def _share(rows: Sequence[Mapping[str, Any]], key: str) -> float | None:
    """Share of the rows with this key that are true; None where no row has it."""
    values = [bool(row[key]) for row in rows if key in row]
    return round(sum(values) / len(values), 4) if values else None
