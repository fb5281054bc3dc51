"""The `documents` commands: add, list and remove people's own documents. They need the store: not beside a running app.

Returns documents and prints for people; exit status and --json are __main__'s.
"""

import argparse
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

from kdrinks.cli.base import Command
from kdrinks.cli.watch import watch
from kdrinks.config import from_environment
from kdrinks.documents import ingest
from kdrinks.drinks.names import packaged_names
from kdrinks.errors import BadInput
from kdrinks.files import NotRegular, open_regular
from kdrinks.jobs import Jobs
from kdrinks.records import ADMINISTRATOR
from kdrinks.store import documents as store
from kdrinks.store.db import Database
from kdrinks.text.analyzer import TextAnalyzer


def add(commands: Any, command: Command) -> None:
    """Adds `documents` and its commands; command: makes one, given name, function, text and where it belongs."""
    documents = commands.add_parser("documents", help="add, list and remove your own documents")
    within = documents.add_subparsers(required=True, metavar="COMMAND")
    sub = command("add", _add, "add a PDF, Word, HWPX, Markdown, text, CSV, HTML or MHTML file", within)
    sub.add_argument("file", type=Path)
    command("list", _list, "list the documents", within)
    command("remove", _remove, "delete a document with its passages, words and vectors", within).add_argument("id")


def _add(options: argparse.Namespace) -> dict[str, Any]:
    try:
        with open_regular(options.file) as file:
            content = file.read()
    except NotRegular as exc:
        raise BadInput("document_no_file", file=options.file) from exc
    except OSError as exc:
        raise BadInput("document_missing", file=options.file, cause=exc.strerror) from exc
    with closing(Database.open(from_environment().database)) as db:
        work = ingest.DocumentIngest(db, ADMINISTRATOR, TextAnalyzer(packaged_names()), options.file.name, content)
        job = ingest.start(Jobs(db), work)
        watch(job, lambda: print(f"{job.progress.step} {job.fraction:.0%}", file=sys.stderr))
        row = _row(store.listed(db, ADMINISTRATOR, document_id=work.id)[0], store.unread(db, ADMINISTRATOR))
    if not options.json:
        print(f"{row['id']}  {row['title']}  {row['passages']}")
    return row


def _list(options: argparse.Namespace) -> list[dict[str, Any]]:
    with closing(Database.open(from_environment().database)) as db:
        unread = store.unread(db, ADMINISTRATOR)
        rows = [_row(document, unread) for document in store.listed(db, ADMINISTRATOR)]
    if not options.json:
        for row in rows:
            print(f"{row['id']}  {row['format']:5s} {row['passages']:6d}  {row['title']}")
    return rows


def _remove(options: argparse.Namespace) -> dict[str, Any]:
    with closing(Database.open(from_environment().database)) as db:
        found = store.listed(db, ADMINISTRATOR, document_id=options.id) if options.id else []
        if not found:
            raise BadInput("document_unknown", found=options.id)
        row = _row(found[0], store.unread(db, ADMINISTRATOR))
        store.remove(db, ADMINISTRATOR, options.id)
    return row


def _row(document: store.Document, unread: dict[str, dict[str, int]]) -> dict[str, Any]:
    return {
        "id": document.id,
        "title": document.title,
        "file": document.file,
        "format": document.format,
        "size_bytes": document.size_bytes,
        "sha256": document.content_hash,
        "pages": document.pages,
        "passages": document.passages,
        "unread": unread.get(document.id, {}),
    }
