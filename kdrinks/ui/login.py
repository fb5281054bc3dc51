"""Logging in to a hosted site, at the sidebar's foot: Streamlit's OpenID Connect, as the [auth] section of its secrets says.

At home nothing is drawn. Who somebody then is, visitor.of_login says.
"""

from collections.abc import Collection, Mapping
from typing import Any

import streamlit as st

from kdrinks.ui.frame import claims, log_out, t, visitor
from kdrinks.ui.markdown_text import as_plain


def providers() -> list[str]:
    """The providers one can log in with; none where there are no secrets or no [auth] section in them."""
    return providers_in(st.secrets.get("auth", {})) if st.secrets.load_if_toml_exists() else []


def providers_in(auth: Mapping[str, Any]) -> list[str]:
    """The providers of an [auth] section, "" for the one without a name."""
    named = [name for name, value in auth.items() if isinstance(value, Mapping) and "client_id" in value]
    return ["", *named] if "client_id" in auth else named


def draw(admins: Collection[str]) -> None:
    """A button for each provider; for whoever is logged in, their address and the way out."""
    known = providers() if admins else []
    user = claims() if known else {}
    if user.get("is_logged_in") is True:
        role = f" ({t('frame.administrator')})" if visitor().administrator else ""
        st.text(f"{user.get('email') or ''}{role}")  # Markdown would make a link of it
        if st.button(t("frame.log_out"), icon=":material/logout:", type="tertiary", key="log-out"):
            log_out()
        return
    for name in known:
        label = t("frame.log_in") if len(known) == 1 else f"{t('frame.log_in')}: {as_plain(name)}"
        if st.button(label, icon=":material/login:", type="tertiary", key=f"log-in-{name}"):
            st.login(name or None)
