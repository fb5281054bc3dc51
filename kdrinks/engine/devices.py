"""What this machine can run models on, also while the worker that knows it does not answer. Knows no llama.cpp."""

import platform
from dataclasses import replace

import psutil

from kdrinks.engine.process import WorkerProcess
from kdrinks.records import Device

ANSWER_S = 3.0
"""How long a page waits for the worker, which tells its devices in the midst of an answer too."""
AGAIN_S = 0.2
"""And once it did not answer."""


class KnownDevices:
    """Any thread may ask."""

    def __init__(self) -> None:
        self._last: tuple[Device, ...] = ()
        self._silent: WorkerProcess | None = None

    def of(self, worker: WorkerProcess) -> list[Device]:
        """What the worker says; else what one said last, or the system says, marked as not fresh. Raises EngineDied."""
        rows = worker.at_once("devices", AGAIN_S if worker is self._silent else ANSWER_S)
        if rows is None:
            self._silent = worker
            return [_now(device) for device in self._last or (_processor(),)]
        self._silent = None
        return list(self.note(rows))

    def note(self, rows: list[dict[str, object]]) -> tuple[Device, ...]:
        """Remembers what a worker said."""
        self._last = tuple(Device(**row) for row in rows)  # type: ignore[arg-type]
        return self._last


def _processor() -> Device:
    name = platform.processor() or platform.machine() or "CPU"
    return Device("CPU", "cpu", name, "", psutil.virtual_memory().total, 0)


def _now(device: Device) -> Device:
    """The processor's free memory is the system's to say; a GPU's stays as it was."""
    free_bytes = psutil.virtual_memory().available if device.kind == "cpu" else device.free_bytes
    return replace(device, free_bytes=free_bytes, fresh=False)
