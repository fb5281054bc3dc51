"""The open conversation as a file: a choice of formats beside its name in the list."""

from functools import partial

import streamlit as st

from kdrinks.portability import formats
from kdrinks.records import Language, Visitor
from kdrinks.ui.frame import get_services, lang, t, visitor


def draw(conversation_id: str, title: str) -> None:
    """title: as it is known, for the file's name."""
    popover = st.popover(t("portability.download"), icon=":material/download:", type="tertiary")
    with popover, st.container(gap="xxsmall"):
        # the file is made when its button is pressed, on a thread that knows no visitor and no language
        who, reader = visitor(), lang()
        for ending, one in formats.FORMATS.items():
            st.download_button(
                t(f"portability.formats.{ending}"),
                partial(_made, who, conversation_id, ending, reader),
                file_name=formats.file_name(title, ending),
                mime=one.mime,
                on_click="ignore",
                type="tertiary",
                key=f"take-{ending}-{conversation_id}",
            )
        st.caption(t("portability.download_note"))


def _made(who: Visitor, conversation_id: str, ending: str, reader: Language) -> bytes:
    return formats.export(get_services().db, who, conversation_id, ending, reader)[0]
