"""What people talk about and how fast every device answers."""

import streamlit as st

from kdrinks.store import analytics
from kdrinks.store.analytics import AnalyticsFilter
from kdrinks.ui.analytics import view as ui
from kdrinks.ui.analytics.data import sample_invitation, sample_note
from kdrinks.ui.analytics.panels import draw_all
from kdrinks.ui.analytics.sections import SECTIONS
from kdrinks.ui.frame import t

ORDER = 3
WIDE = True

st.title(t("analytics.title"), anchor=False)

if not ui.read(analytics.counts, AnalyticsFilter()).iloc[0]["questions"]:
    ui.whose()
    ui.nothing_yet()
    sample_invitation()
    st.stop()

ui.can_save_pictures()
sample_note()
ui.settle_address(tuple(SECTIONS))
view = ui.choose_view()
ui.whose()
ui.cards(view)
draw_all(SECTIONS[ui.choose_section(tuple(SECTIONS))], view)
