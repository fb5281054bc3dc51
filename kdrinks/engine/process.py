"""The worker process from outside: starts it, routes its lines to the requests that wait for them, ends it when it hangs or holds too
much memory, tells how it ended.

Knows the protocol of worker.py's docstring, nothing of models or turns.
"""

import json
import os
import queue
import re
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Generator, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any

import psutil

from kdrinks import errors
from kdrinks.config import ROOT
from kdrinks.engine.protocol import Stopped
from kdrinks.engine.watchdog import LOOK_S, START_S, STOPPED_S, Limits, Silence, is_stopped, private_bytes
from kdrinks.errors import EngineDied, KdrinksError

COMMAND = ("-m", "kdrinks.engine.serving")
CLOSE_S = 5.0
"""How long a worker may take to end after its pipe was closed, before it is killed."""
KILL_S = 5.0
"""How long one may take to end after that; one that hangs in a driver cannot be killed, and nobody waits for it any more."""
PING_S = 5.0
"""How long a worker without work may take to say that it is there."""
STOP_S = 20.0
"""How long a worker may go on after a stop, before it is killed: a file's chat template may loop for ever, a driver may hang. Its longest
step is one slice of a prompt, about half a second."""
ENVIRONMENT = {"GOMP_SPINCOUNT": "1000", "GGML_NO_BACKTRACE": "1"}
"""llama.cpp's threads wait for each other some hundred times a token, by default spinning: on 2 cores shared with others
a model of 126 M parameters then fell below 2 tokens/s, with short spins it keeps 17 (21 with one thread).
An abort of ggml's starts gdb where there is one, which takes seconds and talks after ggml has said why."""
_REASON = re.compile(r"GGML_ASSERT|ggml_abort|what\(\):|\w(Error|Exception)\b|out of memory|CUDA error", re.IGNORECASE)
"""A line that says why a process ended, wherever it stands among its last ones."""
NOTHING: Mapping[str, object] = {}


