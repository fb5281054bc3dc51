"""The sidebar's list of conversations: by day, or those that hold what is searched; each is opened, renamed, pinned and deleted there."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from itertools import groupby

import streamlit as st
from streamlit.navigation.page import Page

from kdrinks.errors import KdrinksError
from kdrinks.records import Visitor
from kdrinks.services import Services, delete_conversation
from kdrinks.store import chats, conversation_marks, conversation_search, forget, undo
from kdrinks.store.chats import Conversation
from kdrinks.store.conversation_search import Found
from kdrinks.store.db import now
from kdrinks.store.undo import PutAway
from kdrinks.text import sought
from kdrinks.ui.chat import conversations, take_away
from kdrinks.ui.frame import as_state, get_services, show_error, t, visitor
from kdrinks.ui.markdown_text import as_plain

SEARCH_KEY = "conversation-search"
SHOWN_KEY = "conversations-shown"
RENAMED_KEY = "conversation-renamed"
"""Session state: the id of the one whose title is being written."""
REOPENED_KEY = "conversation-put-away"
"""Session state: the id of the one that was open when it was deleted."""
REFUSED_KEY = "conversation-refused"
SHOWN = 30
"""Rows, and how many more each press of the button brings. They are costly: with 500 a rerun took 2.8 s."""
MARK, MARK_END = "\ue000", "\ue001"
"""Private characters that no font draws; stand for a mark while a text becomes Markdown."""
UNDO_CHECK_S = 5.0
"""How long Undo may still stand there when it is too late."""


def draw(services: Services, chat_page: Page, *, here: bool) -> None:
    """A new conversation, and those there are, the last ones first. here: whether the chat page is the one that is open."""
    if st.button(t("frame.new_conversation"), icon=":material/add:", width="stretch", key="new-conversation"):
        st.session_state.pop(RENAMED_KEY, None)
        conversations.close()
        st.switch_page(chat_page)
    if st.button(
        t("frame.new_temporary"),
        icon=":material/visibility_off:",
        width="stretch",
        type="tertiary",
        key="new-temporary",
    ):
        st.session_state.pop(RENAMED_KEY, None)
        conversations.begin_temporary()
        st.switch_page(chat_page)
    if forget.is_overdue(services.db):
        services.deletions.carry_out()
    if refused := st.session_state.pop(REFUSED_KEY, None):
        show_error(KdrinksError(refused["key"], **refused["values"]))
    if away := undo.put_away_by(services.db, visitor()):
        _draw_undo(away)
        _leave_undo()
    st.markdown(f"##### {t('frame.conversations')}")
    place = st.empty()
    typed = st.session_state.get(SEARCH_KEY) or ""
    listed = _found(services, visitor(), typed) if typed.strip() else _latest(services, visitor())
    if not listed and not typed.strip():
        st.caption(t("frame.no_conversations"))
        return
    place.text_input(
        t("frame.search"),
        key=SEARCH_KEY,
        type="search",
        icon=":material/search:",
        placeholder=t("frame.search"),
        label_visibility="collapsed",
        on_change=lambda: st.session_state.pop(SHOWN_KEY, None),
    )
    if typed.strip() and not listed:
        st.caption(t("frame.search_nothing"))
        st.caption(t("frame.search_filters"))
    shown = st.session_state.get(SHOWN_KEY, SHOWN)
    with st.container(gap="xsmall", key="conversations"):
        _draw_rows(listed[:shown], chat_page, here=here, with_days=not typed.strip())
    if len(listed) > shown:
        st.button(
            t("frame.more_conversations"),
            icon=":material/expand_more:",
            type="tertiary",
            key="more-conversations",
            on_click=lambda: st.session_state.update({SHOWN_KEY: shown + SHOWN}),
        )


def _latest(services: Services, who: Visitor) -> list[Found]:
    """One more than are shown, where there are more; before them the open one, where it is not among them."""
    listed = chats.conversations(services.db, who, st.session_state.get(SHOWN_KEY, SHOWN) + 1)
    opened = conversations.current()
    if opened and opened not in [one.id for one in listed[: st.session_state.get(SHOWN_KEY, SHOWN)]]:
        elsewhere = chats.conversations(services.db, who, among=[opened])
        listed = [*elsewhere, *[one for one in listed if one.id != opened]]
    return [Found(one, ()) for one in listed]


def _found(services: Services, who: Visitor, typed: str) -> list[Found]:
    try:
        asked = sought.read(typed, services.words)
        limit = st.session_state.get(SHOWN_KEY, SHOWN) + 1
        return conversation_search.search(services.db, who, asked, limit=limit, zone=_zone())
    except KdrinksError as error:
        show_error(error)
        return []


def _zone() -> timedelta:
    """How far the reader's clock is ahead of UTC."""
    return timedelta(minutes=-(st.context.timezone_offset or 0))


def _draw_rows(listed: Sequence[Found], chat_page: Page, *, here: bool, with_days: bool) -> None:
    """with_days: under headings; what was found stands in an order of its own, in which each would come again and again."""
    today = (now() + _zone()).date()
    opened = conversations.current()
    for heading, rows in groupby(listed, key=lambda one: _heading(one.conversation, today) if with_days else ""):
        if heading:
            st.caption(heading)
        for found in rows:
            _draw_row(found, chat_page, is_open=found.conversation.id == opened, here=here)


