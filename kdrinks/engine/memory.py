"""What is in memory: the model in use in its worker process, and beside it those that may stay, each in one of its own.

Starts workers at the first need and ends them. Knows nothing of turns, plans or requests; only who holds the turn
changes which model is in use.
"""

import threading
from dataclasses import dataclass

from kdrinks.engine.process import WorkerProcess
from kdrinks.records import Choice, Loaded


@dataclass(frozen=True, slots=True)
class _Resting:
    choice: Choice
    worker: WorkerProcess
    loaded: Loaded


class Memory:
    """Any thread may look. `loaded` and `choice` are None while the worker holds no model."""

    def __init__(self) -> None:
        self._changing = threading.Lock()
        # Replaced, never changed: pages look while a worker takes its seconds to end.
        self._resting: tuple[_Resting, ...] = ()
        self.worker: WorkerProcess | None = None
        """Of the model in use; it may have died."""
        self.loaded: Loaded | None = None
        self.choice: Choice | None = None
        """What was asked for when `loaded` was loaded."""

    @property
    def resting(self) -> tuple[Loaded, ...]:
        """Models beside the one in use, least recently used first."""
        return tuple(one.loaded for one in self._resting if one.worker.alive)

    @property
    def own_bytes(self) -> int:
        """What ending all of them would give back now."""
        return sum(worker.own_bytes for worker in self.workers)

    @property
    def workers(self) -> list[WorkerProcess]:
        """Those that run, the one in use included."""
        every = (*(one.worker for one in self._resting), self.worker)
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

    def change_to(self, choice: Choice, models: int) -> bool:
        """Makes room for another choice; True when it rested in memory and is in use again now.

        models: how many may stay, the one in use included; what was in use until now rests where that allows it.
        """
        with self._changing:
            found = next((one for one in self._resting if one.choice == choice and one.worker.alive), None)
            resting = [one for one in self._resting if one.choice != choice]
            for one in self._resting:
                if one.choice == choice and one is not found:
                    one.worker.close()  # it died; its pipes are still open
            if models > 1 and self.worker and self.loaded and self.choice:
                resting.append(_Resting(self.choice, self.worker, self.loaded))
                self.worker = None
            self.loaded = self.choice = None
            self._resting = tuple(resting)
            if found:
                if self.worker:
                    self.worker.close()
                self.worker, self.loaded, self.choice = found.worker, found.loaded, choice
        self.shrink(models - 1)
        return found is not None

    def hold(self, choice: Choice, loaded: Loaded) -> None:
        """Notes what the worker has loaded."""
        self.loaded, self.choice = loaded, choice

    def shrink(self, to: int = 0) -> bool:
        """Ends the least recently used of those that rest until at most `to` are left; whether any had to."""
        with self._changing:
            leaving = self._resting[: max(0, len(self._resting) - to)]
            self._resting = self._resting[len(leaving) :]
            for one in leaving:
                one.worker.close()
            return bool(leaving)

    def end(self) -> None:
        """Frees everything, at once."""
        self.shrink()
        with self._changing:
            worker, self.worker = self.worker, None
            self.loaded = self.choice = None
            if worker:
                worker.close()
