"""What the server does before the first visitor: imports the slow libraries and opens the services, off every page's path."""

import gc
import logging
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from kdrinks.errors import KdrinksError

log = logging.getLogger(__name__)


@asynccontextmanager
async def warm(app: object) -> AsyncIterator[None]:
    """Lifespan of st.App: serves at once while a thread warms up."""
    threading.Thread(target=_warm, name="warm-up", daemon=True).start()
    yield


def _warm() -> None:
    # here, not above: st.cache_resource wants the runtime that starts after app.py
    from kdrinks.ui.frame import services

    try:
        services().page_drawn.wait(60)
    except KdrinksError as error:
        log.warning("%s", error)  # every page tries again and shows it
    # these two imports take 1.7 s, which the charts of the first other page then need not wait for
    import altair  # noqa: F401
    import pandas  # noqa: F401

    # what is loaded now stays: later collections need not walk it
    gc.freeze()
