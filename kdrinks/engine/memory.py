"""What is in memory: the model in use in its worker process, and beside it those that may stay, each in one of its own.

Starts workers at the first need and ends them. Knows nothing of turns, plans or requests; only who holds the turn
changes which model is in use.
"""

import threading
from dataclasses import dataclass, replace
from pathlib import Path

from kdrinks.engine.process import WorkerProcess
from kdrinks.files import regular
from kdrinks.records import Choice, Loaded, LocalModel

Stamp = tuple[int, int]
"""Bytes and time of change (ns) of a model's file: with another one it is another model, whatever its path."""


@dataclass(frozen=True, slots=True)
class _IdleModel:
    choice: Choice
    worker: WorkerProcess
    loaded: Loaded
    stamp: Stamp | None


def stamp_of(path: Path) -> Stamp | None:
    """None when there is no file."""
    try:
        status = regular(path)
    except OSError:
        return None
    return status.st_size, status.st_mtime_ns


def base_of(choice: Choice) -> Choice:
    """The choice without its adapter: what has to be loaded. An adapter is laid over it and costs a few MB."""
    model = choice.model
    return replace(choice, model=replace(model, adapter=None)) if isinstance(model, LocalModel) else choice


class WorkerPool:
    """Any thread may look. What differs in its adapter only is one model. `loaded` and `choice` are None while the worker holds no model."""

    def __init__(self) -> None:
        self._changing = threading.Lock()
        # Replaced, never changed: pages look while a worker takes its seconds to end.
        self._idle_models: tuple[_IdleModel, ...] = ()
        self.worker: WorkerProcess | None = None
        """Of the model in use; it may have died."""
        self.loaded: Loaded | None = None
        self.choice: Choice | None = None
        """What was asked for when `loaded` was loaded."""
        self.stamp: Stamp | None = None
        """Of the file of `loaded`, before it was read."""

    @property
    def idle_models(self) -> tuple[Loaded, ...]:
        """Models beside the one in use, least recently used first."""
        return tuple(idle.loaded for idle in self._idle_models if idle.worker.alive)

    @property
    def reclaimable_bytes(self) -> int:
        """What ending all of them would give back now."""
        return sum(worker.reclaimable_bytes for worker in self.workers)

    @property
    def workers(self) -> list[WorkerProcess]:
        """Those that run, the one in use included."""
        every = (*(idle.worker for idle in self._idle_models), self.worker)
        return [worker for worker in every if worker and worker.alive]

    def alive(self) -> WorkerProcess:
        """The running worker, a new one when there is none or it died."""
        with self._changing:
            if self.worker is None or not self.worker.alive:
                if self.worker:
                    self.worker.close()
                self.loaded = self.choice = None
                self.worker = WorkerProcess()
            return self.worker

    def answering(self) -> WorkerProcess:
        """As alive(), and it says that it is there: one that was stopped, or hangs, is replaced. Only for who holds the turn."""
        worker = self.alive()
        return worker if worker.responds() else self.alive()

    @property
    def replaced(self) -> bool:
        """Whether the file of the model in memory is another one by now."""
        if self.loaded is None or self.choice is None or not isinstance(self.choice.model, LocalModel):
            return False
        return stamp_of(self.choice.model.path) not in (None, self.stamp)

    def change_to(self, choice: Choice, models: int, stamp: Stamp) -> bool:
        """Makes room for another choice; True when its base rested in memory and is in use again now, with the adapter it had.

        models: how many may stay, the one in use included; what was in use until now rests where that allows it.
        stamp: of the choice's file now; what rests of the file that lay there before ends.
        """
        with self._changing:
            same = [idle for idle in self._idle_models if base_of(idle.choice) == base_of(choice)]
            resting = (idle for idle in same if idle.stamp == stamp and idle.worker.alive)
            found = next((idle for idle in resting if idle.worker.responds()), None)
            idle_models = [idle for idle in self._idle_models if idle not in same]
            for idle in same:
                if idle is not found:
                    idle.worker.close()  # it died or hung, and its pipes are still open; or its file is another one now
            other = self.choice is not None and base_of(self.choice) != base_of(choice)
            if models > 1 and self.worker and self.loaded and self.choice and other:
                idle_models.append(_IdleModel(self.choice, self.worker, self.loaded, self.stamp))
                self.worker = None
            self.loaded = self.choice = None
            self._idle_models = tuple(idle_models)
            if found:
                if self.worker:
                    self.worker.close()
                self.worker, self.loaded, self.choice = found.worker, found.loaded, found.choice
                self.stamp = found.stamp
        self.evict(models - 1)
        return found is not None

    def mark_loaded(self, choice: Choice, loaded: Loaded) -> None:
        """Notes what the worker has loaded."""
        self.loaded, self.choice = loaded, choice

    def evict(self, to: int = 0) -> bool:
        """Ends the least recently used of those that rest until at most `to` are left; whether any had to."""
        with self._changing:
            leaving = self._idle_models[: max(0, len(self._idle_models) - to)]
            self._idle_models = self._idle_models[len(leaving) :]
            for idle in leaving:
                idle.worker.close()
            return bool(leaving)

    def end(self) -> None:
        """Frees everything, at once."""
        self.evict()
        with self._changing:
            worker, self.worker = self.worker, None
            self.loaded = self.choice = None
            if worker:
                worker.close()
