"""Draws the choice of how long and how many models stay in memory; it holds for everybody who uses this app."""

import streamlit as st

from kdrinks.errors import KdrinksError
from kdrinks.records import KeepAlive, Visitor
from kdrinks.services import Services, save_keep_alive
from kdrinks.ui.frame import lang, show_error, t

MINUTES = (5, 15, 30, 60, 240, 0)
"""0 keeps them for as long as the app runs."""
MODELS = (1, 2, 3)
IDLE_KEY = "keeping-minutes"
MODELS_KEY = "keeping-models"


def draw(services: Services, who: Visitor) -> None:
    """A small window with two questions; an answer holds the moment it is given."""
    now = services.engine.keep_alive

    idle_key = f"{IDLE_KEY}-{lang()}"  # as in frame.in_words; what was chosen is saved

    def save() -> None:
        # Only what this person changed just now: another tab may show what held before.
        try:
            save_keep_alive(services, who, KeepAlive(st.session_state[idle_key] * 60.0, st.session_state[MODELS_KEY]))
        except KdrinksError as error:
            show_error(error)

    with st.popover(t("models.keep_alive.title"), icon=":material/hourglass:"):
        st.selectbox(
            t("models.keep_alive.idle"),
            options=MINUTES,
            index=MINUTES.index(int(now.idle_s // 60)) if now.idle_s // 60 in MINUTES else 2,
            format_func=lambda count: (
                t("models.keep_alive.minutes", count=count) if count else t("models.keep_alive.never")
            ),
            help=t("models.keep_alive.idle_help"),
            key=idle_key,
            on_change=save,
        )
        st.segmented_control(
            t("models.keep_alive.models"),
            options=MODELS,
            default=now.models if now.models in MODELS else 1,
            required=True,
            help=t("models.keep_alive.models_help"),
            key=MODELS_KEY,
            on_change=save,
        )
