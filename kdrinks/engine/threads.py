"""How many threads write and how many read: speeds and other load in, numbers out. Knows no clock, no system, no llama.cpp.

Two threads on 2 cores of which another program keeps one busy write half as fast as one (39.7 and 76.6 tokens/s of a model of 135 M
parameters), on 2 free cores 1.4 times as fast: neither number is right for long, so both are tried now and then and the faster stays.
"""

from math import floor

SMALL_PARAMETERS = 100_000_000
"""Below it a second thread has nothing to do but wait: 2,361 tokens/s with one thread, 23 with two on 2 busy cores (5 M parameters)."""
WINDOW_TOKENS, WINDOW_S = 4, 0.1
"""A speed is taken over this many tokens and seconds at least: a token that another program interrupts takes several times as long."""
FIRST_PAUSE_S, LAST_PAUSE_S = 0.5, 8.0
"""Seconds of writing between two trials: doubled each time a trial changes nothing, so that trials cost little of a long answer."""
BETTER = 1.05
"""Another number must be this much faster to stay."""
FELL = 0.7
"""A speed below this part of the one before says that something else runs now: the next trial need not wait."""
MUCH_BETTER = 1.3
"""And this much faster for reading to follow: fewer threads that only wait less for the memory are no reason to read with fewer."""
CHANGED = 0.4
"""Cores by which the others' use must change before it counts more than what a trial has shown."""
OLD_S = 30.0
"""After so long a pause a trial shows nothing any more."""
TAKEN, LEFT = 0.6, 0.3
"""Above TAKEN of a core that others use it is left to them, below LEFT it is used again."""


def most_threads(parameters: int, cores: int) -> int:
    """The most that are worth trying for a model. cores: that this process may use."""
    return 1 if parameters < SMALL_PARAMETERS else max(1, cores)


class Threads:
    """The rule for one model in memory, between 1 thread and `most`."""

    def __init__(self, most: int) -> None:
        self._most = self._room = most
        self._steps = sorted({max(1, most * quarter // 4) for quarter in range(1, 5)} | {1})
        self._settled = most
        self.writing = most
        """For the next single token."""
        self.reading = most
        """For the next slice of a prompt: what others leave, or trials have shown. A slice is too long to be one."""
        self._busy = 0.0
        self._busy_then: float | None = None
        """What the others used when a trial ended; None: no trial since that has changed."""
        self._speed = 0.0
        self._tokens, self._seconds = 0, 0.0
        self._since_s, self._pause_s = 0.0, FIRST_PAUSE_S
        self._upwards = False

    def begin(self, pause_s: float, busy_cores: float, cores: float) -> None:
        """Another answer, so long after the last one. busy_cores: a first guess, for who knows nothing better."""
        self.writing = self._settled
        self._tokens, self._seconds, self._speed = 0, 0.0, 0.0
        if pause_s > OLD_S:
            self._busy_then, self._pause_s = None, FIRST_PAUSE_S
        if self._busy_then is None:
            self.others(busy_cores, cores)

    def others(self, busy_cores: float, cores: float) -> None:
        """What other programs have used lately, of the cores that there are: where that changed, its answer holds until speeds say more."""
        self._busy = min(busy_cores, cores)
        if self._busy_then is not None and abs(self._busy - self._busy_then) < CHANGED:
            return
        free = cores - self._busy
        room = self._room
        room = min(room, floor(free + TAKEN)) if free + TAKEN < room else max(room, floor(free + LEFT))
        room = max(1, min(room, self._most))
        if room != self._room:
            self._room = self.reading = room
            self._busy_then = None
            self._settle(max(step for step in self._steps if step <= room))
            self._speed, self._pause_s = 0.0, FIRST_PAUSE_S

    def wrote(self, seconds: float) -> None:
        """One token took so long with `writing` threads."""
        self._tokens += 1
        self._seconds += seconds
        self._since_s += seconds
        whole = self._tokens >= WINDOW_TOKENS and self._seconds >= WINDOW_S
        if self.writing != self._settled:
            hopeless = self._seconds > 2 * max(WINDOW_TOKENS / self._speed, WINDOW_S)
            if whole or hopeless:
                self._judge()
        elif whole:
            before, self._speed = self._speed, self._tokens / self._seconds
            self._tokens, self._seconds = 0, 0.0
            fell = self._speed < FELL * before
            if fell:
                self._upwards = False
            if self._since_s >= (FIRST_PAUSE_S if fell else self._pause_s):
                self._try()

    def _try(self) -> None:
        place = self._steps.index(self._settled)
        other = place + (1 if self._upwards else -1)
        if not 0 <= other < len(self._steps):
            other = 2 * place - other
        self._upwards = not self._upwards
        if 0 <= other < len(self._steps):
            self.writing = self._steps[other]

    def _judge(self) -> None:
        speed = self._tokens / self._seconds
        more = self.writing > self._settled
        self._busy_then = self._busy
        if speed > BETTER * self._speed:
            if more:
                self.reading = max(self.reading, self.writing)
            elif speed > MUCH_BETTER * self._speed:
                self.reading = self.writing
            self._room = self.reading
            self._speed, self._pause_s = speed, FIRST_PAUSE_S
            self._upwards = more  # further the same way
            self._settle(self.writing)
        else:
            self._pause_s = min(2 * self._pause_s, LAST_PAUSE_S)
            self._settle(self._settled)

    def _settle(self, threads: int) -> None:
        self._settled = self.writing = threads
        self._tokens, self._seconds, self._since_s = 0, 0.0, 0.0
