"""Question sets and runs of them as the store keeps them, without asking anything."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from kdrinks.measure import question_set
from kdrinks.measure.question_set import QuestionSet
from kdrinks.records import ADMINISTRATOR
from kdrinks.store import evaluations
from kdrinks.store.db import Database
from kdrinks.store.evaluations import Setting

QUESTIONS: Sequence[Mapping[str, Any]] = (
    {"id": "q1", "lang": "ko", "kind": "fact", "question": "식혜는 무엇으로 만드나요?", "must_mention": [["쌀"]]},
    {"id": "q2", "lang": "ko", "kind": "fact", "question": "수정과에는 무엇이 들어가나요?", "must_mention": [["계피"]]},
    {"id": "q3", "lang": "en", "kind": "fact", "question": "What is makgeolli?", "must_mention": [["rice"]]},
    {"id": "q4", "lang": "en", "kind": "why", "question": "Why is omija-cha red?", "must_mention": [["berry"]]},
)


def write_set(home: Path, name: str = "mine", *, sealed: bool = False, questions: Any = QUESTIONS) -> QuestionSet:
    """Among a person's own sets in this KDRINKS_HOME."""
    header = {"set": name, "title": {"ko": f"{name} 모음", "en": f"Set {name}"}, "license": "CC0-1.0", "sealed": sealed}
    ending = ".jsonl.gz" if sealed else ".jsonl"
    return question_set.write(home / "questions" / f"{name}{ending}", {**header, "opened": []}, questions)


def store_run(db: Database, asked: QuestionSet, setting: Setting, good: Sequence[bool]) -> str:
    """A run whose answers to the first questions are good or not; the other questions have none yet. Returns its id."""
    run_id = evaluations.begin(
        db,
        ADMINISTRATOR,
        question_set=asked.name,
        set_hash=asked.hash,
        sealed=asked.sealed,
        questions=len(asked.questions),
        setting=setting,
    )
    for number, (question, well) in enumerate(zip(asked.questions, good, strict=False), 1):
        row = {name: question[name] for name in ("id", "lang", "kind", "question")}
        row |= {"cluster": question["id"], "found": [], "prompt": [], "guard": "kept", "mentions": well, "good": well}
        if asked.sealed:
            del row["question"]
        answer = f"{setting.model or 'script'}: {'good' if well else 'bad'} answer to {question['id']}"
        evaluations.record(db, run_id, question["id"], number, answer=answer, measured=row, trace={})
    return run_id
