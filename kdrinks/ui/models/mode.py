"""Draws how far the chosen model may speak for itself, and keeps what is chosen."""

import streamlit as st

from kdrinks.records import Described
from kdrinks.services import Services, mode_of, modes_of, save_mode
from kdrinks.ui.frame import lang, t, visitor


def draw(services: Services, model: Described) -> None:
    """The modes of one model; saved the moment it is chosen. Raises StoreError."""
    saved, modes = mode_of(services, model), modes_of(model)
    mode = st.segmented_control(
        t("models.modes.title"),
        options=modes,
        default=saved,
        required=True,
        disabled=len(modes) == 1,
        format_func=name,
        key=f"choice-mode-{model.id}-{lang()}",
    )
    said = [t(f"models.modes.about_{mode}"), t("models.modes.built_in" if len(modes) == 1 else "models.modes.always")]
    if model.small and mode != "held":
        said.append(t("models.modes.small"))
    st.caption(" ".join(said))
    if mode != saved:
        save_mode(services, visitor(), model, mode)
        st.rerun()  # the list of models above tells it, too


def name(mode: str) -> str:
    return t(f"models.modes.{mode}")
