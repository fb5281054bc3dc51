"""Counting everything again when the rules or lists of words.py changed, in the background, while charts keep the old counts.

New answers are counted under the new version from the start; the older ones join it batch by batch, and when none is left the charts
change over in one transaction. An interrupted recount goes on where it was: what a message has under the new version is never counted
twice. Text that passages or people wrote in an answer (quotes) is not counted, as in the first counting.
"""

import threading
from contextlib import closing
from dataclasses import dataclass, field

from kdrinks.store import recount as stored
from kdrinks.store.db import Database
from kdrinks.text.analyzer import VERSION, TextAnalyzer

BATCH_MESSAGES = 200
"""About 0.2 s of counting; the store is written to once a batch."""


@dataclass(slots=True)
class Recount:
    """What a page shows of it; written by one thread, read by any."""

    done: int = 0
    total: int = 0
    """0 when nothing is to be counted again."""
    halt: threading.Event = field(default_factory=threading.Event)
    """Set it and the recount ends after its batch; the next start goes on."""


def own_text(answer: str) -> str:
    """An answer without the lines that quote passages."""
    return "\n".join(line for line in answer.splitlines() if not line.startswith(">"))


def count_again(db: Database, words: TextAnalyzer, progress: Recount, *, version: str = VERSION) -> bool:
    """Count everything under this version unless charts show it already; True when they changed over.

    Raises StoreError.
    """
    if not stored.needed(db, version):
        return False
    progress.done, progress.total = 0, stored.waiting(db, version)
    with closing(stored.messages(db, version, BATCH_MESSAGES)) as batches:
        for batch in batches:
            if progress.halt.is_set():
                return False
            stored.add(db, version, [(message, words.count(_counted_text(message))) for message in batch])
            progress.done += len(batch)
    stored.finish(db, version)
    progress.total = 0
    return True


def _counted_text(message: stored.Countable) -> str:
    return own_text(message.text) if message.role == "answer" else message.text
