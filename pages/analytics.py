"""What people talk about and how fast every device answers."""

import streamlit as st

from kdrinks.store.analytics import AnalyticsFilter
from kdrinks.ui.analytics import view as ui
from kdrinks.ui.analytics.data import data, sample_invitation, sample_note
from kdrinks.ui.analytics.drinks import drinks
from kdrinks.ui.analytics.speed import speed
from kdrinks.ui.analytics.words import words
from kdrinks.ui.frame import t

st.title(t("analytics.title"), anchor=False)

if not ui.read("counts", AnalyticsFilter()).iloc[0]["questions"]:
    ui.nothing_yet()
    sample_invitation()
    st.stop()

ui.can_save_pictures()
sample_note()
ui.settle_address()
view = ui.choose_view()
ui.cards(view)
section = ui.choose_section()
{"words": words, "drinks": drinks, "speed": speed, "data": data}[section](view)
