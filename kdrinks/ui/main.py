"""The main script, run before every page: page settings, navigation, sidebar, and the errors that no page can handle.

Lists ../../pages/*.py as they declare themselves (pages.py); knows nothing of what they draw. It lies here and not beside pages/
for the reason in app.py.
"""

from pathlib import Path

import streamlit as st

from kdrinks.config import from_environment
from kdrinks.errors import KdrinksError
from kdrinks.ui import address, login, site
from kdrinks.ui.chat import conversation_list, conversations
from kdrinks.ui.frame import (
    LANGUAGE_COOKIE,
    LANGUAGE_KEY,
    administers,
    get_services,
    lang,
    note_presence,
    show_error,
    t,
)
from kdrinks.ui.pages import declared_pages

CHOSEN = "language_was_chosen"
hosted = from_environment().hosted

pages = {
    declared.name: st.Page(
        declared.path,
        title=t(f"{declared.name}.page"),
        default=declared.name == "chat",
        # still there for whoever has its address: it says for whom it is
        visibility="visible"
        if (not declared.administrators or administers()) and (not declared.hosted or hosted)
        else "hidden",
    )
    for declared in declared_pages()
}
page = st.navigation(list(pages.values()), position="top")
wide = {pages[declared.name] for declared in declared_pages() if declared.wide}
# an emoji, and no icons in the navigation: a :material/ favicon would be fetched from fonts.gstatic.com
st.set_page_config(
    page_title=f"{page.title} · {t('frame.title')}",
    page_icon="🍶",
    layout="wide" if page in wide else "centered",
    initial_sidebar_state="auto",
)
st.html(Path(__file__).parent / "theme.css")
st.logo(Path(__file__).parent / "static" / "logo.svg", size="large")

with st.sidebar:
    list_of_conversations = st.container()
    with st.container(key="foot"):
        account = st.container(gap="xsmall")
        st.segmented_control(
            t("frame.language"),
            options=("ko", "en"),
            format_func=lambda one: {"ko": "한국어", "en": "English"}[one],
            default=lang(),
            required=True,
            key=LANGUAGE_KEY,
            label_visibility="collapsed",
            on_change=lambda: st.session_state.update({CHOSEN: True}),
        )
    if hosted:
        st.page_link(pages["mine"], label=t("frame.mine"), icon=":material/shield_person:")
    st.caption(t("frame.about_hosted" if hosted else "frame.about"))
    if site.stands_open():
        st.warning(t("frame.stands_open"), icon=":material/lock_open:")

# the page's own language for screen readers and line breaking; the cookie keeps a choice over reloads and new tabs
cookie = f"document.cookie = '{LANGUAGE_COOKIE}={lang()}; path=/; max-age=31536000; SameSite=Lax';"
st.html(
    f"<script>document.documentElement.lang = '{lang()}'; {cookie if CHOSEN in st.session_state else ''}</script>",
    unsafe_allow_javascript=True,
)

address.begin_run()
try:
    note_presence()
    if page is pages["chat"]:
        conversations.settle()
    with list_of_conversations:
        conversation_list.draw(get_services(), pages["chat"], here=page is pages["chat"])
    with account:
        login.draw(get_services())
    page.run()
    get_services().page_drawn.set()
except KdrinksError as error:
    show_error(error)
