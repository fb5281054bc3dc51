"""DocumentIngest a document: a thread of its own reads the file in a child process, counts and encodes its passages, and writes them in one transaction.

No page change stops it. Until its last step nothing is in the store, so a cancel, an error or a kill leaves nothing half added.
"""

import hashlib
import json
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import PurePath
from typing import Any

from kdrinks.config import ROOT
from kdrinks.documents.chunks import LINE_BREAK, SIZE_MAX_BYTES, SUFFIXES, page_word, plain
from kdrinks.errors import BadInput, KdrinksError
from kdrinks.records import Passage
from kdrinks.store import documents as store
from kdrinks.store.db import Database, new_id, now
from kdrinks.text import vectors
from kdrinks.text.analyzer import VERSION, TextAnalyzer

INDEX_VERSION = f"{VERSION} {vectors.VERSION}"
"""Of stored words and vectors; those of another are made again (index_again)."""

READING, MENDING = 0.4, 0.3
"""Shares of the work that reading and mending words over line ends take; the rest is counting words and encoding."""
BATCH = 50

_ONE_AT_A_TIME = threading.Lock()
"""Documents wait for each other: the processor is needed for answers."""


class Cancelled(Exception):
    """A person changed their mind."""


class DocumentIngest:
    """One document on its way in; starts at once. Attributes are safe to read from any thread.

    Raises BadInput when the file cannot be a document at all: its kind, its size, or one with the same content is there.
    """

    def __init__(self, db: Database, words: TextAnalyzer, name: str, content: bytes) -> None:
        self.file = PurePath(name.replace("\\", "/")).name
        self.title = plain(PurePath(self.file).stem) or self.file
        self.id = new_id()
        self.phase = "waiting"
        """waiting, reading, indexing, done, failed or cancelled."""
        self.fraction = 0.0
        """Of the whole work, in [0, 1]; never falls."""
        self.done_pages = self.pages = 0
        """While a file with pages is read; 0 of 0 otherwise."""
        self.error: KdrinksError | None = None
        self._db, self._words, self._content = db, words, content
        self._format = _checked(db, self.file, content)
        self._ended = threading.Event()
        self._halt = threading.Event()
        self._child: subprocess.Popen[bytes] | None = None
        threading.Thread(target=self._run, name=f"document-{self.id[-6:]}", daemon=True).start()

    @property
    def over(self) -> bool:
        return self._ended.is_set()

    def cancel(self) -> None:
        """Stop when the step under way ends. The document is then in the store as a whole, or not at all."""
        self._halt.set()
        if child := self._child:
            with suppress(OSError):
                child.kill()

    def wait(self, timeout_s: float | None = None) -> bool:
        """Whether it ended within the time."""
        return self._ended.wait(timeout_s)

    def _run(self) -> None:
        phase = "failed"
        try:
            while not _ONE_AT_A_TIME.acquire(timeout=0.1):
                self._raise_if_cancelled()
            try:
                self._add()
            finally:
                _ONE_AT_A_TIME.release()
            phase = "done"
        except Cancelled:
            phase = "cancelled"
        except KdrinksError as error:
            self.error = error
        except BaseException:
            self.error = KdrinksError("document_failed", file=self.file)
            raise  # a bug: its traceback belongs in the log
        finally:
            self._content = b""
            self.phase = phase
            self._ended.set()

    def _add(self) -> None:
        size, content_hash = len(self._content), hash_of(self._content)
        self.phase = "reading"
        read = self._read()
        self._content = b""
        self.phase = "indexing"
        parts = indexed(self._words, self._parts(read["chunks"]), self._index_progress)
        document = store.Document(
            self.id, self.title, self.file, self._format, size, content_hash, read["pages"], len(parts), now()
        )
        self._raise_if_cancelled()
        store.add(self._db, document, parts, index_version=INDEX_VERSION)
        self.fraction = 1.0

    def _read(self) -> dict[str, Any]:
        """What the child found. Raises BadInput, Cancelled."""
        command = [sys.executable, "-X", "utf8", "-m", "kdrinks.documents.reader", self._format]
        child = self._child = subprocess.Popen(
            command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        assert child.stdin and child.stdout
        last: dict[str, Any] = {}
        with child:
            try:
                self._raise_if_cancelled()  # a cancel before the child was there
                with suppress(BrokenPipeError):  # it ended early; its exit tells
                    child.stdin.write(self._content)
                    child.stdin.close()
                for line in child.stdout:
                    last = json.loads(line)
                    if "done" in last:
                        self.done_pages, self.pages = last["done"], last["of"]
                        self.fraction = READING * last["done"] / last["of"]
            except ValueError:  # a line that was cut by the child's end
                last = {}
            finally:
                child.kill()
        self._raise_if_cancelled()
        if "error" in last:
            raise BadInput(last["error"], file=self.file, **last["values"])
        if "chunks" not in last:
            raise BadInput("document_too_complex", file=self.file)
        return last

    def _parts(self, chunks: Sequence[dict[str, Any]]) -> list[store.DocumentPassage]:
        parts = []
        for number, chunk in enumerate(chunks, 1):
            self._raise_if_cancelled()
            self.fraction = READING + MENDING * number / len(chunks)
            text, heading = (self._words.glued(chunk[name], LINE_BREAK) for name in ("text", "heading"))
            lang, page = chunk["lang"], chunk["page"]
            place = page_word(lang, self._format, page) if page else heading.rpartition(" › ")[2]
            named = f"{self.title}, {place}" if place and place != self.title else self.title
            passage = Passage(f"{self.id}.document.{number}.{lang}", self.id, "document", lang, named, text)
            parts.append(store.DocumentPassage(passage, number, heading, page, {}, None))
        return parts

    def _index_progress(self, done: int, of: int) -> None:
        self._raise_if_cancelled()
        self.fraction = READING + MENDING + (1 - READING - MENDING) * done / of

    def _raise_if_cancelled(self) -> None:
        if self._halt.is_set():
            raise Cancelled


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
        store.index_again(db, document_id, indexed(words, store.parts(db, document_id)), index_version=INDEX_VERSION)


def _checked(db: Database, file: str, content: bytes) -> str:
    """The format of a file that may be read. Raises BadInput."""
    suffix = PurePath(file).suffix.lower().lstrip(".")
    if suffix == "doc":
        raise BadInput("document_old_word", file=file)
    if suffix not in SUFFIXES:
        raise BadInput("document_format", file=file, found=suffix or "–")
    if len(content) > SIZE_MAX_BYTES:
        raise BadInput("document_too_large", file=file, limit=SIZE_MAX_BYTES // 1024**2)
    if not content.strip():
        raise BadInput("document_empty", file=file)
    if (title := store.titled(db, hash_of(content))) is not None:
        raise BadInput("document_already", file=file, title=title)
    return SUFFIXES[suffix]
