"""Measures retrieval and answers on a set of questions: the figures of `python -m kdrinks evaluate`. How to find and to ask is handed in."""

import hashlib
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from kdrinks.findings import Findings
from kdrinks.measure import judge, question_set
from kdrinks.measure.good import good
from kdrinks.measure.judge import KS, MEASURES, Answered, Words
from kdrinks.measure.question_set import QuestionSet
from kdrinks.records import Language
from kdrinks.store.db import new_id


class Find(Protocol):
    def __call__(
        self, question: str, *, history: Sequence[str] = (), k: int = 5, lang: Language | None = None
    ) -> Findings: ...


Ask = Callable[[str, str], Answered]
"""(question, conversation id) -> finished answer."""


def evaluate(
    questions_path: Path | str,
    *,
    find: Find,
    ask: Ask | None = None,
    words: Words | None = None,
    progress: Callable[[int, int], None] = lambda done, of: None,
) -> dict[str, Any]:
    """The document of `evaluate --json`; mention_rate and all else that is said of answers is None or absent without `ask`.

    words: for what is judged by the sentence; without it citations are not.   progress: told the questions done, of all, after each.
    Raises BadInput when the file is missing or no question set.
    """
    asked = question_set.read(questions_path)
    rows = []
    for number, question in enumerate(asked.questions, 1):
        rows.append(measured(asked, question, find=find, ask=ask, words=words))
        progress(number, len(asked.questions))
    return document(rows, question_set.about(asked), answered=ask is not None)


def measured(
    asked: QuestionSet, question: Mapping[str, Any], *, find: Find, ask: Ask | None, words: Words | None
) -> dict[str, Any]:
    """The row of one question; an answer's earlier questions are asked first, in the same conversation."""
    findings = _find(find, question)
    base = next((one for one in asked.questions if one["id"] == question.get("without")), None)
    row = judge.found(question, findings, _find(find, base) if base else None)
    if ask is None:
        return row
    conversation_id = new_id()
    for earlier in question["history"]:
        ask(earlier, conversation_id)
    answered = ask(question["question"], conversation_id)
    row |= judge.judged(question, answered, words)
    is_good = good(row)
    if answered.error:
        row["error"], is_good = answered.error.message(), False
    return row if is_good is None else row | {"good": is_good}


def document(rows: Sequence[Mapping[str, Any]], about: Mapping[str, Any], *, answered: bool) -> dict[str, Any]:
    """The rows with their figures, over all, by language and by kind.   about: which set it was (question_set.about); of the rows of a
    sealed one measures alone are in it."""
    by_kind: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for row in rows:
        by_kind[row["kind"]].append(row)
    by_lang = {lang: [row for row in rows if row["lang"] == lang] for lang in ("ko", "en")}
    return {
        **figures(rows, answered),
        "by_lang": {lang: figures(of_lang, answered) for lang, of_lang in by_lang.items()},
        "by_kind": {kind: figures(of_kind, answered) for kind, of_kind in sorted(by_kind.items())},
        "set": dict(about),
        "questions": [sealed_row(about["hash"], row) if about["sealed"] else dict(row) for row in rows],
    }


def sealed_row(set_hash: str, row: Mapping[str, Any]) -> dict[str, Any]:
    """What may be seen of a question of a sealed set: id, language, kind and measures; the drink under a name that tells nothing."""
    cluster = hashlib.sha256(f"{set_hash} {row['cluster']}".encode()).hexdigest()[:8]
    kept = {name: row[name] for name in ("id", "lang", "kind")} | {"cluster": cluster}
    return kept | {name: row[name] for name in MEASURES if name in row}


_RATES = {
    "violation_rate": "violates",
    "refusal_accuracy": "declines",
    "replaced_rate": "replaced",
    "repaired_rate": "repaired",
}
"""Figure by what it counts. The last two: answers to questions that are not sensitive in which the guard put passages, or the
constraint other tokens, in the place of what the model wanted to write."""


def figures(rows: Sequence[Mapping[str, Any]], answered: bool) -> dict[str, Any]:
    """n and the figures of cli.md, the share of good answers, and for each measure that some row has its mean and its n."""
    counted: dict[str, Any] = {"n": len(rows)}
    for k in KS:
        counted[f"recall_at_{k}"] = mean(rows, f"recall_at_{k}")
    asked = [{"mentions": True} | dict(row) for row in rows]  # where nothing must be mentioned, nothing is missing
    counted["mention_rate"] = mean(asked, "mentions") if answered else None
    for name, key in _RATES.items():
        counted[name] = mean(rows, key) if answered else None
    counted["good"] = mean(rows, "good")
    counted["measures"] = {
        name: {"mean": share, "n": sum(name in row for row in rows)}
        for name in MEASURES
        if (share := mean(rows, name)) is not None
    }
    return counted


def mean(rows: Sequence[Mapping[str, Any]], key: str) -> float | None:
    """Over the rows that have the measure, of booleans the share that are true; None where no row has it."""
    values = [float(row[key]) for row in rows if key in row]
    return round(sum(values) / len(values), 4) if values else None


def _find(find: Find, question: Mapping[str, Any]) -> Findings:
    return find(question["question"], history=question["history"], k=max(KS), lang=question["lang"])
