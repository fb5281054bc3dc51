"""What a measured row of a run says is wrong with its answer. Pure; knows no page."""

from collections.abc import Mapping, Sequence
from typing import Any

from kdrinks.measure.good import AVOIDS, expectations
from kdrinks.measure.judge import MEASURES

NUMBERS = frozenset({"purity", "citation_precision", "citation_recall", "length_characters", "wait_s"})
"""Measures that are no share of the questions; every other one is yes or no."""
SHARES = tuple(name for name in MEASURES if name not in NUMBERS)

Row = Mapping[str, Any]


def failing(row: Row) -> list[str]:
    """The measures by which an answer fails, in the order of tables. A verdict changes nothing in it."""
    expected = expectations(row)
    return [name for name in SHARES if name in expected and row[name] == (name in AVOIDS)]


def failed(row: Row) -> bool:
    """Whether an answer is not good: by a person's verdict where there is one."""
    return row.get("good") is False or bool(row.get("error"))


def worst_first(rows: Sequence[Row]) -> list[Row]:
    """Those first that fail by what was measured, then in the set's order. A verdict moves nothing: a person is reading along."""
    return sorted(rows, key=lambda row: (not (failing(row) or row.get("error")), row.get("number", 0)))


def turned(before: Row | None, after: Row) -> str:
    """better or worse where good turned between two answers to one question; "" where it did not, or one is not judged."""
    values = ((before or {}).get("good"), after.get("good"))
    if None in values or values[0] == values[1]:
        return ""
    return "better" if values[1] else "worse"
