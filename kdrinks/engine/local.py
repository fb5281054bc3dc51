"""The engine as the rest of the app sees it: one model in memory unless asked for more, one request at a time, in fair turns.

Loads what a choice asks for, restarts a worker that died, and frees the memory when nobody asked for a while. Timings are
taken here and in the worker with a monotonic clock. Knows nothing of llama.cpp, questions, knowledge, pages or the store.
"""

import threading
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import asdict, replace
from typing import Any

from kdrinks.engine.answering import answered, built
from kdrinks.engine.bench import bench
from kdrinks.engine.devices import KnownDevices
from kdrinks.engine.memory import WorkerPool, base_of, stamp_of
from kdrinks.engine.planner import DirectPlanner, Planner
from kdrinks.engine.protocol import (
    Build,
    Done,
    Event,
    Loading,
    Queued,
    State,
    Stopped,
    local_model,
)
from kdrinks.engine.request_queue import RequestQueue
from kdrinks.engine.watchdog import limits_for_load
from kdrinks.errors import EngineDied, LoadFailed, ModelNotFound
from kdrinks.records import (
    Choice,
    Device,
    KeepAlive,
    Loaded,
    Message,
    Plan,
    RemoteModel,
    Sampling,
    Sentence,
    Timing,
)

Step = Generator[Loading, None, bool]


