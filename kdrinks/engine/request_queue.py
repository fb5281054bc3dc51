"""Whose turn it is: sessions take turns round-robin, requests of one session in their order. Knows nothing of models."""

import threading
from collections import OrderedDict, deque
from collections.abc import Generator


class RequestQueue:
    """A fair queue for one thing that serves one at a time.

    A person with ten requests waiting delays a newcomer by one of them, not by ten.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._waiting: OrderedDict[str, deque[object]] = OrderedDict()
        self._current: object | None = None

    def wait(self, session: str, stop: threading.Event) -> Generator[int, None, bool]:
        """Yields the position (1 is next) when others are before, again at each change; returns True at our turn.

        Returns False when stop was set before that. After True, done() must follow.
        """
        ticket = object()
        reported = 0
        with self._changed:
            self._waiting.setdefault(session, deque()).append(ticket)
            self._changed.notify_all()
        try:
            while True:
                with self._changed:
                    if stop.is_set():
                        return False
                    if self._current is None and self._first() is ticket:
                        self._start(session, ticket)
                        return True
                    position = self._position(session, ticket)
                    if position == reported:
                        # Stop is the caller's own event: looked at ten times a second.
                        self._changed.wait(0.1)
                        continue
                    reported = position
                yield position
        finally:
            with self._changed:
                self._leave(session, ticket)

    def done(self) -> None:
        """Gives the turn to the next one. Call it once for every wait() that ended with our turn."""
        with self._changed:
            self._current = None
            self._changed.notify_all()

    @property
    def busy(self) -> bool:
        return self._current is not None

    @property
    def waiting(self) -> int:
        with self._changed:
            return sum(len(tickets) for tickets in self._waiting.values())

    def _first(self) -> object | None:
        return next(iter(self._waiting.values()))[0] if self._waiting else None

    def _start(self, session: str, ticket: object) -> None:
        self._current = ticket
        self._leave(session, ticket)
        if session in self._waiting:
            self._waiting.move_to_end(session)

    def _leave(self, session: str, ticket: object) -> None:
        tickets = self._waiting.get(session)
        if tickets and ticket in tickets:
            tickets.remove(ticket)
            if not tickets:
                del self._waiting[session]
            self._changed.notify_all()

    def _position(self, session: str, ticket: object) -> int:
        rounds = self._waiting[session].index(ticket)
        before = 0
        passed = False
        for name, tickets in self._waiting.items():
            if name == session:
                passed = True
                before += rounds
            else:
                before += min(len(tickets), rounds if passed else rounds + 1)
        return before + 1
