"""What tests of several files start from."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from kdrinks.drinks.names import packaged_names
from kdrinks.engine.local import LocalEngine
from kdrinks.records import Choice, LocalModel
from kdrinks.store import live
from kdrinks.store.db import Database
from kdrinks.text.analyzer import TextAnalyzer
from tests.support.tiny_models import write_byte_model

if TYPE_CHECKING:
    from playwright.sync_api import Browser

    from tests.support.running_app import App


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A browser test has a second try, which the summary names (RERUN): of 81 one or two lost a click or looked into a page that was half drawn,
    each time another one, where two ran beside each other on two processors. What is broken fails twice."""
    for item in items:
        if item.get_closest_marker("browser"):
            item.add_marker(pytest.mark.flaky(reruns=1))


@pytest.fixture
def db() -> Iterator[Database]:
    """An empty store in memory."""
    opened = Database.open(None)
    yield opened
    opened.close()


@pytest.fixture(autouse=True)
def _a_port_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """For a live connection: two that look for the usual port at the same moment, in two workers, both find it free and both get it."""
    monkeypatch.setattr(live, "PORT", 0)


@pytest.fixture(scope="module")
def words() -> TextAnalyzer:
    return TextAnalyzer(packaged_names())


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty KDRINKS_HOME for the app's pages, with the models folder above it."""
    from tests.support.app_pages import (
        services_in,  # Streamlit takes a second to import: only tests of pages pay for it
    )

    with services_in(tmp_path / "home", tmp_path, monkeypatch):
        yield tmp_path / "home"


@pytest.fixture(scope="module")
def engine() -> Iterator[LocalEngine]:
    engine = LocalEngine()
    yield engine
    engine.close()


@pytest.fixture(scope="module")
def bytes_model(tmp_path_factory: pytest.TempPathFactory) -> Choice:
    return Choice(LocalModel("bytes", write_byte_model(tmp_path_factory.mktemp("models") / "bytes.gguf")))


@pytest.fixture(scope="module")
def slow_model(tmp_path_factory: pytest.TempPathFactory) -> Choice:
    """Some hundred tokens a second: an answer of 8,000 tokens outlasts whatever a test does to it."""
    path = tmp_path_factory.mktemp("models") / "slow.gguf"
    return Choice(
        LocalModel("slow", write_byte_model(path, width=512, layers=8, context_length=8192)), context_tokens=8192
    )


@pytest.fixture(scope="module")
def browser() -> Iterator["Browser"]:
    from playwright.sync_api import sync_playwright

    from tests.support.running_app import CHROMIUM

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-dev-shm-usage"]
        )
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator["App"]:
    """The app on a fresh machine, with the built-in model."""
    from tests.support.running_app import running_app

    folder = tmp_path_factory.mktemp("fresh")
    with running_app(folder / "home", folder) as running:
        yield running
        assert running.foreign == []