class LocalEngine:
    """Thread-safe; close() it, or end the process: the worker ends with it."""

    def __init__(self, clock: Callable[[], float] = time.monotonic, *, planner: Planner | None = None) -> None:
        self._clock = clock
        self._planner: Planner = planner or DirectPlanner()
        self._turns = RequestQueue()
        self._pool = WorkerPool()
        self._known = KnownDevices()
        self._keep = KeepAlive(idle_s=0)
        self._idle = threading.Timer(0, lambda: None)
        self._used_at = clock()

    @property
    def keep_alive(self) -> KeepAlive:
        """How long and how many models stay in memory; one, for as long as the engine lives, until somebody says otherwise."""
        return self._keep

    @keep_alive.setter
    def keep_alive(self, keep: KeepAlive) -> None:
        self._keep = keep
        self._pool.evict(keep.models - 1)
        if not self._turns.busy:
            self._start_idle_timer()

    @property
    def models(self) -> Sequence[RemoteModel]:
        return ()

    @property
    def state(self) -> State:
        pool, worker = self._pool, self._pool.worker
        alive = worker is not None and worker.alive
        return State(
            loaded=pool.loaded if alive else None,
            choice=pool.choice if alive else None,
            worker_pid=worker.pid if worker and alive else None,
            busy=self._turns.busy,
            waiting=self._turns.waiting,
            left_s=self._turns.left_s(self._turns.before_newcomer),
            idle_models=pool.idle_models,
            replaced=alive and pool.replaced,
        )

    @property
    def reclaimable_bytes(self) -> int:
        """Memory that unloading all models would give back now."""
        return self._pool.reclaimable_bytes

    def stream(
        self,
        build: Build,
        choice: Choice,
        sampling: Sampling,
        *,
        session: str = "",
        conversation: str = "",
        stop: threading.Event | None = None,
        sentences: Callable[[], Sequence[Sentence] | None] = lambda: None,
    ) -> Generator[Event, None, None]:
        """As Engine.stream; stop ends it within one slice of the prompt or one token, closing frees the engine before it returns."""
        called = self._clock()
        stop = stop or threading.Event()
        if not (yield from self._queued(session, stop)):
            yield self._stopped_early(choice, Timing(queue_s=self._clock() - called, total_s=self._clock() - called))
            return
        self._idle.cancel()
        try:
            timing = Timing(queue_s=self._clock() - called)
            try:
                load_started = self._clock()
                if (yield from self._ensure(choice, stop)):
                    timing = replace(timing, load_s=self._clock() - load_started)
                assert self._pool.worker and self._pool.loaded
                answer = answered(
                    self._pool.worker,
                    self._pool.loaded,
                    build,
                    sampling,
                    conversation=conversation,
                    stop=stop,
                    sentences=sentences,
                    timing=timing,
                    clock=self._clock,
                    called=called,
                )
                with closing(answer):
                    for event in answer:
                        if isinstance(event, Done):
                            self._pool.loaded = event.loaded
                        yield event
            except Stopped:
                yield self._stopped_early(choice, replace(timing, total_s=self._clock() - called))
        finally:
            self._done(measured=True)

    def _queued(self, session: str, stop: threading.Event) -> Generator[Queued, None, bool]:
        """Queued events until it is our turn (True) or stop was set (False). Position 1 is next."""
        waiting = self._turns.wait(session, stop)
        with closing(waiting):
            while True:
                try:
                    position = next(waiting)
                    yield Queued(position, self._turns.left_s(position))
                except StopIteration as end:
                    return bool(end.value)

    def _ensure(self, choice: Choice, stop: threading.Event | None = None) -> Step:
        """Loading events until the choice is in memory; returns whether it had to be loaded. The turn must be held."""
        loaded = yield from self._ensure_base(base_of(choice), stop)
        self._lay(choice, stop)
        return loaded

    def _lay(self, choice: Choice, stop: threading.Event | None) -> None:
        """The choice's adapter over its base, which is in use; asked each time, for its file may be another one by now."""
        pool = self._pool
        assert pool.worker and pool.loaded and pool.choice
        adapter = local_model(choice.model).adapter
        if adapter or pool.choice != base_of(choice):
            values = {
                "path": str(adapter.path.absolute()) if adapter else "",
                "scale": adapter.scale if adapter else 0.0,
            }
            pool.worker.may_hold(pool.worker.result("adapter", values, stop)["limit_bytes"])
        name, scale = (adapter.path.name, adapter.scale) if adapter else (None, None)
        pool.mark_loaded(choice, replace(pool.loaded, adapter=name, adapter_scale=scale))

    def _ensure_base(self, choice: Choice, stop: threading.Event | None) -> Step:
        """As _ensure, for a choice without an adapter; loaded again where its file is another one than the one that was read."""
        pool = self._pool
        pool.answering()
        path = local_model(choice.model).path
        stamp = stamp_of(path)
        if pool.loaded and pool.choice and base_of(pool.choice) == choice and stamp in (None, pool.stamp):
            return False
        if stamp is None:
            raise ModelNotFound("model_file_missing", file=str(path))
        if pool.change_to(choice, self._keep.models, stamp):
            return False
        devices = self._devices_to_plan()
        if pool.idle_models and not self._planner.fits_beside(choice, devices):
            pool.evict()
            devices = self._devices_to_plan()
        plans = self._planner.plans(choice, devices)
        number = 0
        while True:
            plan = plans[number]
            self._limit(choice, plan, devices)
            try:
                loaded = yield from self._load(choice, plan, stop)
            except (LoadFailed, EngineDied) as error:
                # Memory ran out, or the system's memory guard ended the worker; once it did, a plan may also fail because
                # a backend cannot do its KV type: try the next one then, too.
                no_memory = error.key in ("model_no_memory", "engine_killed")
                if no_memory and pool.evict():
                    continue
                if number + 1 == len(plans) or not (no_memory or number):
                    raise
                number += 1
            else:
                fallbacks = self._planner.fallbacks(choice, devices, plan)
                real = replace(plan, context_tokens=loaded.context_tokens)
                predicted = self._planner.predicted_bytes(choice, real) if loaded.used == "cpu" else 0
                loaded = replace(loaded, kv_type=plan.kv_type, stepped_down=fallbacks, predicted_bytes=predicted)
                pool.mark_loaded(choice, loaded)
                pool.stamp = stamp
                self._planner.record_success(choice, plan, devices, stepped=bool(fallbacks))
                return True

    def _limit(self, choice: Choice, plan: Plan, devices: Sequence[Device]) -> None:
        """Tells the worker's watchdog what this plan may take."""
        predicted_bytes = self._planner.predicted_bytes(choice, plan)
        size_bytes, _ = stamp_of(local_model(choice.model).path) or (
            0,
            0,
        )  # of a split model the first part, all in the prediction
        gpu = plan.gpu_layers != 0 and any(device.kind in ("gpu", "igpu") for device in devices)
        limits = limits_for_load(max(predicted_bytes, size_bytes), gpu=gpu, predicted_bytes=predicted_bytes)
        self._pool.alive().limits = limits

    def _load(self, choice: Choice, plan: Plan, stop: threading.Event | None) -> Generator[Loading, None, Loaded]:
        """Loading events of one try; returns what the loader reports."""
        worker = self._pool.alive()
        values = {
            "path": str(local_model(choice.model).path.absolute()),  # a split model finds its parts by this name
            "device": choice.device,
            "threads": choice.threads,
            **asdict(plan),
        }
        with closing(worker.request("load", values, stop)) as documents:
            for document in documents:
                if document.get("event") == "loading":
                    yield Loading(document["fraction"])
                elif "result" in document:
                    result = document["result"]
        worker.may_hold(result.pop("limit_bytes"))
        return Loaded(model_id=choice.model.id, requested=choice.device, **result)

    def _stopped_early(self, choice: Choice, timing: Timing) -> Done:
        """Done for a request that was stopped before its model was there, `used` is empty then, or by force."""
        loaded = self._pool.loaded if self._pool.choice == choice else None
        nothing = Loaded(
            choice.model.id, local_model(choice.model).path.name, "", 0, choice.device, "", 0, 0, 0.0, 0, 0
        )
        return Done("stopped", timing, loaded or nothing)

    def load(
        self,
        choice: Choice,
        progress: Callable[[float], None] = lambda fraction: None,
        stop: threading.Event | None = None,
    ) -> Loaded:
        """Loads the choice now; at once when it is in memory. progress: told the fraction read, in [0, 1].

        Raises Stopped when stop was set, EngineDied, LoadFailed, NotAModel, ModelNotFound.
        """
        with self._turn(stop=stop):
            for step in self._ensure(choice, stop):
                progress(step.fraction)
            assert self._pool.loaded
            return self._pool.loaded

    def preread(self, choice: Choice, build: Build, sampling: Sampling) -> None:
        """As Engine.preread; a turn for each slice, so that requests that wait are before the next one."""
        left, messages = 1, list[Message]()
        while left:
            with self._turn():
                worker, loaded = self._pool.worker, self._pool.loaded
                if self._pool.choice != choice or worker is None or loaded is None or not worker.alive:
                    return
                messages = messages or built(worker, loaded, build, sampling)
                asked = {"messages": [asdict(message) for message in messages], "thinking": sampling.thinking}
                left = worker.result("preread", asked)

    def forget(self, conversations: Sequence[str] = ()) -> None:
        """Drops what the workers keep of these conversations, of all when none is named; after the request in progress."""
        with self._turn():
            for worker in self._pool.workers:
                with suppress(EngineDied):  # its memory is gone with it
                    worker.result("forget", {"conversations": list(conversations)})

    def unload(self, stop: threading.Event | None = None) -> None:
        """Frees the memory of all models by ending their workers, after the request in progress. Raises Stopped."""
        with self._turn(stop=stop):
            self._pool.end()

    def _done(self, *, measured: bool = False) -> None:
        """Gives the turn to the next one; the time until idle models leave begins. measured: as RequestQueue.done."""
        self._used_at = self._clock()
        self._start_idle_timer()
        self._turns.done(measured=measured)

    def _start_idle_timer(self) -> None:
        self._idle.cancel()
        if self._keep.idle_s and (self._pool.loaded or self._pool.idle_models):
            left_s = self._keep.idle_s - (self._clock() - self._used_at)
            self._idle = threading.Timer(max(0.0, left_s), self._leave_when_idle)
            self._idle.daemon = True
            self._idle.start()

    def _leave_when_idle(self) -> None:
        for _ in self._turns.wait("", threading.Event()):
            pass
        try:
            # Somebody may have had a turn, or chosen another time, since the timer was started.
            if self._keep.idle_s and self._clock() - self._used_at >= self._keep.idle_s:
                self._pool.end()
            self._start_idle_timer()
        finally:
            self._turns.done(measured=False)

    def devices(self) -> list[Device]:
        """What llama.cpp can use on this machine; answers in the middle of a request too, and within seconds when the worker does not:
        then with what was known last (Device.fresh). Raises EngineDied."""
        return self._known.of(self._pool.alive())

    def _devices_to_plan(self) -> Sequence[Device]:
        """The same, but a plan that lasts for the model's life rests on what is so."""
        return self._known.note(self._pool.alive().result("devices"))

    def bench(self, choice: Choice, *, tokens: int = 256, prompt_tokens: int = 128, rounds: int = 5) -> dict[str, Any]:
        """engine.bench in a turn of its own. Raises EngineDied, LoadFailed, NotAModel, ModelNotFound, ContextTooSmall."""
        with self._turn():
            for _ in self._ensure(choice):
                pass
            worker, loaded = self._pool.alive(), self._pool.loaded
            assert loaded
            return bench(worker, loaded, self._clock, tokens=tokens, prompt_tokens=prompt_tokens, rounds=rounds)

    def score(
        self, choice: Choice, text: str, piece: int, *, session: str = "", stop: threading.Event | None = None
    ) -> dict[str, float]:
        """What worker.score says of one piece of a text, in a turn of its own.

        Raises Stopped when stop was set, EngineDied, LoadFailed, NotAModel, ModelNotFound.
        """
        with self._turn(session, stop):
            for _ in self._ensure(choice, stop):
                pass
            documents = list(self._pool.alive().request("score", {"text": text, "piece": piece}, stop))
            return dict(documents[-1]["result"])

    def close(self) -> None:
        """Ends the workers at once, in mid-answer too: whoever streams gets EngineDied."""
        self._idle.cancel()
        self._pool.end()

    @contextmanager
    def _turn(self, session: str = "", stop: threading.Event | None = None) -> Iterator[None]:
        """A turn in the queue for what is no answer. Raises Stopped when stop was set before it came."""
        waiting = self._queued(session, stop or threading.Event())
        while True:
            try:
                next(waiting)
            except StopIteration as end:
                if not end.value:
                    raise Stopped from None
                break
        self._idle.cancel()
        try:
            yield
        finally:
            self._done()
