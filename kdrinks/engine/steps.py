"""What goes on beside each step of a request in the worker: it says that it goes on, and the threads of the next step are chosen."""

import time
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

from kdrinks.engine.processors import OtherLoad
from kdrinks.engine.threads import Threads

BEAT_S = 1.0
"""How often a request says that it goes on, whatever else it says."""


class Steps:
    """Of one worker. Called by the thread that works and by nobody else: a beat is a proof that it does."""

    def __init__(self, say: Callable[[Mapping[str, Any]], None]) -> None:
        self._say = say
        self._request: Mapping[str, Any] = {}
        self._beat_at = self._decoded_at = 0.0
        self._load = OtherLoad()
        self._threads: Threads | None = None
        self._use: Callable[[int, int], None] = lambda writing, reading: None
        self._writing = 0
        self._wrote: Counter[int] = Counter()

    def follow(self, threads: int, use: Callable[[int, int], None], *, adjustable: bool) -> None:
        """Another model was loaded, which writes with so many threads; use(writing, reading) changes that, where it may be changed."""
        self._threads = Threads(threads) if adjustable and threads > 1 else None
        self._use, self._writing = use, threads

    def begin(self, request: Mapping[str, Any]) -> None:
        """Another request: its steps follow."""
        self._request = request
        self._wrote.clear()
        if self._threads and request["op"] in ("stream", "score", "raw"):
            pause_s = time.monotonic() - self._decoded_at
            self._threads.begin(pause_s, self._load.begin(), len(self._load.cores))
            self._choose(self._threads, None)

    @property
    def threads(self) -> int:
        """That wrote most of the request's tokens."""
        return max(self._wrote, key=self._wrote.__getitem__, default=self._writing)

    def beat(self) -> None:
        """The request goes on."""
        now = time.monotonic()
        if now - self._beat_at >= BEAT_S:
            self._beat_at = now
            self._say({"id": self._request["id"], "event": "beat"})

    def decoded(self, tokens: int, seconds: float) -> None:
        """A llama_decode of so many tokens took so long. What is measured keeps the threads that it began with."""
        self.beat()
        if tokens == 1:
            self._wrote[self._writing] += 1
        if self._threads and not ("bench_prompt" in self._request or self._request.get("measured")):
            self._decoded_at = time.monotonic()
            if tokens == 1:
                self._threads.wrote(seconds)
            self._choose(self._threads, self._load.sample())

    def _choose(self, threads: Threads, busy_cores: float | None) -> None:
        if busy_cores is not None:
            threads.others(busy_cores, len(self._load.cores))
        self._writing = threads.writing
        self._use(threads.writing, threads.reading)
