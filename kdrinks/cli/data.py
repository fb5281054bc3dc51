"""The commands `words`, `sample`, `forget`, `export`, `backup` and `restore`: what is kept of conversations, and the words of any text.

Returns documents and prints for people; exit status and --json are __main__'s.
"""

import argparse
import contextlib
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from kdrinks import sample
from kdrinks.cli import portability
from kdrinks.cli.base import Command, positive
from kdrinks.config import from_environment
from kdrinks.drinks.names import packaged_names
from kdrinks.errors import BadInput, StoreLocked
from kdrinks.portability import formats
from kdrinks.records import ADMINISTRATOR
from kdrinks.store import backup, backup_requests, chats, forget
from kdrinks.store.db import Database
from kdrinks.store.export import export
from kdrinks.text.analyzer import TextAnalyzer


def add(command: Command) -> None:
    """Adds them."""
    sub = command("words", _words, "count the words of a text")
    sub.add_argument("file", nargs="?", type=Path)
    sub.add_argument("--per-line", action="store_true")
    sub.add_argument(
        "--pos",
        nargs="+",
        choices=("drink", "noun", "english", "verb", "adjective"),
        default=("drink", "noun", "english"),
    )

    sub = command("sample", _sample, "load 160 marked conversations, to see full charts before the first chat")
    sub.add_argument("--remove", action="store_true", help="take them out again")

    sub = command("forget", _forget, "delete conversations with their words, timings and copies")
    which = sub.add_mutually_exclusive_group(required=True)
    which.add_argument("--all", action="store_true", help="every conversation")
    which.add_argument("--conversation", metavar="ID", help="this one")
    which.add_argument("--older-than", type=positive, metavar="DAYS", help="those whose last message is older")

    sub = command(
        "export", _export, "write conversations, words and timings into a folder, or one conversation as a file"
    )
    sub.add_argument("target", type=Path, metavar="FOLDER or FILE")
    one = ", ".join(formats.FORMATS)
    sub.add_argument("--conversation", metavar="ID", help=f"this one alone, into a file whose ending says how: {one}")
    sub.add_argument("--format", default="parquet,csv,jsonl", help="parquet, csv, jsonl; several with commas")

    sub = command("backup", _backup, "copy the whole home into one file, also while the app runs")
    sub.add_argument("file", type=Path)

    sub = command("restore", _restore, "unpack a backup into an empty home (KDRINKS_HOME)")
    sub.add_argument("file", type=Path)


def _words(options: argparse.Namespace) -> dict[str, Any]:
    try:
        text = options.file.read_text(encoding="utf-8-sig") if options.file else sys.stdin.read()
    except (OSError, UnicodeDecodeError) as exc:
        raise BadInput("file_unreadable", file=options.file, cause=exc) from exc
    words = TextAnalyzer(packaged_names())
    if options.per_line:
        lines = [[asdict(word) for word in words.count(line, tuple(options.pos))] for line in text.splitlines()]
        if not options.json:
            for line in lines:
                print(" ".join(f"{word['word']}/{word['pos']}:{word['count']}" for word in line))
        return {"lines": lines}
    counted = [asdict(word) for word in words.count(text, tuple(options.pos))]
    if not options.json:
        for word in counted:
            print(f"{word['count']:6d}  {word['word']}  {word['pos']}")
    return {"words": counted}


def _sample(options: argparse.Namespace) -> dict[str, Any]:
    with contextlib.closing(Database.open(from_environment().database)) as db:
        changed = (
            sample.remove(db, ADMINISTRATOR)
            if options.remove
            else sample.load(db, ADMINISTRATOR, TextAnalyzer(packaged_names()))
        )
    if not options.json:
        print(changed)
    return {"conversations": changed, "removed": options.remove}


def _forget(options: argparse.Namespace) -> dict[str, Any]:
    with contextlib.closing(Database.open(from_environment().database)) as db:
        if options.conversation:
            deleted = chats.delete_conversation(db, ADMINISTRATOR, options.conversation)
        else:
            deleted = (
                forget.everything(db, ADMINISTRATOR)
                if options.all
                else forget.older_than(db, ADMINISTRATOR, options.older_than)
            )
    if not options.json:
        print(deleted)
    return {"conversations": deleted}


def _export(options: argparse.Namespace) -> dict[str, Any]:
    if options.conversation:
        written = portability.export(options.conversation, options.target)
    else:
        with contextlib.closing(Database.open(from_environment().database)) as db:
            written = export(db, ADMINISTRATOR, options.target, formats=tuple(options.format.split(",")))
    if not options.json:
        for name in written["files"]:
            print(name)
    return written


def _backup(options: argparse.Namespace) -> dict[str, Any]:
    settings, file = from_environment(), options.file.absolute()
    if not settings.database.exists():  # opening it would make one
        raise BadInput("backup_nothing", path=settings.database)
    try:
        with contextlib.closing(Database.open(settings.database)) as db:
            tables = backup.write(db, ADMINISTRATOR, file)
    except StoreLocked:
        tables = backup_requests.ask(settings.home, file)
    return _tables(tables, options)


def _restore(options: argparse.Namespace) -> dict[str, Any]:
    return _tables(backup.restore(from_environment().home, options.file.absolute()), options)


def _tables(tables: dict[str, int], options: argparse.Namespace) -> dict[str, Any]:
    if not options.json:
        for name, count in tables.items():
            print(f"{count:10,d}  {name}")
    return {"tables": tables}
