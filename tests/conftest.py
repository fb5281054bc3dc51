"""What tests of several files start from."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tiny_models import write_byte_model

from kdrinks.engine.local import Engine
from kdrinks.records import Choice
from kdrinks.store.db import Database
from kdrinks.words import Words


@pytest.fixture
def db() -> Iterator[Database]:
    """An empty store in memory."""
    opened = Database.open(None)
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def words() -> Words:
    return Words()


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty KDRINKS_HOME for the app's pages, with the models folder above it."""
    from app_pages import services_in  # Streamlit takes a second to import: only tests of pages pay for it

    with services_in(tmp_path / "home", tmp_path, monkeypatch):
        yield tmp_path / "home"


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    engine = Engine()
    yield engine
    engine.close()


@pytest.fixture(scope="module")
def bytes_model(tmp_path_factory: pytest.TempPathFactory) -> Choice:
    return Choice(write_byte_model(tmp_path_factory.mktemp("models") / "bytes.gguf"), "bytes")


@pytest.fixture(scope="module")
def slow_model(tmp_path_factory: pytest.TempPathFactory) -> Choice:
    """Some hundred tokens a second: an answer of 8,000 tokens outlasts whatever a test does to it."""
    path = tmp_path_factory.mktemp("models") / "slow.gguf"
    return Choice(write_byte_model(path, width=512, layers=8, context_length=8192), "slow", context_tokens=8192)
