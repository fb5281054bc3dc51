"""When what was put away (store/undo.py) is deleted: one thread at a time, which sleeps until the newest of it is due and deletes all at once.

Deleting writes the file anew and nobody reads or writes meanwhile, so several deletions share one rewrite and no page begins another.
"""

import logging
import threading
import time

from kdrinks.errors import KdrinksError
from kdrinks.store import forget
from kdrinks.store.db import Database

RETRY_S = 60.0
"""After one that failed, such as on a full disk."""

log = logging.getLogger(__name__)


class Deletions:
    def __init__(self, db: Database, closing: threading.Event) -> None:
        """closing: set when the app ends; the next start does what is left."""
        self._db = db
        self._closing = closing
        self._lock = threading.Lock()
        self._at_work = False
        self._due_at = 0.0  # monotonic, as the next ones
        self._latest_at = 0.0
        self._not_before = 0.0

    def carry_out(self, after_s: float = 0.0) -> None:
        """Delete what is over by then, in the background. Returns at once; the thread that is at work is left to it where there is one."""
        due_at = time.monotonic() + after_s
        with self._lock:
            if self._at_work:
                self._due_at = max(self._due_at, due_at)
                return
            self._begin(due_at)
            self._at_work = True
        threading.Thread(target=self._work, name="deletion", daemon=True).start()

    def _begin(self, due_at: float) -> None:
        self._due_at = due_at
        # where one deletion follows the other nobody's waits for longer than twice its time
        self._latest_at = due_at + forget.UNDO_S

    def _work(self) -> None:
        try:
            self._delete_as_due()
        except BaseException:
            # a bug: its traceback belongs in the log, and the next deletion has a thread of its own
            self._at_work = False
            raise

    def _delete_as_due(self) -> None:
        while True:
            with self._lock:
                started_at = time.monotonic()
                left_s = max(min(self._due_at, self._latest_at), self._not_before) - started_at
            if self._closing.wait(max(left_s, 0.0)):
                return
            if left_s > 0:
                continue
            try:
                forget.carry_out(self._db)
            except KdrinksError as error:
                log.warning("%s", error)  # the next visit, the next day and the next start try again
                self._not_before = time.monotonic() + RETRY_S
            with self._lock:
                if self._due_at <= started_at:
                    self._at_work = False
                    return
                self._begin(self._due_at)
