"""The app's pages without a browser: what opens them, the services behind them, and the text on them."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import streamlit as st
from streamlit import config
from streamlit.testing.v1 import AppTest

from kdrinks.config import ROOT, Settings
from kdrinks.services import Services, open_services
from kdrinks.ui import frame
from kdrinks.ui.marks import CUT


@contextmanager
def app_test_session() -> Iterator[None]:
    """What Streamlit keeps in this process is gone after it."""
    # AppTest keeps each format_func in the session, which is no session of ours: the check would meet its functions
    config.set_option("runner.enforceSerializableSessionState", False)
    try:
        yield
    finally:
        st.cache_data.clear()
        config.set_option("runner.enforceSerializableSessionState", True)


@contextmanager
def services_in(home: Path, models: Path, monkeypatch: pytest.MonkeyPatch, *caches: Any) -> Iterator[None]:
    """The services that a page opens lie in these folders and are closed again.

    caches: what else the pages of a test keep in the process; empty before and after.
    """
    monkeypatch.setenv("KDRINKS_HOME", str(home))
    monkeypatch.setenv("KDRINKS_MODELS", str(models))
    # nobody waits for the warm-up here, and it must not outlive the store that it fills
    monkeypatch.setattr(Services, "warm", lambda services: None)
    opened: list[Services] = []

    def open_and_note(settings: Settings) -> Services:
        opened.append(open_services(settings))
        return opened[-1]

    monkeypatch.setattr(frame, "open_services", open_and_note)
    with app_test_session():
        for cache in (frame.get_services, *caches):
            cache.clear()
        try:
            yield
        finally:
            for services in opened:
                services.close()
            for cache in (frame.get_services, *caches):
                cache.clear()


def new_app(**address: str | list[str]) -> AppTest:
    """The app before its first run, at an address with these parameters."""
    app = AppTest.from_file(str(ROOT / "kdrinks" / "ui" / "main.py"), default_timeout=60)
    for name, value in address.items():
        app.query_params[name] = value
    return app


def open_app(locale: str = "ko-KR", **address: str | list[str]) -> AppTest:
    """The first page, in a browser of this language."""
    app = new_app(**address)
    app.context = {"locale": locale}
    return app.run()


def open_page(page: str, lang: str = "ko", **address: str | list[str]) -> AppTest:
    """One of pages/, in a language chosen earlier."""
    app = new_app(**address)
    app.session_state["language"] = lang
    app.switch_page(str(ROOT / "pages" / f"{page}.py")).run()
    assert not app.exception, app.exception[0].value
    return app


def models_page(locale: str = "en-US") -> AppTest:
    """In English: AppTest formats the options of a radio outside the script, where the language is not known."""
    app = open_app(locale)
    app.switch_page("../../pages/models.py").run()
    assert not app.exception, app.exception[0].value
    return app


def shown(app: AppTest) -> str:
    """Every text of the page, without the backslashes and cuts that keep it plain."""
    kinds = (app.title, app.header, app.text, app.markdown, app.caption, app.error, app.warning, app.info, app.success)
    return "\n".join(str(element.value) for kind in kinds for element in kind).replace("\\", "").replace(CUT, "")
