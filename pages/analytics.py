"""What people talk about and how fast every device answers."""

import streamlit as st

from kdrinks.store.analytics import View
from kdrinks.ui import analytics_view as ui
from kdrinks.ui.analytics_data import data, sample_invitation, sample_note
from kdrinks.ui.analytics_drinks import drinks
from kdrinks.ui.analytics_speed import speed
from kdrinks.ui.analytics_words import words
from kdrinks.ui.frame import t

st.title(t("analytics.title"), anchor=False)

if not ui.read("counts", View()).iloc[0]["questions"]:
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
