"""Draws how a model file that is on this computer already gets into the list: a path that is typed, or one that was found."""

import os
from pathlib import Path

import streamlit as st

from kdrinks.errors import KdrinksError
from kdrinks.hub import links
from kdrinks.hub.spelled import on_disk
from kdrinks.records import Visitor
from kdrinks.services import Services
from kdrinks.ui.format import bytes_text
from kdrinks.ui.frame import show_error, t, visitor
from kdrinks.ui.markdown_text import as_plain

ADDED = "link-added"
"""Session state: id of the model that was just linked, until the page has said so."""


def draw(services: Services) -> None:
    """An expander under the list of models."""
    with st.expander(t("models.link.title"), icon=":material/link:", key="link"):
        st.caption(t("models.link.help"))
        if ADDED in st.session_state:
            st.session_state["link-path"] = ""
        typed = st.text_input(t("models.link.path"), placeholder="~/models/model-Q4_K_M.gguf", key="link-path").strip()
        path = on_disk(Path(os.path.expanduser(typed)))  # Path.expanduser raises where ~name is nobody here
        folder = bool(typed) and _is_folder(path)
        found = (
            links.inside(visitor(), path, services.settings)
            if folder
            else _found(visitor(), str(services.settings.models), services)
        )
        picked = None
        if found and (folder or not typed):
            picked = st.selectbox(
                t("models.link.pick"),
                found,
                index=None,
                format_func=lambda one: f"{links.described(one)} · {_size(one)} · {one.parent}",
                placeholder=t("models.link.pick_none"),
                key=f"link-pick-{typed}",
            )
        elif folder:
            st.caption(t("models.link.nothing"))
        chosen = picked or (path if typed and not folder else None)
        with st.container(horizontal=True):
            one = st.button(t("models.link.add"), icon=":material/link:", disabled=chosen is None, key="link-add")
            whole = folder and st.button(
                t("models.link.add_folder"),
                icon=":material/folder:",
                help=t("models.link.add_folder_help"),
                key="link-add-folder",
            )
        if (one and chosen) or whole:
            try:
                if whole:
                    links.link_folder(visitor(), path, services.settings)
                st.session_state[ADDED] = (
                    path.name if whole or not chosen else links.link(visitor(), chosen, services.settings).id
                )
            except KdrinksError as error:
                show_error(error)
            else:
                _found.clear()
                st.rerun()
    if added := st.session_state.pop(ADDED, None):
        st.toast(t("models.link.added", model=as_plain(added)), icon=":material/link:")


def draw_broken(path: Path) -> None:
    """The button that removes a link whose file is gone; nothing for any other path."""
    if links.moved(path) and st.button(
        t("models.link.unlink"), icon=":material/link_off:", key=f"unlink-{path}", type="tertiary"
    ):
        links.unlink(visitor(), path)
        st.rerun()


@st.cache_data(ttl=30, max_entries=4, show_spinner=False)
def _found(who: Visitor, folder: str, _house: Services) -> list[Path]:
    return links.elsewhere(who, _house.settings, Path.home())


def _size(path: Path) -> str:
    try:
        return bytes_text(path.stat().st_size)
    except OSError:
        return "–"  # gone since it was found


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:
        # What a person typed can be longer than a name may be.
        return False
