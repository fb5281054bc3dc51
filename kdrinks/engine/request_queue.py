"""Whose turn it is: visitors take turns round-robin, requests of one visitor in their order. Knows nothing of models."""

import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager

MEASURED = 20
"""Of how many turns, the last ones, the time that each takes is the mean: a model that was exchanged is in the estimate after some questions."""


class RequestQueue:
    """A fair queue for what serves one at a time, or `places` of them.

    A person with ten requests waiting delays a newcomer by one of them, not by ten.
    """

    def __init__(self, places: int = 1, clock: Callable[[], float] = time.monotonic) -> None:
        self._changed = threading.Condition()
        self._waiting: OrderedDict[str, deque[object]] = OrderedDict()
        self._places = places
        self._clock = clock
        self._began: deque[float] = deque()
        """When each turn under way began. Which of them ends is not asked: the mean of their times is the same."""
        self._took_s: deque[float] = deque(maxlen=MEASURED)

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
                    if len(self._began) < self._places and self._first() is ticket:
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

    def done(self, *, measured: bool = True) -> None:
        """Gives the turn to the next one. Call it once for every wait() that ended with our turn.

        measured: False for what is no person's question, and says nothing of how long those take.
        """
        with self._changed:
            took_s = self._clock() - self._began.popleft()
            if measured:
                self._took_s.append(took_s)
            self._changed.notify_all()

    @contextmanager
    def turn(self, session: str, stop: threading.Event, told: Callable[[int, float | None], None]) -> Iterator[bool]:
        """A turn for as long as the block lasts; False where stop was set before it came. told: the position and left_s() of it, as they change."""
        waiting = self.wait(session, stop)
        with closing(waiting):
            while True:
                try:
                    position = next(waiting)
                except StopIteration as end:
                    came = bool(end.value)
                    break
                told(position, self.left_s(position))
        try:
            yield came
        finally:
            if came:
                self.done()

    def left_s(self, position: int) -> float | None:
        """How long a request at this position waits, by the last turns; None before one was measured."""
        with self._changed:
            return position * sum(self._took_s) / len(self._took_s) / self._places if self._took_s else None

    @property
    def busy(self) -> bool:
        return bool(self._began)

    @property
    def before_newcomer(self) -> int:
        """Turns before that of a session that has none yet: one of each that waits, however many it waits for."""
        with self._changed:
            return len(self._waiting) + len(self._began)

    @property
    def waiting(self) -> int:
        with self._changed:
            return sum(len(tickets) for tickets in self._waiting.values())

    def _first(self) -> object | None:
        return next(iter(self._waiting.values()))[0] if self._waiting else None

    def _start(self, session: str, ticket: object) -> None:
        self._began.append(self._clock())
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
