"""Runs of question sets: what was asked under which setting, each answer with what was measured of it, and people's verdicts.

An answer is stored when it is there, so that a run that was cut goes on with the questions that have none; no question is stored twice.
Knows no file of a set, so it cannot tell whether a sealed one was opened since: measure.run says what of a sealed run may be seen.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from pathlib import Path
from typing import Any

from kdrinks.permissions import administrators_only, owner_of
from kdrinks.records import Visitor
from kdrinks.store.db import Database, new_id, now


@dataclass(frozen=True, slots=True)
class Setting:
    """What answers the questions of a run."""

    model: str
    """Id or path, as a person chose it; "" is no model: the script read out."""
    adapter: str = ""
    """Path of a LoRA adapter (GGUF) that is laid over it; "" is none."""
    scale: float = 1.0
    template: str = "guide"
    seed: int = 0
    temperature: float = 0.0

    def named(self) -> dict[str, Any]:
        """As copies tell it: files by their names, for their folders say where somebody keeps them."""
        return asdict(self) | {"model": Path(self.model).name, "adapter": Path(self.adapter).name}


@dataclass(frozen=True, slots=True)
class Run:
    """One set under one setting."""

    id: str
    question_set: str
    set_hash: str
    sealed: bool
    """Whether the set was sealed when it was run."""
    questions: int
    answered: int
    """How many of the questions are answered and stored."""
    setting: Setting
    owner: str | None
    created_at: datetime
    """UTC without a zone."""

    @property
    def finished(self) -> bool:
        return self.answered >= self.questions


@dataclass(frozen=True, slots=True)
class StoredAnswer:
    """An answer of a run."""

    question_id: str
    number: int
    """Of its question in the set, from 1."""
    answer: str
    measured: Mapping[str, Any]
    verdict: str | None
    """The latest of a person's; None while nobody judged."""
    created_at: datetime
    """UTC without a zone."""


def begin(
    db: Database, who: Visitor, *, question_set: str, set_hash: str, sealed: bool, questions: int, setting: Setting
) -> str:
    """Store a run that has no answer yet; returns its id. Raises NotAllowed, StoreError."""
    administrators_only(who)
    run_id = new_id()
    with db.write() as cursor:
        cursor.execute(
            "INSERT INTO evaluation_runs (id, question_set, set_hash, sealed, questions, setting, owner, created_at)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            [run_id, question_set, set_hash, sealed, questions, _json(asdict(setting)), owner_of(who), now()],
        )
    return run_id


def record(
    db: Database,
    run_id: str,
    question_id: str,
    number: int,
    *,
    answer: str,
    measured: Mapping[str, Any],
    trace: Mapping[str, Any],
) -> bool:
    """Store one answer; False, and nothing stored, where the question has one already or the run was forgotten. Raises StoreError."""
    with db.write() as cursor:
        stored = cursor.execute(
            """
            INSERT INTO evaluation_answers (run_id, question_id, number, answer, measured, trace, created_at)
            SELECT id, ?, ?, ?, ?, ?, ? FROM evaluation_runs
            WHERE id = ? AND NOT EXISTS (FROM evaluation_answers WHERE run_id = ? AND question_id = ?) RETURNING 1
            """,
            [question_id, number, answer, _json(measured), _json(trace), now(), run_id, run_id, question_id],
        ).fetchall()
    return bool(stored)


def runs(db: Database, who: Visitor, run_id: str | None = None) -> list[Run]:
    """All runs, or the one with this id: those without a model first, then the latest first. Raises NotAllowed."""
    administrators_only(who)
    with db.cursor() as cursor:
        rows = cursor.execute(
            """
            SELECT r.id::VARCHAR, question_set, set_hash, sealed, questions, count(a.question_id), setting, owner, r.created_at
            FROM evaluation_runs r LEFT JOIN evaluation_answers a ON a.run_id = r.id
            WHERE $1 IS NULL OR r.id = TRY_CAST($1 AS UUID)
            GROUP BY r.id, question_set, set_hash, sealed, questions, setting, owner, r.created_at
            ORDER BY json_extract_string(setting, '$.model') <> '', r.created_at DESC, r.id DESC
            """,
            [run_id],
        ).fetchall()
    return [Run(*(*row[:6], _setting(row[6]), *row[7:])) for row in rows]


def answers(db: Database, who: Visitor, run_id: str) -> list[StoredAnswer]:
    """A run's answers in the order of its set, of a sealed one too (measure.run.rows is for pages). Raises NotAllowed."""
    administrators_only(who)
    with db.cursor() as cursor:
        rows = cursor.execute(
            """
            WITH said AS (
                SELECT question_id, arg_max(verdict, created_at) AS verdict FROM verdicts
                WHERE run_id = TRY_CAST($1 AS UUID) GROUP BY question_id
            )
            SELECT question_id, number, answer, measured, verdict, created_at
            FROM evaluation_answers LEFT JOIN said USING (question_id)
            WHERE run_id = TRY_CAST($1 AS UUID) ORDER BY number, question_id
            """,
            [run_id],
        ).fetchall()
    return [StoredAnswer(*(*row[:3], json.loads(row[3]), *row[4:])) for row in rows]


def trace(db: Database, who: Visitor, run_id: str, question_id: str) -> dict[str, Any]:
    """How one answer came to be (answer.Answer.trace); {} for one that is not there. Raises NotAllowed."""
    administrators_only(who)
    with db.cursor() as cursor:
        row = cursor.execute(
            "SELECT trace FROM evaluation_answers WHERE run_id = TRY_CAST(? AS UUID) AND question_id = ?",
            [run_id, question_id],
        ).fetchone()
    found = json.loads(row[0]) if row else {}
    return found if isinstance(found, dict) else {}


def judge(db: Database, who: Visitor, run_id: str, question_id: str, verdict: str) -> None:
    """Keep what a person says of an answer; the latest counts. Raises NotAllowed, StoreError."""
    administrators_only(who)
    with db.write() as cursor:
        cursor.execute(
            "INSERT INTO verdicts (run_id, question_id, verdict, owner, created_at) VALUES (?, ?, ?, ?, ?)",
            [run_id, question_id, verdict, owner_of(who), now()],
        )


def verdicts(db: Database, who: Visitor, run_id: str) -> dict[str, str]:
    """The latest verdict by the question's id. Raises NotAllowed."""
    administrators_only(who)
    return {one.question_id: one.verdict for one in answers(db, who, run_id) if one.verdict}


def forget(db: Database, who: Visitor, run_id: str) -> None:
    """Delete a run with its answers and verdicts. Raises NotAllowed, StoreError."""
    administrators_only(who)
    with db.write() as cursor:
        for table in ("evaluation_answers", "verdicts"):
            cursor.execute(f"DELETE FROM {table} WHERE run_id = TRY_CAST(? AS UUID)", [run_id])
        cursor.execute("DELETE FROM evaluation_runs WHERE id = TRY_CAST(? AS UUID)", [run_id])


def _setting(stored: str) -> Setting:
    """Names that this version does not know are left out: a newer one wrote them."""
    known = {field.name for field in fields(Setting)}
    return Setting(**{name: value for name, value in json.loads(stored).items() if name in known})


def _json(value: Mapping[str, Any]) -> str:
    return json.dumps(dict(value), ensure_ascii=False, default=str)