def _heading(conversation: Conversation, today: date) -> str:
    if conversation.pinned:
        return t("frame.pinned")
    day = (conversation.last_at + _zone()).date()
    age = (today - day).days
    if age <= 0:
        return t("frame.today")
    if age == 1:
        return t("frame.yesterday")
    if age <= 7:
        return t("frame.last_week")
    return t("frame.month" if day.year == today.year else "frame.month_of_year", day=datetime(day.year, day.month, 1))


def _draw_row(found: Found, chat_page: Page, *, is_open: bool, here: bool) -> None:
    conversation = found.conversation
    title = as_plain(conversation.title or t("frame.untitled"))
    if st.session_state.get(RENAMED_KEY) == conversation.id:
        _draw_title_box(conversation, title)
        return
    with st.container(horizontal=True, gap=None, wrap=False, key=f"row{'-open' if is_open else ''}-{conversation.id}"):
        # a callback is over before the next run: that one marks the row and has no other to wait for
        clicked = st.button(
            title,
            key=f"open-{conversation.id}",
            type="tertiary",
            width="stretch",
            on_click=_open,
            args=(conversation.id, here),
        )
        if clicked and not here:
            st.switch_page(chat_page, query_params={conversations.ADDRESS_KEY: conversation.id})
        if is_open:
            take_away.draw(conversation.id, conversation.title)
        acts = {
            "rename": t("frame.rename"),
            "unpin" if conversation.pinned else "pin": t("frame.unpin" if conversation.pinned else "frame.pin"),
            "delete": t("frame.delete"),
        }
        st.menu_button(
            t("frame.menu", title=title),
            tuple(acts),
            format_func=acts.__getitem__,
            icon=":material/more_horiz:",
            type="tertiary",
            key=f"menu-{conversation.id}",
            on_click=_act,
            args=(conversation.id,),
        )
    if found.snippet:
        marked = "".join(f"{MARK}{text}{MARK_END}" if is_match else text for text, is_match in found.snippet)
        st.caption(as_plain(marked).replace(MARK, ":yellow-background[").replace(MARK_END, "]"))


def _draw_title_box(conversation: Conversation, title: str) -> None:
    with st.container(horizontal=True, gap=None, wrap=False, key="renaming"):
        # in a form: a box of its own keeps what is in it as soon as one clicks on the cross
        with (
            st.form(f"naming-{conversation.id}", border=False),
            st.container(horizontal=True, gap=None, wrap=False),
        ):
            st.text_input(
                t("frame.title_of", title=title),
                value=conversation.title,
                key=f"title-{conversation.id}",
                max_chars=chats.TITLE_CHARACTERS,
                label_visibility="collapsed",
            )
            st.form_submit_button(
                t("frame.give_name"),
                icon=":material/check:",
                type="tertiary",
                key="give-name",
                on_click=_rename,
                args=(conversation.id,),
            )
        st.button(
            t("frame.keep_name"),
            icon=":material/close:",
            type="tertiary",
            key="keep-name",
            on_click=lambda: st.session_state.pop(RENAMED_KEY, None),
        )


def _open(conversation_id: str, here: bool) -> None:
    st.session_state.pop(RENAMED_KEY, None)
    if here:
        conversations.open_one(conversation_id)


def _act(conversation_id: str) -> None:
    """What was chosen in a row's menu."""
    act = st.session_state[f"menu-{conversation_id}"]
    st.session_state.pop(RENAMED_KEY, None)
    try:
        if act == "delete":
            _delete(conversation_id)
        elif act == "rename":
            st.session_state[RENAMED_KEY] = conversation_id
        else:
            conversation_marks.pin(get_services().db, visitor(), conversation_id, act == "pin")
    except KdrinksError as error:
        st.session_state[REFUSED_KEY] = as_state(error)


def _rename(conversation_id: str) -> None:
    st.session_state.pop(RENAMED_KEY, None)
    try:
        conversation_marks.rename(
            get_services().db, visitor(), conversation_id, st.session_state[f"title-{conversation_id}"]
        )
    except KdrinksError as error:
        st.session_state[REFUSED_KEY] = as_state(error)


def _delete(conversation_id: str) -> None:
    delete_conversation(get_services(), visitor(), conversation_id)
    if conversations.current() == conversation_id:
        conversations.close()
        st.session_state[REOPENED_KEY] = conversation_id


def _draw_undo(away: Sequence[PutAway]) -> None:
    """What was deleted last, for as long as it can be taken back. In no fragment: while an answer is written a click in one waits for its end."""
    with st.container(key="undo", gap="xsmall"):
        for one in away[:3]:
            st.caption(t("frame.deleted", title=as_plain(one.title or t("frame.untitled"))))
            st.button(
                t("frame.undo"),
                icon=":material/undo:",
                type="tertiary",
                key=f"undo-{one.id}",
                on_click=_take_back,
                args=(one.id,),
            )


@st.fragment(run_every=UNDO_CHECK_S)
def _leave_undo() -> None:
    """Draw the page anew when nothing can be taken back any more."""
    if not undo.put_away_by(get_services().db, visitor()):
        st.rerun()


def _take_back(conversation_id: str) -> None:
    st.session_state.pop(RENAMED_KEY, None)
    if not undo.take_back(get_services().db, visitor(), conversation_id):
        st.session_state[REFUSED_KEY] = {"key": "undo_too_late", "values": {}}
    elif st.session_state.get(REOPENED_KEY) == conversation_id and conversations.current() is None:
        st.session_state.pop(REOPENED_KEY)
        conversations.open_one(conversation_id)
