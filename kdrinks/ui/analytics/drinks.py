"""The section of drinks: which were named, over the days and in all."""

from dataclasses import replace

import streamlit as st

from kdrinks.charts import drinks as chart_drinks
from kdrinks.charts import speed as chart_speed
from kdrinks.charts import words as chart_words
from kdrinks.store.analytics import AnalyticsFilter
from kdrinks.ui.analytics.view import panel, read
from kdrinks.ui.frame import lang, t


def drinks(view: AnalyticsFilter) -> None:
    """The whole section; the kinds of words that are chosen for the others do not matter here."""
    named = replace(view, pos=("drink",))
    days = read("drinks_over_time", named)
    panel("drinks", days, lambda: chart_drinks.over_time(days, lang()))
    left, right = st.columns(2, gap="small")
    with left:
        top = read("top_words", named, limit=15)
        note = t("analytics.before_mark") if len(top) and top["before"].notna().any() else ""
        panel("drinks_named", top, lambda: chart_words.top_words(top, lang(), view.word), note=note)
    with right:
        activity = read("activity", view)
        panel("activity", activity, lambda: chart_speed.activity(activity, lang()))
