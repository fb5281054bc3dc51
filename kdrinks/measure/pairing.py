"""Two runs of the same questions, laid beside each other by the question's id: what kdrinks.measure.statistics compares.

A row is what `evaluate --json` lists under `questions`. One of a sealed set has no text; one of before there was a `cluster` goes by the
drink that was found first.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kdrinks import given
from kdrinks.errors import BadInput
from kdrinks.measure.good import expectations, good
from kdrinks.measure.statistics import Pair

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Matched:
    """The rows of two runs that carry a measure."""

    pairs: tuple[Pair, ...]
    rows: Mapping[str, tuple[Row, Row]]
    """Both rows of each pair by its id."""
    only_a: int
    """Rows with the measure that the other run does not have, or not with it."""
    only_b: int


def read_run(path: Path) -> dict[str, Row]:
    """The rows of a file of `evaluate --json` by their ids; a question without an id goes by its text.

    Raises BadInput where the file cannot be read, is none of these, has a row without id, or one twice.
    """
    try:
        document = given.value(given.text(path.read_bytes()))
    except (OSError, ValueError) as exc:
        raise BadInput("run_unreadable", path=path, reason=str(exc).splitlines()[0]) from exc
    listed = document.get("questions") if isinstance(document, dict) else None
    if not isinstance(listed, list) or not listed:
        raise BadInput("run_unreadable", path=path, reason="questions")
    rows: dict[str, Row] = {}
    for number, row in enumerate(listed, 1):
        id = (row.get("id") or row.get("question")) if isinstance(row, dict) else None
        if not isinstance(id, str):
            raise BadInput("run_row_unfit", path=path, row=number, reason="id")
        if id in rows:
            raise BadInput("run_row_twice", path=path, row=id)
        rows[id] = row
    return rows


def match(a: Mapping[str, Row], b: Mapping[str, Row], measure: str = "good") -> Matched:
    """Lays the rows of two runs beside each other, by id.

    `good` is derived where a run was kept before there was one, then in both from what both rows measured.
    Raises BadInput where the runs have no question with the measure in common, where one id asks two questions, and for a value that
    is no number.
    """
    pairs: list[Pair] = []
    rows: dict[str, tuple[Row, Row]] = {}
    for id, row in a.items():
        if id not in b:
            continue
        other = b[id]
        if row.get("question") and other.get("question") and row["question"] != other["question"]:
            raise BadInput("runs_ask_differently", row=id)
        before, after = _values(row, other, measure)
        if before is not None and after is not None:
            pairs.append((id, _cluster(id, row, other), before, after))
            rows[id] = row, other
    if not pairs:
        raise BadInput("runs_share_nothing", measure=measure, measures=", ".join(_measures(a, b)) or "-")
    return Matched(tuple(pairs), rows, _others(a, rows, measure), _others(b, rows, measure))


def _values(row: Row, other: Row, measure: str) -> tuple[float | None, float | None]:
    if measure != "good" or (row.get(measure) is not None and other.get(measure) is not None):
        return _value(row, measure), _value(other, measure)
    both = expectations(row) & expectations(other)
    return good(row, both), good(other, both)


def _value(row: Row, measure: str) -> float | None:
    value = row.get(measure)
    if value is None and measure == "good":
        return good(row)
    if value is None or isinstance(value, bool):
        return value
    if not isinstance(value, int | float) or not math.isfinite(value):
        raise BadInput("run_value_unfit", row=row.get("id") or row.get("question"), measure=measure, value=value)
    return float(value)


def _others(run: Mapping[str, Row], matched: Mapping[str, object], measure: str) -> int:
    return sum(_value(row, measure) is not None for id, row in run.items() if id not in matched)


def _cluster(id: str, *rows: Row) -> str:
    """The drink that the question is about."""
    named: Iterable[str] = [row["cluster"] for row in rows if row.get("cluster")]
    found: Iterable[str] = [first for row in rows for first in (row.get("found") or ())[:1]]
    return next(iter((*named, *found)), id)


def _measures(a: Mapping[str, Row], b: Mapping[str, Row]) -> list[str]:
    """What both runs measure, to choose from."""

    def of(run: Mapping[str, Row]) -> set[str]:
        return {name for row in run.values() for name, value in row.items() if isinstance(value, bool | float)}

    return sorted(of(a) & of(b))
