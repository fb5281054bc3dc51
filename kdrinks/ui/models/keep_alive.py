"""Draws the choice of how long and how many models stay in memory; it holds for everybody who uses this app."""

import streamlit as st

from kdrinks.records import Keeping
from kdrinks.services import Services, save_keeping
from kdrinks.ui.frame import lang, t

MINUTES = (5, 15, 30, 60, 240, 0)
"""0 keeps them for as long as the app runs."""
MODELS = (1, 2, 3)
IDLE_KEY = "keeping-minutes"
MODELS_KEY = "keeping-models"


def draw(house: Services) -> None:
    """A small window with two questions; an answer holds the moment it is given."""
    now = house.engine.keep

    idle_key = f"{IDLE_KEY}-{lang()}"  # as in frame.in_words; what was chosen is saved

    def save() -> None:
        # Only what this person changed just now: another tab may show what held before.
        save_keeping(house, Keeping(st.session_state[idle_key] * 60.0, st.session_state[MODELS_KEY]))

    with st.popover(t("models.keeping.title"), icon=":material/hourglass:"):
        st.selectbox(
            t("models.keeping.idle"),
            options=MINUTES,
            index=MINUTES.index(int(now.idle_s // 60)) if now.idle_s // 60 in MINUTES else 2,
            format_func=lambda count: t("models.keeping.minutes", count=count) if count else t("models.keeping.never"),
            help=t("models.keeping.idle_help"),
            key=idle_key,
            on_change=save,
        )
        st.segmented_control(
            t("models.keeping.models"),
            options=MODELS,
            default=now.models if now.models in MODELS else 1,
            required=True,
            help=t("models.keeping.models_help"),
            key=MODELS_KEY,
            on_change=save,
        )
