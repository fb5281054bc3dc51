"""What tests of several files start from."""

from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty KDRINKS_HOME for the app's pages, with the models folder above it."""
    from app_pages import services_in  # Streamlit takes a second to import: only tests of pages pay for it

    with services_in(tmp_path / "home", tmp_path, monkeypatch):
        yield tmp_path / "home"
