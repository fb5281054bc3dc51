"""Read-only SQL for analysts: one query over the documented views, run in a child process that can do nothing else.

The child (sqlbox_child.py) opens an in-memory DuckDB over the Parquet snapshot with external access off, its configuration locked and
memory limited; this side gives it a time limit and reads its answer as JSON. On the app's own DuckDB those switches would be global,
could not be undone, and would not stop a DELETE.
"""

import json
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from kdrinks.errors import BadInput
from kdrinks.permissions import administrators_only
from kdrinks.records import Visitor
from kdrinks.store import snapshot
from kdrinks.store.analytics import data_version
from kdrinks.store.db import Database
from kdrinks.store.views import VIEWS

TIME_LIMIT_S = 10.0
MEMORY_LIMIT_MB = 1024
AT_ONCE = 2
"""Queries; each may take the memory limit and two processors for as long as the time limit."""
PATIENCE_S = 10.0
"""Waited for one of them to end: most take a tenth of a second."""
_places = threading.BoundedSemaphore(AT_ONCE)
SAVED_KEY = "sql_queries"
"""Under which the store keeps saved queries: a mapping of name to text."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a query gave."""

    table: pd.DataFrame
    cut: bool
    """More than sqlbox_child.MOST_ROWS rows: the rest is left out."""
    took_s: float
    """Of the query alone, without the snapshot and the start of the process."""


def query(
    db: Database,
    who: Visitor,
    sql: str,
    *,
    time_limit_s: float = TIME_LIMIT_S,
    memory_limit_mb: int = MEMORY_LIMIT_MB,
) -> Answer:
    """Run one SELECT over the views.

    Raises BadInput with the reason and, where DuckDB names one, the line and column; StoreNotWritable when no snapshot can be written; NotAllowed.
    """
    administrators_only(who)
    if not _places.acquire(timeout=PATIENCE_S):
        raise BadInput("sql_busy", count=AT_ONCE)
    try:
        return _answered(db, who, sql, time_limit_s, memory_limit_mb)
    finally:
        _places.release()


def _answered(db: Database, who: Visitor, sql: str, time_limit_s: float, memory_limit_mb: int) -> Answer:
    with snapshot.open_snapshot(db, who, data_version(db)) as folder:
        done = _run(folder, sql, time_limit_s, memory_limit_mb)
    try:
        result: dict[str, Any] = json.loads(done.stdout)
    except ValueError as exc:
        raise BadInput("sql_ended", code=done.returncode) from exc
    if "error" in result:
        raise _problem(result, sql)
    table = pd.DataFrame(result["rows"], columns=_distinct(result["columns"]))
    for place, kind in enumerate(result["types"]):
        table.isetitem(place, _typed(table.iloc[:, place], kind))
    return Answer(table, result["cut"], result["took_s"])


def _run(folder: Path, sql: str, time_limit_s: float, memory_limit_mb: int) -> "subprocess.CompletedProcess[bytes]":
    task = {
        "folder": str(folder),
        "views": [view.name for view in VIEWS],
        "sql": sql,
        "memory_limit_mb": memory_limit_mb,
    }
    command = [sys.executable, "-P", str(Path(__file__).with_name("sqlbox_child.py"))]
    began = time.monotonic()
    try:
        return subprocess.run(
            command, input=json.dumps(task).encode(), capture_output=True, timeout=time_limit_s, check=False
        )
    except subprocess.TimeoutExpired as exc:  # run() has killed it
        raise BadInput("sql_too_slow", seconds=f"{time.monotonic() - began:.0f}") from exc


def _problem(result: dict[str, Any], sql: str) -> BadInput:
    at = result.get("position")
    if at is None:
        return BadInput(f"sql_{result['key']}", cause=result["error"])
    before = sql.encode()[:at].decode(errors="ignore")
    line, column = before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1
    return BadInput(f"sql_{result['key']}_at", cause=result["error"], line=line, column=column)


def _typed(column: "pd.Series[Any]", kind: str) -> "pd.Series[Any]":
    """JSON has texts and numbers only: times become times again, and decimals numbers."""
    if kind.endswith("]"):  # a list of them
        return column
    if kind == "TIMESTAMP WITH TIME ZONE":  # summer and winter have different offsets, which one column of times cannot
        return column.astype("string")
    if kind.startswith("TIMESTAMP") or kind == "DATE":
        return pd.to_datetime(column, errors="coerce")
    if kind.startswith("DECIMAL") or kind == "HUGEINT":
        return pd.to_numeric(column, errors="coerce")
    return column


def _distinct(names: list[str]) -> list[str]:
    """`SELECT 1 AS a, 2 AS a` has two columns of one name, which no table on a page can have."""
    seen: dict[str, int] = {}
    result = []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        result.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return result
