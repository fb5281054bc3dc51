"""The worker process from outside: starts it, routes its lines to the requests that wait for them, tells how it ended.

Knows the protocol of worker.py's docstring, nothing of models or turns.
"""

import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Generator, Mapping
from typing import Any

import psutil

from kdrinks import errors
from kdrinks.config import ROOT
from kdrinks.engine.protocol import Stopped
from kdrinks.errors import EngineDied, KdrinksError

CLOSE_S = 5.0
"""How long a worker may take to end after its pipe was closed, before it is killed."""
STOP_S = 20.0
"""How long a worker may go on after a stop, before it is killed: a file's chat template may loop for ever, a driver may hang. Its longest
step is one slice of a prompt, about half a second."""
ENVIRONMENT = {"GOMP_SPINCOUNT": "1000"}
"""llama.cpp's threads wait for each other some hundred times a token, by default spinning: on 2 cores shared with others
a model of 126 M parameters then fell below 2 tokens/s, with short spins it keeps 17 (21 with one thread)."""
NOTHING: Mapping[str, object] = {}


class WorkerProcess:
    """One running child. Requests may come from several threads; the worker serves them in order."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-X", "utf8", "-m", "kdrinks.engine.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=ROOT,
            env={**ENVIRONMENT, **os.environ},
        )
        self._writing = threading.Lock()
        self._routes: dict[int, queue.SimpleQueue[dict[str, Any] | None]] = {}
        self._routing = threading.Lock()
        self._last_id = 0
        self._dead = False
        self._complaints: deque[str] = deque(maxlen=20)
        self._threads = [threading.Thread(target=run, daemon=True) for run in (self._route, self._drain)]
        for thread in self._threads:
            thread.start()

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def alive(self) -> bool:
        return not self._dead and self._process.poll() is None

    @property
    def reclaimable_bytes(self) -> int:
        """Memory that its end gives back: what is mapped from files counts as free already where the system tells it apart."""
        try:
            memory = psutil.Process(self.pid).memory_info()
        except psutil.Error:
            return 0
        return int(memory.rss - getattr(memory, "shared", 0))

    def request(
        self, op: str, values: Mapping[str, object] = NOTHING, stop: threading.Event | None = None
    ) -> Generator[dict[str, Any], None, None]:
        """Yields the events of a request, then one document with "result".

        stop: when set, the worker is told to stop this request. A generator that is closed early does the same and
        waits until the worker is free again. One that does not listen within STOP_S is killed.
        Raises EngineDied, Stopped or the KdrinksError that the worker answered with.
        """
        answers: queue.SimpleQueue[dict[str, Any] | None] = queue.SimpleQueue()
        with self._routing:
            self._last_id += 1
            number = self._last_id
            if self._dead:
                raise self._died()
            self._routes[number] = answers
        ended = False
        stopped_at: float | None = None
        try:
            self._send({"id": number, "op": op, **values})
            while True:
                if stop is not None and stop.is_set() and stopped_at is None:
                    stopped_at = time.monotonic()
                    self._send({"id": 0, "op": "stop", "target": number})
                try:
                    # A stop is the caller's own event: looked at twenty times a second and at each line.
                    document = answers.get(timeout=0.05 if stop is not None else None)
                except queue.Empty:
                    if stopped_at is not None and time.monotonic() - stopped_at > STOP_S:
                        ended = True
                        self._kill()
                        raise Stopped from None
                    continue
                if document is None:
                    ended = True
                    raise self._died()
                ended = "result" in document or "error" in document
                if "error" in document:
                    raise _error(document["error"])
                yield document
                if ended:
                    return
        finally:
            if not ended:
                self._send({"id": 0, "op": "stop", "target": number})
                self._wait_until_free(answers)
            with self._routing:
                self._routes.pop(number, None)

    def _wait_until_free(self, answers: "queue.SimpleQueue[dict[str, Any] | None]") -> None:
        until = time.monotonic() + STOP_S
        try:
            while (document := answers.get(timeout=max(0.0, until - time.monotonic()))) is not None:
                if "result" in document or "error" in document:
                    return
        except queue.Empty:
            self._kill()

    def _kill(self) -> None:
        self._process.kill()
        self._process.wait()

    def result(self, op: str, values: Mapping[str, object] = NOTHING, stop: threading.Event | None = None) -> Any:
        """The result of a request whose events do not matter."""
        return [document for document in self.request(op, values, stop)][-1]["result"]

    def close(self) -> None:
        """Ends the process: by closing its pipe, by force when that does not help."""
        with self._writing:
            if self._process.stdin:
                try:
                    self._process.stdin.close()
                except BrokenPipeError:
                    self._dead = True
        try:
            self._process.wait(CLOSE_S)
        except subprocess.TimeoutExpired:
            self._kill()
        for thread in self._threads:
            thread.join()

    def _send(self, document: Mapping[str, Any]) -> None:
        assert self._process.stdin
        line = json.dumps(document, ensure_ascii=False).encode("utf-8", errors="replace") + b"\n"
        with self._writing:
            try:
                self._process.stdin.write(line)
                self._process.stdin.flush()
            except (BrokenPipeError, ValueError):
                # Ended: the reading thread hears of it and wakes whoever waits.
                self._process.poll()

    def _route(self) -> None:
        assert self._process.stdout
        with self._process.stdout as lines:
            for line in lines:
                document = json.loads(line)
                with self._routing:
                    answers = self._routes.get(document["id"])
                if answers:
                    answers.put(document)
        self._process.wait()
        with self._routing:
            self._dead = True
            for answers in self._routes.values():
                answers.put(None)

    def _drain(self) -> None:
        assert self._process.stderr
        with self._process.stderr as lines:
            for line in lines:
                text = line.decode("utf-8", errors="replace").strip()
                if text:
                    self._complaints.append(text)

    def _died(self) -> EngineDied:
        self._threads[1].join(1.0)
        code = self._process.wait()
        if code < 0:
            name = signal.Signals(-code).name
            # Nobody but the system's memory guard kills a process this way unasked.
            key = "engine_killed" if name == "SIGKILL" else "engine_crashed"
            return EngineDied(key, cause=name, detail=self._last_words())
        return EngineDied("engine_crashed", cause=f"exit {code}", detail=self._last_words())

    def _last_words(self) -> str:
        return self._complaints[-1][:200] if self._complaints else "-"


def _error(document: Mapping[str, Any]) -> Exception:
    if document["type"] == "Stopped":
        return Stopped()
    kind: type[KdrinksError] = getattr(errors, document["type"])
    return kind(document["key"], **document["values"])
