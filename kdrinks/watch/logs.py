"""Logs that a machine reads: one JSON document a line. What people write, who they are and what they may do with it is in none.

A record's words are taken as the source has them, before anything is filled in: what is filled in may be a question, a path or a token.
Figures come in their own place, `extra={"figures": {...}}`.
"""

import json
import logging
import sys
import traceback
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TextIO

from kdrinks.config import ROOT
from kdrinks.errors import KdrinksError


class JsonLines(logging.Formatter):
    """at, level, logger, event; figures by their names; of an error its kind and the places in the code, not what it says."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": str(record.msg) if isinstance(record.msg, str) else type(record.msg).__name__,
        }
        figures = getattr(record, "figures", None)
        if isinstance(figures, Mapping):
            line.update(figures)
        given = record.args if isinstance(record.args, tuple) else ()
        error = record.exc_info[1] if record.exc_info else next((a for a in given if isinstance(a, Exception)), None)
        if error is not None:
            line["error"] = error.key if isinstance(error, KdrinksError) else type(error).__name__
            line["at_code"] = _places(error)
        return json.dumps(line, ensure_ascii=False, default=str)


def as_json_lines(stream: TextIO = sys.stderr) -> None:
    """From now on everything that kdrinks logs, answers included, goes there as JSON lines, and nowhere else."""
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonLines())
    log = logging.getLogger("kdrinks")
    log.handlers[:] = [handler]
    log.setLevel(logging.INFO)
    log.propagate = False


def _places(error: BaseException) -> list[str]:
    """File, line and function of each step, the innermost last; files as the project calls them."""
    return [
        f"{_short(step.filename)}:{step.lineno} {step.name}" for step in traceback.extract_tb(error.__traceback__)[-8:]
    ]


def _short(file: str) -> str:
    path = Path(file)
    return path.relative_to(ROOT).as_posix() if path.is_relative_to(ROOT) else path.name
