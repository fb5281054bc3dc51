"""Draws the page of one's own data: what is kept and for how long, a copy to take away, and deleting all of it after a second click."""

from datetime import datetime, timedelta

import streamlit as st

from kdrinks.errors import KdrinksError
from kdrinks.services import Services
from kdrinks.store import analytics, forget, mine
from kdrinks.ui.chat import conversations
from kdrinks.ui.frame import get_services, show_error, t, visitor

DELETED = "mine-deleted"
"""Session state: how many conversations were deleted a moment ago."""


def draw(services: Services) -> None:
    """Raises StoreError."""
    st.title(t("mine.title"), anchor=False)
    stored = mine.summary(services.db, visitor())
    if (deleted := st.session_state.pop(DELETED, None)) is not None:
        st.success(t("mine.deleted", count=deleted), icon=":material/check:")
    with st.container(border=True, key="mine-kept"):
        st.subheader(t("mine.kept"), anchor=False)
        days = forget.kept_days(services.db)
        st.markdown(
            "\n".join(
                f"- {line}"
                for line in (
                    t("mine.what"),
                    t("mine.who_reads"),
                    t("mine.consent"),
                    t("mine.cookie"),
                    t("mine.for_days", days=days) if days else t("mine.for_good"),
                    t(f"mine.charts_{analytics.audience(services.db)}", fewest=analytics.FEWEST_CONVERSATIONS),
                )
            )
        )
    _draw_stored(stored)


def _draw_stored(stored: mine.Mine) -> None:
    with st.container(border=True, key="mine-mine"):
        st.subheader(t("mine.yours"), anchor=False)
        if not stored.conversations or stored.first_at is None or stored.last_at is None:
            st.markdown(t("mine.none"))
            return
        with st.grid(3, min_column_width=90, gap="small"):
            for name in ("conversations", "questions", "answers"):
                st.metric(t(f"mine.{name}"), f"{getattr(stored, name):,}", border=True)
        st.markdown(t("mine.since", first=_here(stored.first_at), last=_here(stored.last_at)))
        with st.container(horizontal=True, gap="small"):
            who = visitor()  # the copy is made when the button is pressed, on a thread that knows no visitor
            st.download_button(
                t("mine.export"),
                lambda: mine.export(get_services().db, who),
                file_name="kdrinks-mine.jsonl",
                mime="application/jsonl",
                icon=":material/download:",
                on_click="ignore",
                key="mine-export",
            )
            with st.popover(t("mine.delete"), icon=":material/delete_forever:"):
                st.markdown(t("mine.delete_sure"))
                st.button(t("mine.delete_yes"), type="primary", key="mine-delete", on_click=_delete)
        st.caption(t("mine.export_note"))


def _delete() -> None:
    try:
        st.session_state[DELETED] = forget.of_owner(get_services().db, visitor())
    except KdrinksError as error:
        show_error(error)
        return
    st.session_state.pop(conversations.SESSION_KEY, None)


def _here(at: datetime) -> str:
    """The day where the reader is."""
    return f"{at - timedelta(minutes=st.context.timezone_offset or 0):%Y-%m-%d}"
