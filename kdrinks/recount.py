"""Counting everything again when the rules or lists of words.py changed, in the background, while charts keep the old counts.

New answers are counted under the new version from the start; the older ones join it batch by batch, and when none is left the charts
change over in one transaction. An interrupted recount goes on where it was: what a message has under the new version is never counted
twice. Text that passages or people wrote in an answer (quotes) is not counted, as in the first counting.
"""

from contextlib import closing
from typing import Any

from kdrinks.jobs import Job, Jobs
from kdrinks.store import recount as stored
from kdrinks.store.db import Database
from kdrinks.text.analyzer import VERSION, TextAnalyzer

BATCH_MESSAGES = 200
"""About 0.2 s of counting; the store is written to once a batch."""
KIND = "recount"


class Recount:
    """The work of a recount; its result is True when charts changed over. Raises StoreError, Cancelled."""

    def __init__(self, db: Database, words: TextAnalyzer, *, version: str = VERSION) -> None:
        self.version = version
        self._db, self._words = db, words

    def __call__(self, job: Job[Any]) -> bool:
        total, done = stored.waiting(self._db, self.version), 0
        job.report("counting", done=done, total=total)
        with closing(stored.messages(self._db, self.version, BATCH_MESSAGES)) as batches:
            for batch in batches:
                job.check()
                counted = [(message, self._words.count(_counted_text(message))) for message in batch]
                stored.add(self._db, self.version, counted)
                done += len(batch)
                job.report(fraction=done / total if total else 1.0, done=done, total=total)
        stored.finish(self._db, self.version)
        return True


def own_text(answer: str) -> str:
    """An answer without the lines that quote passages."""
    return "\n".join(line for line in answer.splitlines() if not line.startswith(">"))


def count_again(jobs: Jobs, db: Database, words: TextAnalyzer, *, version: str = VERSION) -> Job[Recount] | None:
    """The job that counts everything under this version; None where charts show it already. Raises StoreError."""
    if not stored.needed(db, version):
        return None
    return jobs.start(KIND, Recount(db, words, version=version), subject=version)


def _counted_text(message: stored.Countable) -> str:
    return own_text(message.text) if message.role == "answer" else message.text
