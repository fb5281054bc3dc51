"""Adds a document: a job reads the file in a child process, counts and encodes its passages, and writes them in one transaction.

Until its last step nothing is in the store, so a cancel, an error or a kill leaves nothing half added.
"""

import hashlib
import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import PurePath
from typing import Any

from kdrinks.config import ROOT
from kdrinks.documents.chunks import LINE_BREAK, SIZE_MAX_BYTES, SUFFIXES, page_word, plain
from kdrinks.errors import BadInput
from kdrinks.jobs import Job, Jobs
from kdrinks.permissions import administrators_only, owner_of
from kdrinks.records import ADMINISTRATOR, Passage, Visitor
from kdrinks.store import documents as store
from kdrinks.store.db import Database, new_id, now
from kdrinks.text import vectors
from kdrinks.text.analyzer import TERMS_VERSION, TextAnalyzer
from kdrinks.text.typed import clean

INDEX_VERSION = f"{TERMS_VERSION} {vectors.VERSION}"
"""Of stored words and vectors; those of another are made again (index_again)."""

KIND = "document"
READING, MENDING = 0.4, 0.3
"""Shares of the work that reading and mending words over line ends take; the rest is counting words and encoding."""
BATCH = 50


class DocumentIngest:
    """The work of one document on its way in.

    Raises BadInput when the file cannot be a document at all: its kind, its size, or one with the same content is there; NotAllowed.
    """

    def __init__(self, db: Database, who: Visitor, words: TextAnalyzer, name: str, content: bytes) -> None:
        administrators_only(who)
        self.file = clean(PurePath(name.replace("\\", "/")).name)
        self.title = plain(PurePath(self.file).stem) or self.file
        self.id = new_id()
        """Of the document."""
        self.content_hash = hash_of(content)
        self._db, self.who, self._words, self._content = db, who, words, content
        self._format = _checked(db, self.file, content, self.content_hash)

    def __call__(self, job: Job[Any]) -> str:
        """The document's id. Raises BadInput, StoreError, Cancelled; the document is in the store as a whole then, or not at all."""
        try:
            with job.turn():
                self._add(job)
        finally:
            self._content = b""  # jobs that are over are kept for a while
        return self.id

    def _add(self, job: Job[Any]) -> None:
        size = len(self._content)
        job.report("reading")
        read = self._read(job)
        self._content = b""
        job.report("indexing")

        def progress(done: int, of: int) -> None:
            job.check()
            job.report(fraction=READING + MENDING + (1 - READING - MENDING) * done / of)

        parts = indexed(self._words, self._parts(job, read["chunks"]), progress)
        document = store.Document(
            self.id, self.title, self.file, self._format, size, self.content_hash, read["pages"], len(parts), now()
        )
        job.check()
        store.add(self._db, self.who, document, parts, index_version=INDEX_VERSION, unread=read["unread"])

    def _read(self, job: Job[Any]) -> dict[str, Any]:
        """What the child found. Raises BadInput, Cancelled."""
        command = [sys.executable, "-X", "utf8", "-m", "kdrinks.documents.reader", self._format]
        child = subprocess.Popen(
            command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        assert child.stdin and child.stdout
        last: dict[str, Any] = {}
        with child:
            try:
                with job.when_stopped(child.kill):
                    with suppress(BrokenPipeError):  # it ended early; its exit tells
                        child.stdin.write(self._content)
                        child.stdin.close()
                    for line in child.stdout:
                        last = json.loads(line)
                        if "done" in last:
                            done, pages = last["done"], last["of"]
                            job.report("reading_pages", READING * done / pages, done=done, pages=pages)
            except ValueError:  # a line that was cut by the child's end
                last = {}
            finally:
                child.kill()
        job.check()
        if "error" in last:
            raise BadInput(last["error"], file=self.file, **last["values"])
        if "chunks" not in last:
            raise BadInput("document_too_complex", file=self.file)
        return last

    def _parts(self, job: Job[Any], chunks: Sequence[dict[str, Any]]) -> list[store.DocumentPassage]:
        parts = []
        for number, chunk in enumerate(chunks, 1):
            job.check()
            job.report(fraction=READING + MENDING * number / len(chunks))
            text, heading = (self._words.glued(chunk[name], LINE_BREAK) for name in ("text", "heading"))
            lang, page = chunk["lang"], chunk["page"]
            place = page_word(lang, self._format, page) if page else heading.rpartition(" › ")[2]
            named = f"{self.title}, {place}" if place and place != self.title else self.title
            passage = Passage(f"{self.id}.document.{number}.{lang}", self.id, "document", lang, named, text)
            parts.append(store.DocumentPassage(passage, number, heading, page, {}, None))
        return parts


def start(jobs: Jobs, work: DocumentIngest) -> Job[DocumentIngest]:
    """Add in the background, one document after the other: the processor is needed for answers. Raises StoreError."""
    return jobs.start(KIND, work, subject=work.file, key=work.content_hash, owner=owner_of(work.who))


def hash_of(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def indexed(
    words: TextAnalyzer,
    parts: Sequence[store.DocumentPassage],
    progress: Callable[[int, int], None] = lambda done, of: None,
) -> list[store.DocumentPassage]:
    """The parts with their words, those of title and headings twice, and their vectors."""
    done: list[store.DocumentPassage] = []
    for start in range(0, len(parts), BATCH):
        batch = parts[start : start + BATCH]
        encoded = vectors.of_passages([part.passage for part in batch])
        for part, vector in zip(batch, encoded, strict=True):
            passage, counts = part.passage, dict[str, int]()
            for text, weight in ((f"{passage.title} {part.heading}", 2), (passage.text, 1)):
                for term in words.search_terms(text, passage.lang):
                    counts[term] = counts.get(term, 0) + weight
            done.append(store.DocumentPassage(passage, part.number, part.heading, part.page, counts, vector))
        progress(len(done), len(parts))
    return done


def index_again(db: Database, words: TextAnalyzer) -> None:
    """Bring the words and vectors of documents that an older kdrinks added up to date, one document a transaction."""
    for document_id in store.outdated(db, INDEX_VERSION):
        store.index_again(
            db, document_id, indexed(words, store.parts(db, ADMINISTRATOR, document_id)), index_version=INDEX_VERSION
        )


def _checked(db: Database, file: str, content: bytes, content_hash: str) -> str:
    """The format of a file that may be read. Raises BadInput."""
    suffix = PurePath(file).suffix.lower().lstrip(".")
    if suffix == "doc":
        raise BadInput("document_old_word", file=file)
    if suffix == "hwp" and not content.startswith(b"PK"):  # some programs call a .hwpx so
        raise BadInput("document_old_hwp", file=file)
    if suffix not in SUFFIXES and suffix != "hwp":
        raise BadInput("document_format", file=file, found=suffix or "–")
    if len(content) > SIZE_MAX_BYTES:
        raise BadInput("document_too_large", file=file, limit=SIZE_MAX_BYTES // 1024**2)
    if not content.strip():
        raise BadInput("document_empty", file=file)
    if (title := store.titled(db, content_hash)) is not None:
        raise BadInput("document_already", file=file, title=title)
    return "hwpx" if suffix == "hwp" else SUFFIXES[suffix]
