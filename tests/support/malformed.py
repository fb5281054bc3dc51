"""Takes one damaged file the way the app does: looks into it, loads it in the real worker, lets it write; tells how it ended."""

import resource
import threading
from contextlib import suppress
from pathlib import Path

import psutil

from kdrinks.config import Settings
from kdrinks.engine.local import LocalEngine
from kdrinks.errors import KdrinksError
from kdrinks.hub import catalog, fit
from kdrinks.records import Choice, LocalModel, Message, Sampling

HANGS_S = 60.0
MEMORY_BYTES = 4 << 30
"""Of the worker's address space: what a lying header asks for must not be taken from everybody else."""


def inspect(path: Path) -> str:
    """What the lists of the models page say of it: "whole", or the key of the error."""
    settings = Settings(home=path.parent / "home", models=path.parent / "nowhere")
    try:
        model = catalog.find_model(str(path), settings)
        estimated = catalog.estimate_of(model)
    except KdrinksError as error:
        assert error.message("ko") and error.hint("ko") and error.message("en") and error.hint("en")
        return error.key
    fit.verdict(estimated, fit.Free(8 << 30))
    assert len(model.name) <= 200
    return "whole"


def load(engine: LocalEngine, path: Path) -> str:
    """Loads it and writes 3 tokens: "writes", the key of the error, or "hangs". The engine is usable afterwards."""
    engine.devices()
    pid = engine.state.worker_pid
    assert pid
    limit = resource.prlimit(pid, resource.RLIMIT_AS)[1]
    if limit == resource.RLIM_INFINITY or limit > MEMORY_BYTES:
        resource.prlimit(pid, resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    hung = threading.Event()

    def kill() -> None:
        hung.set()
        with suppress(psutil.Error):
            psutil.Process(engine.state.worker_pid).kill()

    watch = threading.Timer(HANGS_S, kill)
    watch.start()
    try:
        events = engine.stream(
            lambda count, room: [Message("user", "a")],
            Choice(LocalModel(path.stem, path), "cpu"),
            Sampling(max_tokens=3),
        )
        for _ in events:
            pass
    except KdrinksError as error:
        assert error.message("ko") and error.hint("ko") and error.message("en") and error.hint("en")
        return "hangs" if hung.is_set() else error.key
    finally:
        watch.cancel()
    return "writes"
