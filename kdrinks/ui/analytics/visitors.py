"""What administrators of a hosted site decide for its visitors: which words and charts they see, and how long their conversations are kept."""

from typing import get_args

import streamlit as st

from kdrinks.errors import KdrinksError
from kdrinks.services import Services
from kdrinks.store import analytics, forget, ratings
from kdrinks.ui.frame import lang, show_error, t, visitor


def draw(services: Services) -> None:
    """Nothing at home, where nobody visits."""
    if not services.settings.hosted:
        return
    with st.container(border=True, key="visitors"):
        st.subheader(t("analytics.visitors"), anchor=False)
        _draw_audience(services)
        _draw_days(services)
        rated = ratings.counts(services.db)
        st.caption(t("analytics.rated", good=rated.good, bad=rated.bad, consented=rated.consented))


def _draw_audience(services: Services) -> None:
    """Saved the moment it is chosen."""
    known, fewest = get_args(analytics.Audience), analytics.FEWEST_CONVERSATIONS
    names = {one: t(f"analytics.visitors_see_{one}", fewest=fewest) for one in known}
    before = analytics.audience(services.db)
    chosen = st.selectbox(
        t("analytics.visitors_see"),
        known,
        index=known.index(before),
        format_func=lambda one: names[one],
        key=f"visitors-see-{lang()}",
    )
    if chosen != before:
        analytics.set_audience(services.db, visitor(), chosen)


def _draw_days(services: Services) -> None:
    before = forget.visitor_days(services.db)
    days = st.number_input(
        t("analytics.visitors_days"),
        min_value=1,
        max_value=forget.LONGEST_DAYS,
        value=before,
        placeholder=t("analytics.visitors_days_empty"),
        key="visitors-days",
    )
    st.caption(t("analytics.visitors_note"))
    if days != before and st.button(t("analytics.retention_apply"), type="primary", key="visitors-days-apply"):
        try:
            count = forget.set_visitor_days(services.db, visitor(), days)
        except KdrinksError as error:
            show_error(error)
            return
        st.cache_data.clear()
        st.toast(t("analytics.deleted", count=count))
        st.rerun()
