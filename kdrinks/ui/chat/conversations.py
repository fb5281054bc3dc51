"""Which conversation is open, and the list of all there are.

The open one is in the address (?c=ID), so that a refresh or a second tab returns to it, and in the session, so that it is
still open after a look at another page. Knows nothing of messages.
"""

from uuid import UUID

import streamlit as st
from streamlit.navigation.page import Page

from kdrinks.errors import KdrinksError
from kdrinks.services import Services
from kdrinks.store import chats
from kdrinks.ui.chat import take_away
from kdrinks.ui.frame import show_error, t, visitor
from kdrinks.ui.markdown_text import as_plain

ADDRESS_KEY = "c"
SESSION_KEY = "conversation"
SHOWN = 12
"""Rows of a page of the list. They are costly: a rerun with 12 takes 0.2 s in all, with 60 0.3 s, with 500 2.8 s."""


def current() -> str | None:
    """The id of the open conversation; None for a new one. Only the chat page calls this: it writes the address."""
    if addressed := _addressed():
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


def _addressed() -> str:
    """The id in the address, written as the store does: in capitals it was another one to what keeps answers and memory by it."""
    text = st.query_params.get(ADDRESS_KEY, "")
    try:
        return str(UUID(text))
    except ValueError:
        return text


def draw_list(services: Services, chat_page: Page) -> None:
    """A new conversation, and those there are to open or delete, the last ones first, page by page."""
    if st.button(t("frame.new_conversation"), icon=":material/add:", width="stretch", key="new-conversation"):
        close()
        st.switch_page(chat_page)
    known = chats.conversations(services.db, visitor(), limit=None)
    # the address first: the page that takes it over is drawn after the list
    opened = _addressed() or st.session_state.get(SESSION_KEY)
    st.markdown(f"##### {t('frame.conversations')}")
    if not known:
        st.caption(t("frame.no_conversations"))
    rows = st.container(gap="xsmall", key="conversations")
    page, pages = 1, -(-len(known) // SHOWN)
    if pages > 1:
        page = st.pagination(pages, max_visible_pages=5, width="stretch", key="conversations-page")
    listed = known[(page - 1) * SHOWN : page * SHOWN]
    elsewhere = [conversation for conversation in known if conversation.id == opened and conversation not in listed]
    with rows:
        for conversation in [*elsewhere, *listed]:
            _draw_row(conversation, chat_page, is_open=conversation.id == opened)


def _draw_row(conversation: chats.Conversation, chat_page: Page, *, is_open: bool) -> None:
    title = as_plain(conversation.title or t("frame.untitled"))
    with st.container(horizontal=True, gap=None, wrap=False, key=f"row{'-open' if is_open else ''}-{conversation.id}"):
        if st.button(title, key=f"open-{conversation.id}", type="tertiary", width="stretch"):
            st.switch_page(chat_page, query_params={ADDRESS_KEY: conversation.id})
        if is_open:
            take_away.draw(conversation.id, conversation.title)
        with st.popover(t("frame.delete"), icon=":material/delete:", type="tertiary"):
            st.markdown(t("frame.delete_sure"))
            st.button(
                t("frame.delete_conversation", title=title),
                key=f"delete-{conversation.id}",
                type="primary",
                on_click=_delete,
                args=(conversation.id,),
            )


def _delete(conversation_id: str) -> None:
    from kdrinks.ui.frame import get_services

    try:
        chats.delete_conversation(get_services().db, visitor(), conversation_id)
    except KdrinksError as error:
        show_error(error)
        return
    if st.session_state.get(SESSION_KEY) == conversation_id:
        close()
