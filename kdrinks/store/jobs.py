"""What is stored of background jobs: a row at each start and each end, so that a job that the end of its process cut can be told."""

import json
from dataclasses import dataclass
from datetime import datetime

from kdrinks.errors import KdrinksError
from kdrinks.store.db import Cursor, Database, now

STARTED = "running"
"""Phase of the row at a start; every other one ends it."""


@dataclass(frozen=True, slots=True)
class CutJob:
    """A job that began and never ended: its process did."""

    id: str
    kind: str
    subject: str
    owner: str | None
    begun_at: datetime
    """UTC without a zone."""


def record(
    db: Database,
    *,
    job_id: str,
    kind: str,
    subject: str,
    owner: str | None,
    phase: str,
    error: KdrinksError | None = None,
) -> None:
    """Write that a job started (phase STARTED) or ended. Raises StoreError."""
    told = {"key": error.key, "values": {name: str(value) for name, value in error.values.items()}} if error else None
    with db.write() as cursor:
        cursor.execute(
            "INSERT INTO jobs (id, kind, subject, owner, phase, error, created_at) VALUES (?, ?, ?, ?, ?, ?, ?)",
            [job_id, kind, subject, owner, phase, json.dumps(told, ensure_ascii=False) if told else None, now()],
        )


def cut(db: Database) -> list[CutJob]:
    """The jobs with more starts than ends, oldest first. Asked before any starts, these are of processes that are gone."""
    with db.cursor() as cursor:
        rows = cursor.execute(
            "SELECT id::VARCHAR, any_value(kind), any_value(subject), any_value(owner), min(created_at) AS begun FROM jobs "
            "GROUP BY id HAVING count(*) FILTER (phase = ?) > count(*) FILTER (phase <> ?) ORDER BY begun, id",
            [STARTED, STARTED],
        ).fetchall()
    return [CutJob(*row) for row in rows]


def forget(cursor: Cursor, kind: str, subject: str) -> None:
    """Delete what is stored of jobs on something that is deleted itself, inside the caller's transaction."""
    cursor.execute("DELETE FROM jobs WHERE kind = ? AND subject = ?", [kind, subject])
