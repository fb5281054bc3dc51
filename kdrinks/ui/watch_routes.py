"""Addresses for whoever runs the site: /healthz (the process answers), /readyz (it can answer questions), /metrics (Prometheus).

The first two say one word each to anybody, for a load balancer asks them; figures are for whom doors.may_read_figures lets in.
"""

import os
import tempfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING

import psutil
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from kdrinks.config import Settings
from kdrinks.errors import KdrinksError
from kdrinks.ui.doors import may_read_figures
from kdrinks.watch.metrics import CONTENT_TYPE

if TYPE_CHECKING:
    from kdrinks.services import Services  # slow: imported by the warm-up


def watch_routes(
    settings: Settings, path: str, services: "Callable[[], Services]", visitors: Callable[[], int]
) -> list[Route]:
    """path: under which the app is served. services: those of this process, opened where nobody has yet; raises StoreError."""
    base = "/" + path.strip("/") if path.strip("/") else ""

    async def healthz(request: Request) -> Response:
        return PlainTextResponse("ok")

    async def readyz(request: Request) -> Response:
        parts = await run_in_threadpool(readiness, services)
        return JSONResponse(parts, 200 if all(parts.values()) else 503, {"cache-control": "no-store"})

    async def metrics(request: Request) -> Response:
        if not may_read_figures(request, settings.metrics_token):
            return PlainTextResponse("Not Found", 404)
        text = await run_in_threadpool(lambda: services().metrics.text(figures_now(services(), visitors())))
        return Response(text, media_type=CONTENT_TYPE, headers={"cache-control": "no-store"})

    return [
        Route(f"{base}/healthz", healthz),
        Route(f"{base}/readyz", readyz),
        Route(f"{base}/metrics", metrics),
    ]


def readiness(services: "Callable[[], Services]") -> dict[str, bool]:
    """Whether the knowledge is read, the model was loaded (one that left the memory for want of questions comes back), and the store takes writes."""
    try:
        opened = services()
    except KdrinksError:
        return {"knowledge": False, "model": False, "store": False}
    return {
        "knowledge": opened.knowledge.ready.is_set(),
        "model": opened.warmed.is_set() and opened.problem is None,
        "store": _takes_writes(opened),
    }


def figures_now(services: "Services", visitors: int) -> Mapping[str, float]:
    """The gauges of watch.metrics."""
    state, path = services.engine.state, services.settings.database
    memory_bytes, size_bytes = 0, 0
    with suppress(psutil.Error):
        memory_bytes = psutil.Process(state.worker_pid).memory_info().rss if state.worker_pid else 0
    for file in (path, path.with_name(path.name + ".wal")):
        with suppress(OSError):
            size_bytes += file.stat().st_size
    return {
        "answers_under_way": len(services.answers),
        "search_queue_length": services.searches.waiting,
        "model_queue_length": state.waiting,
        "expected_wait_seconds": state.left_s or 0.0,
        "visitors": visitors,
        "model_loaded": float(state.loaded is not None),
        "model_memory_bytes": memory_bytes,
        "store_size_bytes": size_bytes,
    }


def _takes_writes(services: "Services") -> bool:
    """By a file of a byte beside the database, on the disk: a full one and a read-only one refuse it, and nothing stored is touched."""
    try:
        with tempfile.NamedTemporaryFile(dir=services.settings.home, prefix=".ready-") as probe:
            probe.write(b"\n")
            probe.flush()
            os.fsync(probe.fileno())
    except OSError:
        return False
    return True
