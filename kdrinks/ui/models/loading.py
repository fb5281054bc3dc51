"""A model being loaded because somebody pressed Load: a thread of its own, so that a click or page change cannot break it off.

Knows the services, no widget; pages watch it.
"""

import threading

import streamlit as st

from kdrinks.errors import KdrinksError
from kdrinks.records import Choice, Loaded
from kdrinks.services import Services


class Load:
    """Starts at once; attributes are safe to read from any thread."""

    def __init__(self, services: Services, choice: Choice) -> None:
        self.choice = choice
        self.fraction = 0.0
        """Read so far, in [0, 1]."""
        self.loaded: Loaded | None = None
        self.error: KdrinksError | None = None
        self._house = services
        self._ended = threading.Event()
        threading.Thread(target=self._run, name="load", daemon=True).start()

    def _run(self) -> None:
        try:
            self.loaded = self._house.engine.load(self.choice, self._progress)
        except KdrinksError as error:
            self.error = error
        finally:
            self._ended.set()

    def _progress(self, fraction: float) -> None:
        self.fraction = fraction

    def wait(self, timeout_s: float) -> bool:
        """Whether it ended within the time."""
        return self._ended.wait(timeout_s)


@st.cache_resource(show_spinner=False)
def loads() -> dict[str, Load]:
    """The load under way, under "now", for every session of this process: the engine has one model."""
    return {}