class WorkerProcess:
    """One running child. Requests may come from several threads; the worker serves them in order."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-X", "utf8", *COMMAND],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=ROOT,
            env={**ENVIRONMENT, **os.environ},
        )
        self.limits = Limits()
        """What it may do now; whoever gives it a model says so."""
        self._outbox: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._routes: dict[int, queue.SimpleQueue[dict[str, Any] | None]] = {}
        self._routing = threading.Lock()
        self._last_id = 0
        self._dead = False
        self._spoke = False
        self._ended_by: EngineDied | None = None
        self._complaints: deque[str] = deque(maxlen=20)
        self._threads = [threading.Thread(target=run, daemon=True) for run in (self._route, self._drain, self._write)]
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
        self,
        op: str,
        values: Mapping[str, object] = NOTHING,
        stop: threading.Event | None = None,
        limits: Limits | None = None,
    ) -> Generator[dict[str, Any], None, None]:
        """Yields the events of a request, then one document with "result".

        stop: when set, the worker is told to stop this request. A generator that is closed early does the same and
        waits until the worker is free again. One that does not listen within STOP_S is killed, and one that breaks its limits.
        limits: of this request alone, in place of the worker's.
        Raises EngineDied, Stopped or the KdrinksError that the worker answered with.
        """
        number, answers = self._routed()
        ended = False
        stopped_at: float | None = None
        looked_at = time.monotonic()
        silence = Silence(looked_at)
        try:
            self._send({"id": number, "op": op, **values})
            while True:
                if stop is not None and stop.is_set() and stopped_at is None:
                    stopped_at = time.monotonic()
                    self._send({"id": 0, "op": "stop", "target": number})
                document: dict[str, Any] | None = {}
                with suppress(queue.Empty):
                    # A stop is the caller's own event: looked at twenty times a second and at each line.
                    document = answers.get(timeout=0.05 if stop is not None else LOOK_S)
                now = time.monotonic()
                if document:
                    silence.heard(now)
                if now - looked_at > LOOK_S:
                    looked_at = now
                    silence.look(now)
                    self._watch(silence, limits or self.limits)
                if document is None:
                    ended = True
                    raise self._died()
                if not document:
                    if stopped_at is not None and now - stopped_at > STOP_S:
                        ended = True
                        self._kill()
                        raise Stopped from None
                    continue
                if document.get("event") == "beat":
                    continue
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
            self._forget_route(number)

    def _routed(self) -> tuple[int, "queue.SimpleQueue[dict[str, Any] | None]"]:
        """A new request's number and where its answers will be; raises EngineDied."""
        answers: queue.SimpleQueue[dict[str, Any] | None] = queue.SimpleQueue()
        with self._routing:
            self._last_id += 1
            if self._dead:
                raise self._died()
            self._routes[self._last_id] = answers
            return self._last_id, answers

    def _forget_route(self, number: int) -> None:
        with self._routing:
            self._routes.pop(number, None)

    def may_hold(self, limit_bytes: int) -> None:
        """As it says itself, once its model is there; 0 keeps what was estimated."""
        if limit_bytes:
            self.limits = replace(self.limits, memory_bytes=limit_bytes)

    def _watch(self, silence: Silence, limits: Limits) -> None:
        """Kills the worker when it has been silent for too long or holds too much; whoever waits for it then hears why."""
        stopped = silence.seconds > STOPPED_S and is_stopped(self.pid)
        if stopped or silence.seconds > limits.silent_s + (0.0 if self._spoke else START_S):
            self._ended_by = EngineDied("engine_hung", seconds=round(silence.seconds))
        elif limits.memory_bytes and private_bytes(self.pid) > limits.memory_bytes:
            self._ended_by = EngineDied("engine_memory_limit", limit=f"{limits.memory_bytes / 1e9:,.1f}")
        if self._ended_by:
            self._kill()

    def at_once(self, op: str, within_s: float) -> Any | None:
        """The result of what a worker answers in the midst of its work too; None when it does not within this time. Raises EngineDied."""
        number, answers = self._routed()
        try:
            self._send({"id": number, "op": op})
            document = answers.get(timeout=within_s + (0.0 if self._spoke else START_S))
        except queue.Empty:
            return None
        finally:
            self._forget_route(number)
        if document is None:
            raise self._died()
        return document["result"]

    def responds(self) -> bool:
        """Whether a worker that has nothing to do is there; one that is not is killed: it was stopped, or hangs."""
        try:
            for _ in self.request("ping", limits=Limits(PING_S, self.limits.memory_bytes)):
                pass
        except EngineDied:
            return False
        return True

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
        try:
            self._process.wait(KILL_S)
        except subprocess.TimeoutExpired:
            self._end_routes()

    def _end_routes(self) -> None:
        with self._routing:
            self._dead = True
            for answers in self._routes.values():
                answers.put(None)

    def result(self, op: str, values: Mapping[str, object] = NOTHING, stop: threading.Event | None = None) -> Any:
        """The result of a request whose events do not matter."""
        return [document for document in self.request(op, values, stop)][-1]["result"]

    def close(self) -> None:
        """Ends the process: by closing its pipe, by force when that does not help."""
        self._outbox.put(None)
        until = time.monotonic() + CLOSE_S
        while self._process.poll() is None:
            try:
                self._process.wait(LOOK_S)
            except subprocess.TimeoutExpired:
                if time.monotonic() > until or is_stopped(self.pid):
                    self._kill()
                    break
        if self._process.poll() is not None:
            for thread in self._threads:
                thread.join()

    def _send(self, document: Mapping[str, Any]) -> None:
        self._outbox.put(json.dumps(document, ensure_ascii=False).encode("utf-8", errors="replace") + b"\n")

    def _write(self) -> None:
        """In a thread of its own: a pipe that nobody reads is full after 64 KB, and a prompt may be longer."""
        assert self._process.stdin
        with suppress(OSError, ValueError), self._process.stdin as pipe:
            while (line := self._outbox.get()) is not None:
                pipe.write(line)
                pipe.flush()

    def _route(self) -> None:
        assert self._process.stdout
        with self._process.stdout as lines:
            for line in lines:
                self._spoke = True
                document = json.loads(line)
                with self._routing:
                    answers = self._routes.get(document["id"])
                if answers:
                    answers.put(document)
        self._process.wait()
        self._end_routes()

    def _drain(self) -> None:
        assert self._process.stderr
        with self._process.stderr as lines:
            for line in lines:
                text = line.decode("utf-8", errors="replace").strip()
                if text:
                    self._complaints.append(text)

    def _died(self) -> EngineDied:
        if self._ended_by:
            return self._ended_by
        code = self._process.poll()
        if code is None:
            return EngineDied("engine_hung", seconds=round(STOP_S))
        self._threads[1].join(1.0)
        if code < 0:
            name = signal.Signals(-code).name
            # Nobody but the system's memory guard kills a process this way unasked.
            key = "engine_killed" if name == "SIGKILL" else "engine_crashed"
            return EngineDied(key, cause=name, detail=self._last_words())
        return EngineDied("engine_crashed", cause=f"exit {code}", detail=self._last_words())

    def _last_words(self) -> str:
        """The reason among its last lines, the last of them where none says one; without the folders of whoever compiled llama.cpp."""
        lines = list(self._complaints)
        said = next((line for line in reversed(lines) if _REASON.search(line)), lines[-1] if lines else "-")
        return re.sub(r"^/\S*/", "", said)[:200]


def _error(document: Mapping[str, Any]) -> Exception:
    if document["type"] == "Stopped":
        return Stopped()
    kind: type[KdrinksError] = getattr(errors, document["type"])
    return kind(document["key"], **document["values"])
