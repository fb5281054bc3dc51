"""A thumb under an answer on a hosted site, and beside it whether question and answer may be used to make the site better."""

from collections.abc import Mapping

import streamlit as st

from kdrinks.errors import KdrinksError
from kdrinks.store import ratings
from kdrinks.store.ratings import Rating
from kdrinks.ui.frame import get_services, show_error, t, visitor


def draw(message_id: str, rated: Mapping[str, Rating]) -> None:
    """rated: what was said before, by the answer's id."""
    before = rated.get(message_id, Rating())
    key, consent_key = f"rating-{message_id}", f"consent-{message_id}"
    st.session_state.setdefault(key, None if before.good is None else int(before.good))
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key=f"rated-{message_id}"):
        st.feedback("thumbs", key=key, on_change=_rate, args=(message_id,))
        if before.good is not None:
            st.checkbox(
                t("chat.consent"),
                value=before.consent,
                help=t("chat.consent_help"),
                key=consent_key,
                on_change=_rate,
                args=(message_id,),
            )


def _rate(message_id: str) -> None:
    said = st.session_state[f"rating-{message_id}"]
    consent = bool(st.session_state.get(f"consent-{message_id}", False))
    try:
        ratings.rate(get_services().db, visitor(), message_id, Rating(None if said is None else bool(said), consent))
    except KdrinksError as error:
        show_error(error)
