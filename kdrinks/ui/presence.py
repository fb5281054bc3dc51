"""Who has a page of a hosted site open, so that nobody writes on for somebody who has left.

At home an answer goes on without its page, however long that is away: there it takes nothing from anybody. Here others wait for the same
processor. A reload is no leaving: its new page is there within GRACE_S.
"""

import threading
import time
from collections.abc import Callable, Iterable

from kdrinks.answer import Answer
from kdrinks.records import Visitor

GRACE_S = 3.0
"""For a reload to come back. With LOOKED_AT_S an answer ends within 5 s of its last tab."""
LOOKED_AT_S = 1.0
FORGOTTEN_S = 600.0


class Presence:
    """Thread-safe. connected: whether a session's WebSocket is open."""

    def __init__(self, connected: Callable[[str], bool], clock: Callable[[], float] = time.monotonic) -> None:
        self._connected = connected
        self._clock = clock
        self._lock = threading.Lock()
        self._sessions: dict[str, Visitor] = {}
        self._seen_at: dict[str, float] = {}
        """When a visitor, by id, last had a session that was connected."""

    def note(self, session_id: str, who: Visitor) -> None:
        """A page of this session was drawn for this visitor."""
        with self._lock:
            self._sessions[session_id] = who
            self._seen_at[who.id] = self._clock()

    def is_administrator(self, session_id: str) -> bool:
        """Whether the session's last page was drawn for an administrator; False for one that is not known."""
        with self._lock:
            found = self._sessions.get(session_id)
        return found is not None and found.administrator

    @property
    def visitors(self) -> int:
        """How many have a page open."""
        self._look()
        with self._lock:
            return len({who.id for who in self._sessions.values()})

    def stop_abandoned(self, answers: Iterable[Answer]) -> int:
        """Stop the answers of visitors who have had no page for GRACE_S; returns how many. Who was never noted is nobody's page."""
        self._look()
        now, stopped = self._clock(), 0
        for answer in answers:
            seen_at = self._seen_at.get(answer.question.who.id)
            if seen_at is not None and now - seen_at > GRACE_S and not answer.stopped:
                answer.stop()
                stopped += 1
        return stopped

    def _look(self) -> None:
        with self._lock:
            now = self._clock()
            for session_id, who in list(self._sessions.items()):
                if self._connected(session_id):
                    self._seen_at[who.id] = now
                else:
                    del self._sessions[session_id]
            for visitor_id, seen_at in list(self._seen_at.items()):
                if now - seen_at > FORGOTTEN_S:
                    del self._seen_at[visitor_id]
