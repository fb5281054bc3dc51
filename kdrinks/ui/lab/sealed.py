"""Draws what a sealed set is, and the one control that opens it for good."""

import streamlit as st

from kdrinks.measure import run
from kdrinks.measure.question_set import QuestionSet
from kdrinks.ui.frame import get_services, t, visitor
from kdrinks.ui.lab import controls
from kdrinks.ui.markdown_text import as_plain

NOTE = "lab-open-note"


def draw(asked: QuestionSet) -> None:
    """What it means that the set is sealed, and what opening it means."""
    st.info(t("lab.sealed_about"), icon=":material/lock:")
    with st.expander(t("lab.open"), icon=":material/lock_open:", type="compact", key=f"lab-open-{asked.hash}"):
        st.markdown(t("lab.open_about"))
        key = f"{NOTE}-{asked.hash}"
        note = st.text_area(t("lab.open_note"), max_chars=300, height=90, key=key) or ""
        # always there to click: a button that waits for the field to lose the focus looks broken
        st.button(
            t("lab.open_yes"),
            icon=":material/lock_open:",
            key=f"lab-open-yes-{asked.hash}",
            on_click=_open,
            args=(asked, key),
        )
        if not note.strip():
            st.caption(t("lab.open_note_missing"))


def draw_opened(asked: QuestionSet) -> None:
    """When and why it was opened."""
    for one in asked.opened:
        st.caption(f":material/lock_open: {as_plain(t('lab.opened', at=one['at'][:10], note=one['note']))}")


def _open(asked: QuestionSet, note_key: str) -> None:
    note = str(st.session_state.get(note_key, "")).strip()
    if note:
        controls.attempt(run.open_set, get_services(), visitor(), asked, note)
