"""A conversation taken away by `export --conversation`, and the command `import`."""

import argparse
import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from kdrinks.cli.base import Command, language
from kdrinks.config import from_environment
from kdrinks.drinks.names import packaged_names
from kdrinks.errors import BadInput, StoreLocked, StoreNotWritable
from kdrinks.files import bare_name, open_regular
from kdrinks.portability import bring_in, formats
from kdrinks.records import ADMINISTRATOR
from kdrinks.store.db import Database
from kdrinks.text.analyzer import TextAnalyzer


def add(command: Command) -> None:
    """Adds `import`."""
    sub = command("import", _import, "bring conversations from a file: ours, Open WebUI's, STS-Format, ChatGPT's ZIP")
    sub.add_argument("file", type=Path)


def export(conversation: str, file: Path) -> dict[str, Any]:
    """Write one conversation in the format that the file's ending says. Raises BadInput, StoreNotWritable."""
    ending = file.suffix.removeprefix(".").lower()
    with _store() as db:
        content, messages = formats.export(db, ADMINISTRATOR, conversation, ending, language())
    try:
        file.write_bytes(content)
    except OSError as exc:
        raise StoreNotWritable("export_not_writable", path=file, cause=exc.strerror or exc) from exc
    return {"files": [str(file)], "rows": {"messages": messages}}


def _import(options: argparse.Namespace) -> dict[str, Any]:
    file: Path = options.file
    try:
        with open_regular(file) as stream:
            # one more than fits: what grows while it is read, or has no size, is measured all the same
            content = stream.read(bring_in.LIMITS.file_bytes + 1)
    except OSError as exc:
        raise BadInput("chat_import_no_file", file=file, cause=exc.strerror or exc) from exc
    with _store() as db:
        words = TextAnalyzer(packaged_names())
        report = bring_in.bring_in(db, ADMINISTRATOR, content, file.name, words, _progress)
    refused = [item for item in report.items if item.reason]
    if len(refused) == len(report.items):
        first = refused[0].reason
        assert first is not None
        raise BadInput("chat_import_nothing", file=bare_name(file.name), reason=first.values["reason"])
    if not options.json:
        there = report.count("there")
        print(
            f"{report.count('added')} added, {report.count('grown')} grown, {there} already there, {len(refused)} refused; "
            f"{report.messages} messages"
        )
        for item in refused:
            print(f"{item.where}  {item.title}: {item.reason.message(language()) if item.reason else ''}")
    return {
        "conversations": report.count("added", "grown"),
        "messages": report.messages,
        "skipped": report.count("there"),
        "problems": [
            {"place": item.where, "title": item.title, "message": item.reason.message(language())}
            for item in refused
            if item.reason
        ],
        "left_out": report.left_out,
        "items": [
            {"place": item.where, "title": item.title, "outcome": item.outcome, "messages": item.messages}
            for item in report.items
        ],
    }


@contextlib.contextmanager
def _store() -> Iterator[Database]:
    """Raises StoreLocked, which says where the app does the same, while it runs."""
    path = from_environment().database
    try:
        db = Database.open(path)
    except StoreLocked as exc:
        raise StoreLocked("chat_store_locked", path=path) from exc
    with contextlib.closing(db):
        yield db


def _progress(done: int) -> None:
    if sys.stderr.isatty():
        print(f"\r{done:,}", end="", file=sys.stderr, flush=True)
