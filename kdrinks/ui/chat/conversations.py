"""Which conversation is open.

The open one is in the address (?c=ID), so that a refresh or a second tab returns to it, and in the session, so that it is
still open after a look at another page. Knows nothing of messages, and of no other conversation (conversation_list.py).
"""

import time
from uuid import UUID

import streamlit as st

from kdrinks import answer
from kdrinks.store.db import new_id
from kdrinks.ui.address import RUN_KEY
from kdrinks.ui.frame import get_services, visitor

ADDRESS_KEY = "c"
SESSION_KEY = "conversation"
SEEN_KEY = "conversation-seen"
"""Session state: the run in which the chat page last stood, what was open in it, and whether the browser's address said so."""
WRITTEN_KEY = "conversation-written"
"""Session state: when the address was last written here, monotonic."""
JUST_WRITTEN_KEY = "conversation-just-written"
"""Session state: whether it was written for the run under way."""
TEMPORARY_KEY = "conversation-temporary"
"""Session state: the id of a conversation that is never stored; it is in no address."""
UNDER_WAY_S = 1.0
"""A click may come before the browser has the address that the run before wrote; one that comes later has it."""


def settle() -> None:
    """Bring the address and the session in line, on the chat page, before anything is drawn."""
    addressed, remembered = _addressed(), current()
    if addressed:
        _end_temporary()
        st.session_state[SESSION_KEY] = addressed
    elif remembered and _went_back(remembered):
        st.session_state.pop(SESSION_KEY)
    elif remembered:  # one comes from another page
        open_one(remembered)
    known = not st.session_state.pop(JUST_WRITTEN_KEY, False)
    st.session_state[SEEN_KEY] = {"run": st.session_state.get(RUN_KEY), "id": current(), "known": known}


def current() -> str | None:
    """The id of the open conversation; None for a new one."""
    found: str | None = st.session_state.get(SESSION_KEY)
    return found


def temporary() -> str | None:
    """The id of the open conversation where it is one that is never stored."""
    found: str | None = st.session_state.get(TEMPORARY_KEY)
    return found


def begin_temporary() -> None:
    """Open a new one. It is over as soon as another conversation is opened, or a new one."""
    close()
    conversation_id = new_id()
    get_services().temporary.begin(visitor(), conversation_id)
    st.session_state[TEMPORARY_KEY] = conversation_id


def open_one(conversation_id: str) -> None:
    _end_temporary()
    st.session_state[SESSION_KEY] = conversation_id
    st.query_params[ADDRESS_KEY] = conversation_id
    st.session_state[WRITTEN_KEY] = time.monotonic()
    st.session_state[JUST_WRITTEN_KEY] = True


def close() -> None:
    _end_temporary()
    st.session_state.pop(SESSION_KEY, None)
    st.query_params.pop(ADDRESS_KEY, None)


def _end_temporary() -> None:
    if conversation_id := st.session_state.pop(TEMPORARY_KEY, None):
        if live := answer.running(get_services(), visitor(), conversation_id):
            live.stop()
        get_services().temporary.end(visitor(), conversation_id)


def _went_back(remembered: str) -> bool:
    """Whether an address without a conversation is the browser's Back: it was there a run before, on this page, and the browser knew it."""
    seen = st.session_state.get(SEEN_KEY) or {}
    if seen.get("id") != remembered or seen.get("run") != st.session_state.get(RUN_KEY, 0) - 1:
        return False
    written: float = st.session_state.get(WRITTEN_KEY, 0.0)
    return bool(seen.get("known")) or time.monotonic() - written > UNDER_WAY_S


def _addressed() -> str:
    """The id in the address, written as the store does: in capitals it was another one to what keeps answers and memory by it."""
    text = st.query_params.get(ADDRESS_KEY, "")
    try:
        return str(UUID(text))
    except ValueError:
        return text
