"""Which conversation is open, and the list of the last ones.

The open one is in the address (?c=ID), so that a refresh or a second tab returns to it, and in the session, so that it is
still open after a look at another page. Knows nothing of messages.
"""

import streamlit as st
from streamlit.navigation.page import Page

from kdrinks.services import Services
from kdrinks.store import chats
from kdrinks.ui.frame import t
from kdrinks.ui.markdown_text import as_plain

ADDRESS_KEY = "c"
SESSION_KEY = "conversation"
SHOWN = 12


def current() -> str | None:
    """The id of the open conversation; None for a new one. Only the chat page calls this: it writes the address."""
    if addressed := st.query_params.get(ADDRESS_KEY):
        st.session_state[SESSION_KEY] = addressed
    elif remembered := st.session_state.get(SESSION_KEY):
        st.query_params[ADDRESS_KEY] = remembered
    return st.session_state.get(SESSION_KEY)


def open_one(conversation_id: str) -> None:
    st.session_state[SESSION_KEY] = conversation_id
    st.query_params[ADDRESS_KEY] = conversation_id


def close() -> None:
    st.session_state.pop(SESSION_KEY, None)
    st.query_params.pop(ADDRESS_KEY, None)


def draw_list(house: Services, chat_page: Page) -> None:
    """A new conversation, and the last ones to open or delete."""
    if st.button(t("frame.new_conversation"), icon=":material/add:", width="stretch", key="new-conversation"):
        close()
        st.switch_page(chat_page)
    recent = chats.conversations(house.db, limit=SHOWN)
    st.markdown(f"##### {t('frame.conversations')}")
    if not recent:
        st.caption(t("frame.no_conversations"))
    for one in recent:
        title = as_plain(one.title or t("frame.untitled"))
        is_open = one.id == st.session_state.get(SESSION_KEY)
        with st.container(horizontal=True, gap=None, wrap=False, key=f"row{'-open' if is_open else ''}-{one.id}"):
            if st.button(title, key=f"open-{one.id}", type="tertiary", width="stretch"):
                st.switch_page(chat_page, query_params={ADDRESS_KEY: one.id})
            with st.popover(t("frame.delete"), icon=":material/delete:", type="tertiary"):
                st.markdown(t("frame.delete_sure"))
                st.button(
                    t("frame.delete_conversation", title=title),
                    key=f"delete-{one.id}",
                    type="primary",
                    on_click=_delete,
                    args=(one.id,),
                )


def _delete(conversation_id: str) -> None:
    from kdrinks.ui.frame import services

    chats.delete_conversation(services().db, conversation_id)
    if st.session_state.get(SESSION_KEY) == conversation_id:
        close()
