"""What the person said they cannot have, as chips over the box; a click takes one back."""

from collections.abc import Sequence

import streamlit as st

from kdrinks.drinks import catalog
from kdrinks.errors import KdrinksError
from kdrinks.records import StoredQuestion
from kdrinks.search import concerns
from kdrinks.services import Services
from kdrinks.store import exclusions
from kdrinks.ui.drinks import labels
from kdrinks.ui.frame import get_services, show_error, t, visitor
from kdrinks.ui.frame import lang as reader
from kdrinks.ui.markdown_text import as_plain


def draw(services: Services, asked: Sequence[StoredQuestion]) -> None:
    """Those that the latest answer was held to and that nobody took back since. Raises StoreError."""
    latest = next((one.exchange for one in reversed(asked) if one.exchange), None)
    held = list(latest.details.get("exclusions", ())) if latest else []
    if latest is None or not held:
        return
    lifted = exclusions.lifted(services.db, visitor(), latest.conversation_id)
    with st.container(horizontal=True, gap="xsmall", vertical_alignment="center", key="exclusions"):
        for exclusion in held:
            if exclusion not in lifted:
                st.button(
                    as_plain(label(services, exclusion)),
                    icon=":material/close:",
                    icon_position="right",
                    key=f"exclusion-{exclusion}",
                    help=t("chat.take_back"),
                    on_click=_lift,
                    args=(latest.conversation_id, exclusion),
                )


def label(services: Services, exclusion: str) -> str:
    """exclusion: as Findings.exclusions names it: `diet nuts`, `only vegan`, `ingredient 생강`, `drink sikhye`, `liquor`, or a state."""
    group, _, name = exclusion.partition(" ")
    if group == "only":
        return labels.short("diet", name)
    if group == "drink":
        drink = catalog.current(services.db).by_id.get(name)
        return t("chat.without", what=labels.title(drink) if drink else name)
    if group == "caffeine":
        return t("chat.without_caffeine")
    if name:
        return t("chat.without", what=labels.short(group, name))
    return t("chat.without_liquor") if group == "liquor" else concerns.called(group, reader())


def _lift(conversation_id: str, exclusion: str) -> None:
    try:
        exclusions.lift(get_services().db, visitor(), conversation_id, exclusion)
    except KdrinksError as error:
        show_error(error)
