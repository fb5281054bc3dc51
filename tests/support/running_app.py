"""The app as `streamlit run app.py` starts it, and headless Chromium that looks at it."""

import os
import shutil
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, Request, expect

from kdrinks.config import ROOT
from tests.support.wait import eventually

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
PATIENCE_S = 60
SECRET = "of-these-tests-alone-0123456789-abcdef"

needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here (Debian: apt install chromium)")
expect.set_options(timeout=PATIENCE_S * 1000)


@dataclass
class App:
    url: str
    pid: int
    foreign: list[str] = field(default_factory=list)
    """Addresses outside this machine that a page asked for."""


@contextmanager
def running_app(
    home: Path, models: Path, port: int = 0, /, before: Sequence[str] = (), **settings: str
) -> Iterator[App]:
    """port: 0 for any that is free.   before: a command that runs the app's.   settings: further environment variables."""
    folders = {"KDRINKS_HOME": str(home), "KDRINKS_MODELS": str(models)}
    with running("app.py", home, port, before=before, **folders, **settings) as app:
        yield app


@contextmanager
def running(script: str, home: Path, port: int = 0, /, before: Sequence[str] = (), **settings: str) -> Iterator[App]:
    """Any script under `streamlit run`; its log lies in home. A hosted site gets a secret where settings name no HOME that has one."""
    port = port or free_port()
    if (settings.get("KDRINKS_ADMINS") or settings.get("KDRINKS_MODE") == "hosted") and "HOME" not in settings:
        person = home.with_name(
            f"{home.name}-person"
        )  # not home itself: a person's own home keeps the rights that it has
        write_secrets(person, f'[kdrinks]\ncookie_secret = "{SECRET}"\n')
        settings["HOME"] = str(person)
    environment = {**os.environ, **settings}
    command = [*before, sys.executable, "-m", "streamlit", "run", script]
    command += [f"--server.port={port}", "--server.headless=true"]
    home.mkdir(parents=True, exist_ok=True)
    with (home / "app.log").open("wb") as log:
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=subprocess.STDOUT)
        try:
            url = f"http://127.0.0.1:{port}"
            assert eventually(lambda: _healthy(url), PATIENCE_S), (
                f"the app did not start: {(home / 'app.log').read_text()[-2000:]}"
            )
            yield App(url, process.pid)
        finally:
            process.terminate()
            process.wait(PATIENCE_S)


def write_secrets(home: Path, text: str) -> None:
    """Streamlit reads its secrets in the home of who starts it."""
    (home / ".streamlit").mkdir(parents=True, exist_ok=True)
    (home / ".streamlit" / "secrets.toml").write_text(text, encoding="utf-8")


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def _healthy(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/_stcore/health", timeout=1) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, ConnectionError, TimeoutError):
        return False


@contextmanager
def visit(
    browser: Browser, app: App, address: str = "/", *, locale: str = "ko-KR", width: int = 1280, dark: bool = False
) -> Iterator[Page]:
    context = browser.new_context(
        locale=locale, viewport={"width": width, "height": 850}, color_scheme="dark" if dark else "light"
    )
    # Playwright's own 30 s cover the first page of a fresh process too.
    context.set_default_timeout(PATIENCE_S * 1000)
    try:
        yield open_tab(context, app, address)
    finally:
        context.close()


def open_tab(context: BrowserContext, app: App, address: str) -> Page:
    page = context.new_page()

    def note(request: Request) -> None:
        if not _is_local(request.url, app):
            app.foreign.append(request.url)

    page.on("request", note)
    page.goto(app.url + address)
    return page


def _is_local(url: str, app: App) -> bool:
    return url.startswith((app.url, app.url.replace("http", "ws", 1), "data:", "blob:"))


def ask(page: Page, question: str) -> None:
    box = page.get_by_test_id("stChatInputTextArea")
    box.fill(question)
    box.press("Enter")


def answers(page: Page) -> Locator:
    """Finished answers."""
    return page.locator("[class*='st-key-took-']")
