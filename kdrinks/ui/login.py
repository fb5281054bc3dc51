"""Logging in to a hosted site, at the sidebar's foot: Streamlit's OpenID Connect, as the [auth] section of its secrets says, or a password.

At home nothing is drawn. Who somebody then is, frame.visitor says.
"""

import streamlit as st

from kdrinks.errors import KdrinksError
from kdrinks.services import Services
from kdrinks.store import logins
from kdrinks.ui import site
from kdrinks.ui.frame import claims, log_out, password_session, show_error, t, visitor
from kdrinks.ui.markdown_text import as_plain


def draw(services: Services) -> None:
    """A button for each provider and the field for a password; for whoever is logged in, who they are and the way out."""
    if not services.settings.hosted:
        return
    known = site.providers()
    user = claims() if known else {}
    password = site.admin_password()
    if user.get("is_logged_in") is True:
        role = f" ({t('frame.administrator')})" if visitor().administrator else ""
        st.text(f"{user.get('email') or ''}{role}")  # Markdown would make a link of it
        if st.button(t("frame.log_out"), icon=":material/logout:", type="tertiary", key="log-out"):
            _end_password(services, password)
            log_out()
        return
    if password and visitor().administrator:
        st.text(t("frame.administrator"))
        if st.button(t("frame.log_out"), icon=":material/logout:", type="tertiary", key="log-out"):
            _end_password(services, password)
            st.rerun()
        return
    for name in known:
        label = t("frame.log_in") if len(known) == 1 else f"{t('frame.log_in')}: {as_plain(name)}"
        if st.button(label, icon=":material/login:", type="tertiary", key=f"log-in-{name}"):
            st.login(name or None)
    if password:
        _draw_password(services, password)


def _draw_password(services: Services, password: str) -> None:
    with (
        st.popover(t("frame.log_in_by_password"), icon=":material/key:", type="tertiary"),
        st.form("password", border=False, clear_on_submit=True),
    ):
        typed = st.text_input(t("frame.password"), type="password", autocomplete="current-password")
        if not st.form_submit_button(t("frame.log_in"), type="primary") or not typed:
            return
        try:
            logins.log_in(services.db, visitor(), password_session(password), typed=typed, password=password)
        except KdrinksError as error:
            show_error(error)
        else:
            st.rerun()


def _end_password(services: Services, password: str) -> None:
    if password:
        logins.log_out(services.db, visitor(), password_session(password))
