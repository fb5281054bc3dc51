"""What every page shares: the services of this process, the reader's language, strings, and how errors are shown.

Knows nothing of any page. Pages catch KdrinksError only and hand it to show_error; anything else is a bug, of
which the page says only that there is one: its traceback is in the log.
"""

from collections.abc import Collection
from dataclasses import replace
from secrets import token_hex
from typing import Any
from uuid import uuid4

import streamlit as st
from streamlit.runtime import get_instance
from streamlit.runtime.scriptrunner import get_script_run_ctx

from kdrinks import i18n
from kdrinks.config import from_environment
from kdrinks.errors import KdrinksError
from kdrinks.records import ADMINISTRATOR, Language, Visitor
from kdrinks.services import Services, open_services
from kdrinks.store import logins
from kdrinks.store.views import without_folders
from kdrinks.ui import site
from kdrinks.ui.markdown_text import as_plain
from kdrinks.ui.presence import Presence
from kdrinks.ui.visitor import COOKIE, SESSION_COOKIE, login_of, of_login, of_token, session_of, token_in

LANGUAGE_KEY = "language"
"""Session state: what the person chose; absent until they do."""
LANGUAGE_COOKIE = "kdrinks_language"
"""Keeps the choice over reloads and new tabs; set in the browser by ui.main, read from the page's first request."""


@st.cache_resource(show_spinner=False)
def get_services() -> Services:
    """The one set of services of this process, warming up in the background from the first call on.

    Raises StoreError when the database cannot be opened; the next call tries again.
    """
    opened = open_services(from_environment())
    opened.db.on_delete.append(lambda conversations: st.cache_data.clear())
    opened.warm()
    return opened


def lang() -> Language:
    """The person's choice, else the browser's language, else English."""
    candidates = (st.session_state.get(LANGUAGE_KEY), st.context.cookies.get(LANGUAGE_COOKIE), st.context.locale)
    for candidate in candidates:
        if isinstance(candidate, str) and candidate[:2].lower() in i18n.LANGUAGES:
            return "ko" if candidate[:2].lower() == "ko" else "en"
    return "en"


def t(key: str, **values: object) -> str:
    """An interface string in the reader's language."""
    return i18n.text(key, lang(), **values)


def in_words(key: str, start: Any) -> tuple[str, Any]:
    """The key and the first value of a radio, a selectbox or a multiselect whose options are words of the reader's language.

    The browser holds the chosen words themselves: under the same key in the other language, the next click loses the choice.
    start: what it starts with; what was chosen a moment ago, when only the language changed.
    """
    for other in i18n.LANGUAGES:
        if other != lang():
            start = st.session_state.get(f"{key}-{other}", start)
    return f"{key}-{lang()}", start


def several_in_words(key: str, options: Collection[Any]) -> dict[str, Any]:
    """key= and on_change= of a multiselect as in in_words, whose values the session keeps under `key` for as long as it lasts."""
    own = f"{key}-{lang()}"
    st.session_state[own] = [option for option in st.session_state[key] if option in options]
    return {"key": own, "on_change": lambda: st.session_state.update({key: st.session_state[own]})}


def session() -> str:
    """A random name of this browser session, whose turn it is in the engine's queue."""
    return str(st.session_state.setdefault("session", uuid4().hex))


def address_of_connection() -> str:
    """Where this page's connection comes from, behind a proxy the visitor's own address; "" from this machine. Nobody is known by it."""
    return st.context.ip_address or ""


def visitor() -> Visitor:
    """Who is at this page, for whatever is read or written: the administrator at home, on no hosted site.

    Else whoever is logged in, else the browser by its cookie; without cookies a visitor lasts as long as the session.
    Only in a run of a script: a button's later callback on another thread has no cookies.
    """
    services = get_services()
    if not services.settings.hosted:
        return ADMINISTRATOR
    who = of_login(claims(), services.settings.admins) or of_token(_token(COOKIE, "visitor"))
    if not who.administrator and (password := site.admin_password()):
        return replace(who, administrator=logins.is_logged_in(services.db, who, password_session(password)))
    return who


def password_session(password: str) -> str:
    """The log-in by this password of this browser, for as long as it is open."""
    return session_of(_token(SESSION_COOKIE, "password-session"), password)


def _token(cookie: str, key: str) -> str:
    """Of a cookie that the server signed; where the browser sends none, a random one for the session."""
    token = token_in(st.context.cookies.get(cookie), cookie, site.cookie_secret())
    return token or str(st.session_state.setdefault(key, token_hex(16)))


def administers() -> bool:
    """Whether an administrator is at this page, as far as the navigation needs to know; nobody is where the store is the error."""
    if not from_environment().hosted:
        return True
    try:
        return visitor().administrator
    except KdrinksError:
        return False


@st.cache_resource(show_spinner=False)
def presence() -> Presence:
    """Who has a page open, on a hosted site."""
    return Presence(lambda session_id: get_instance().is_active_session(session_id))


def note_presence() -> None:
    """This page is drawn for whoever is at it; nothing at home, where nobody's answer ends for a page that left."""
    context = get_script_run_ctx()
    if context and get_services().settings.hosted:
        presence().note(context.session_id, visitor())


@st.cache_resource(show_spinner=False)
def _ended_logins() -> set[str]:
    return set()


def claims() -> dict[str, Any]:
    """What the provider says of who is logged in; nothing from when they log out in any tab, which the others do not hear of."""
    user = st.user.to_dict()
    return {} if login_of(user) in _ended_logins() else user


def log_out() -> None:
    """In every tab of this browser."""
    if login := login_of(st.user.to_dict()):
        _ended_logins().add(login)
    st.logout()


def show_error(error: KdrinksError) -> None:
    """What happened and what to do next, in the reader's language; the names in it as they are."""
    message, hint = (
        as_plain(in_public(" ".join(text.split()))) for text in (error.message(lang()), error.hint(lang()))
    )
    st.error(f"**{message}**\n\n{hint}", icon=":material/error:")


def in_public(error: str) -> str:
    """An error as strangers may read it: on a hosted site without the folders of its server. Asks no store, which may be the error."""
    return without_folders(error) if from_environment().hosted else error


def as_state(error: KdrinksError) -> dict[str, Any]:
    """What a session can keep of an error until its next run: KdrinksError(key, **values) is the error again."""
    return {"key": error.key, "values": {name: str(value) for name, value in error.values.items()}}
