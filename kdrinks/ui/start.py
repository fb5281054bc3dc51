"""What the server does before the first visitor (opens the browser and the services, imports the slow libraries, off every page's path)
and after the last: stops the jobs. While it runs, a command beside it may ask for a backup."""

import gc
import logging
import threading
import webbrowser
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import streamlit as st

from kdrinks import i18n
from kdrinks.config import Settings, from_environment
from kdrinks.errors import KdrinksError
from kdrinks.i18n import LANGUAGES
from kdrinks.records import Visitor

if TYPE_CHECKING:
    from kdrinks.services import Services  # slow: imported by the thread
    from kdrinks.store.backup_requests import BackupRequests

log = logging.getLogger(__name__)


@asynccontextmanager
async def warm(app: object) -> AsyncIterator[None]:
    """Lifespan of st.App: serves at once while a thread warms up; in the end, jobs stop where they can go on from."""
    opened: list[Services] = []
    requests: list[BackupRequests] = []
    threading.Thread(target=_open_browser, name="browser", daemon=True).start()
    threading.Thread(target=_warm, args=(opened, requests), name="warm-up", daemon=True).start()
    closing = threading.Event()
    if from_environment().hosted:
        threading.Thread(target=_stop_abandoned, args=(opened, closing), name="presence", daemon=True).start()
    yield
    closing.set()
    for listening in requests:
        listening.close()
    for services in opened:
        services.jobs.close()


def _stop_abandoned(opened: list["Services"], closing: threading.Event) -> None:
    from kdrinks.ui.frame import presence  # as below
    from kdrinks.ui.presence import LOOKED_AT_S

    while not closing.wait(LOOKED_AT_S):
        for services in opened:
            presence().stop_abandoned(list(services.answers.values()))


def _open_browser() -> None:
    """Streamlit itself opens one for plain scripts only, not for an st.App; its port is bound by now."""
    if not st.get_option("server.headless"):
        path = str(st.get_option("server.baseUrlPath")).strip("/")
        webbrowser.open(f"http://localhost:{st.get_option('server.port')}/{path}")


def services() -> "Services":
    """Those of this process, opened where nobody has yet. Raises StoreError."""
    from kdrinks.ui.frame import get_services

    return get_services()


def visitors() -> int:
    """How many have a page open, on a hosted site."""
    from kdrinks.ui.frame import presence

    return presence().visitors


def may_upload(session_id: str) -> bool:
    """Whether a session's visitor has a field for files on some page: at home everybody, on a hosted site administrators."""
    from kdrinks.ui.frame import presence

    return not from_environment().hosted or presence().is_administrator(session_id)


def was_here(visitor: Visitor) -> bool:
    """Whether a visitor has a conversation; False, too, while the store cannot be read. Called on a thread that may wait."""
    from kdrinks.store import chats
    from kdrinks.ui.frame import get_services  # as below

    try:
        return chats.has_any(get_services().db, visitor)
    except KdrinksError:
        return False


def warn_of_administrators(settings: Settings) -> None:
    """Say in the log where nobody can become administrator, and where everybody is who reaches this machine."""
    from kdrinks.ui import site  # as below: what it imports wants the runtime

    by_address = bool(settings.admins) and bool(site.providers())
    if settings.hosted and not by_address and not site.admin_password():
        log.warning(_in_both("frame.nobody_administers"))
    if site.stands_open():
        log.warning(_in_both("frame.stands_open"))


def _in_both(key: str) -> str:
    """Whole, with nothing to be filled in: a site's log of JSON lines leaves out what is filled in, lest it be somebody's text."""
    return " ".join(i18n.text(key, lang) for lang in LANGUAGES)


def _listen(services: "Services", requests: list["BackupRequests"]) -> None:
    from kdrinks.store.backup_requests import BackupRequests

    try:
        requests.append(BackupRequests(services.db, services.settings.home))
    except OSError as exc:
        log.warning("Backups can be made on the page only, not by command: %s", exc)


def _warm(opened: list["Services"], requests: list["BackupRequests"]) -> None:
    # here, not above: st.cache_resource wants the runtime that starts after app.py
    from kdrinks.ui.frame import get_services

    try:
        opened.append(get_services())
        warn_of_administrators(opened[0].settings)
        _listen(opened[0], requests)
        opened[0].page_drawn.wait(60)
    except KdrinksError as error:
        log.warning("%s", error)  # every page tries again and shows it
    # these two imports take 1.7 s, which the charts of the first other page then need not wait for
    import altair  # noqa: F401
    import pandas  # noqa: F401

    # what is loaded now stays: later collections need not walk it
    gc.freeze()
