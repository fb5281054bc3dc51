"""What the Hub said lately of repositories, kept for every session of this process: it is asked once in ten minutes."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import streamlit as st

from kdrinks.hub import offers
from kdrinks.hub.offers import Offer
from kdrinks.hub.remote import FoundRepository, RemoteModel
from kdrinks.ui.frame import t
from kdrinks.ui.models import downloads

KEPT_S = 600.0
MOST = 32
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Listed:
    model: RemoteModel
    offers: tuple[Offer, ...]


@st.cache_resource(show_spinner=False)
def answers() -> dict[str, tuple[float, object]]:
    """By repository, or by the words of a search after a question mark: when it was asked, and the answer."""
    return {}


def known(repo_id: str) -> Listed | None:
    """A repository that was asked lately; asks nobody."""
    at, answer = answers().get(repo_id, (0.0, None))
    return answer if isinstance(answer, Listed) and time.monotonic() - at < KEPT_S else None


def listed(repo_id: str, *, embedding: bool = False) -> Listed:
    """A repository's models. Raises BadInput, HubError."""

    def ask() -> Listed:
        model = downloads.hub().model(repo_id)
        return Listed(model, offers.listed(downloads.hub(), model, embedding=embedding))

    return _kept(repo_id, ask)


def search(words: str) -> tuple[FoundRepository, ...]:
    """Repositories with these words in their names. Raises HubError."""
    return _kept(f"?{words}", lambda: downloads.hub().search(words))


def _kept(key: str, ask: Callable[[], T]) -> T:
    kept = answers()
    at, answer = kept.get(key, (0.0, None))
    if answer is not None and time.monotonic() - at < KEPT_S:
        return answer  # type: ignore[return-value]  # what was kept under this key is what ask gave
    with st.spinner(t("models.catalog.asking"), show_time=False):
        fresh = ask()
    if len(kept) >= MOST:
        kept.pop(min(kept, key=lambda one: kept[one][0]), None)
    kept[key] = (time.monotonic(), fresh)
    return fresh
