"""A file that is not whole yet: its bytes, the note of which are there, and the proof that they are right.

Beside `name.gguf` lie `name.gguf.part` (the bytes, in the whole length) and `name.gguf.part.json` (which of them are
there, what the whole must hash to). The file gets its name only after its SHA-256 was right. Knows no network.
"""

import hashlib
import io
import json
import os
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from kdrinks.errors import HubError
from kdrinks.files import is_regular, open_regular, regular
from kdrinks.jobs import Cancelled

SEGMENT_BYTES = (1 << 20, 64 << 20)
"""Smallest and largest range of one request; a sixteenth of the file between them."""
NOTE_BYTES = 16 << 20
CHECKPOINTS = 200
"""Times that the bytes are made safe during a file: a kill loses at most this part of it, half a percent."""


@dataclass(frozen=True, slots=True)
class Source:
    """Where a file is and what it must be."""

    url: str
    size_bytes: int
    sha256: str
    origin: str
    """`owner/name:path`, as people know it."""
    headers: Callable[[], Mapping[str, str]]
    """The request's own headers, made anew each time so that a token is kept nowhere."""


class Watcher(Protocol):
    """Hears of progress from several threads."""

    def received(self, count: int) -> None: ...

    def waiting(self, seconds: float) -> None: ...

    def verified(self, count: int) -> None: ...


class PartFile:
    """The incomplete file and its state on disk. Thread-safe."""

    def __init__(self, target: Path, source: Source) -> None:
        """Goes on from what is there when it is of the same file, else begins anew. Writes nothing yet."""
        self.target = target
        self.path = part_path(target)
        self.source = source
        self._lock = threading.Lock()
        self._saving = threading.Lock()
        self._unsaved = 0
        smallest, largest = SEGMENT_BYTES
        self.segment_bytes = max(smallest, min(largest, source.size_bytes // 16))
        saved = read_state(target)
        if saved and (saved["size_bytes"], saved["sha256"]) == (source.size_bytes, source.sha256):
            self.segment_bytes, self.done = saved["segment_bytes"], list(saved["done"])
        else:
            self.done = [0] * -(-source.size_bytes // self.segment_bytes)

    @property
    def done_bytes(self) -> int:
        return sum(self.done)

    @property
    def missing(self) -> list[int]:
        """Segments that are not whole."""
        return [index for index, done in enumerate(self.done) if done < self.length(index)]

    def length(self, index: int) -> int:
        return min(self.segment_bytes, self.source.size_bytes - index * self.segment_bytes)

    def create(self) -> None:
        """Makes the file in its whole length, without taking the room yet. Raises OSError."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        if not is_regular(self.path, follow=False):
            # the file that a link leads to is not ours to write, and opening a pipe would wait for ever
            self.path.unlink(missing_ok=True)
        with self.path.open("ab") as stream:
            stream.truncate(self.source.size_bytes)
        self.save()

    def write(self, stream: io.FileIO, index: int, data: bytes) -> None:
        """Appends to a segment; stream: an unbuffered one of this thread's own. Raises OSError."""
        stream.seek(index * self.segment_bytes + self.done[index])
        view = memoryview(data)
        while view:
            view = view[stream.write(view) :]
        with self._lock:
            self.done[index] += len(data)
            self._unsaved += len(data)
            due = self._unsaved >= max(128 << 10, self.source.size_bytes // CHECKPOINTS)
            if due:
                self._unsaved = 0
        if due:
            self.save()

    def save(self) -> None:
        """Makes the bytes safe, then the note that they are there. Raises OSError."""
        with self._saving:
            with self._lock:
                state = {
                    "origin": self.source.origin,
                    "size_bytes": self.source.size_bytes,
                    "sha256": self.source.sha256,
                    "segment_bytes": self.segment_bytes,
                    "done": list(self.done),
                }
            with self.path.open("r+b") as stream:
                os.fsync(stream.fileno())
            note = state_path(self.target)
            fresh = note.with_suffix(".new")
            fresh.unlink(missing_ok=True)
            with fresh.open("x", encoding="utf-8") as text:
                json.dump(state, text)
                text.flush()
                os.fsync(text.fileno())
            fresh.replace(note)

    def verify(self, stop: threading.Event, watcher: Watcher) -> None:
        """Raises HubError when the bytes are not those that the Hub names; they are thrown away then. Raises Cancelled.

        Always anew, just before the file gets its name: a note that says they were right once can be anybody's.
        """
        found = sha256_of(self.path, stop, watcher)
        if found != self.source.sha256:
            self.discard()
            raise HubError(
                "download_damaged", file=self.source.origin, expected=self.source.sha256[:16], found=found[:16]
            )

    def finish(self) -> None:
        """Gives the verified file its name."""
        self.path.replace(self.target)
        state_path(self.target).unlink(missing_ok=True)

    def discard(self) -> None:
        self.path.unlink(missing_ok=True)
        state_path(self.target).unlink(missing_ok=True)


def part_path(target: Path) -> Path:
    return target.with_name(target.name + ".part")


def state_path(target: Path) -> Path:
    return target.with_name(target.name + ".part.json")


def read_state(target: Path) -> dict[str, Any] | None:
    """What the note beside a target says; None without one, when it does not fit the bytes, or when these are a link's."""
    try:
        with open_regular(state_path(target)) as stream:
            state = json.loads(stream.read(NOTE_BYTES).decode("utf-8"))
        size, segment, done = state["size_bytes"], state["segment_bytes"], state["done"]
        if not 0 < size <= len(done) * segment:  # before a list is made of what may be any number
            return None
        lengths = [min(segment, size - start) for start in range(0, size, segment)]
        fits = len(done) == len(lengths) and all(
            type(have) is int and 0 <= have <= length for have, length in zip(done, lengths, strict=True)
        )
        whole = regular(part_path(target), follow=False).st_size == size
        named = all(isinstance(state[key], str) for key in ("origin", "sha256"))
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None
    return state if fits and whole and named else None


def sha256_of(path: Path, stop: threading.Event, watcher: Watcher) -> str:
    """The hash of a file in hexadecimal. Raises Cancelled, OSError."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while data := stream.read(1 << 20):
            if stop.is_set():
                raise Cancelled
            digest.update(data)
            watcher.verified(len(data))
    return digest.hexdigest()
