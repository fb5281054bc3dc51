"""Where a correction and the package say different things: both, and the button that lets the package speak again."""

from collections.abc import Mapping
from typing import Any

import streamlit as st

from kdrinks.drinks import catalog
from kdrinks.drinks.catalog import DrinkCatalog
from kdrinks.drinks.corrections import TOGETHER, Conflict
from kdrinks.errors import KdrinksError
from kdrinks.store.drinks import Correction
from kdrinks.ui.drinks.labels import named
from kdrinks.ui.frame import as_state, get_services, lang, show_error, t, visitor
from kdrinks.ui.markdown_text import as_plain

REFUSED_KEY = "conflict-refused"


def draw(now: DrinkCatalog, drink_id: str) -> None:
    """The conflicts of a drink; nothing where there are none."""
    if refused := st.session_state.pop(REFUSED_KEY, None):
        show_error(KdrinksError(refused["key"], **refused["values"]))
    conflicts = now.conflicts.get(drink_id, ())
    if not conflicts:
        return
    with st.container(border=True, key="conflicts", gap="small"):
        st.markdown(f":material/call_split: **{t('drinks.conflicts')}**")
        for number, conflict in enumerate(conflicts):
            with st.container(horizontal=True, vertical_alignment="center", key=f"conflict-{number}"):
                st.markdown(_told(conflict), width="stretch")
                if visitor().administrator:
                    st.button(
                        t("drinks.take_packaged"),
                        icon=":material/undo:",
                        key=f"take-{number}",
                        on_click=_take,
                        args=(drink_id, conflict.correction),
                    )


def _told(conflict: Conflict) -> str:
    one = conflict.correction
    if conflict.package_stands:
        key = "package_stays" if one.value is None else "package_warns"
    else:
        key = "package_gone" if conflict.package is None else "package_says"
    texts = {"mine": one.value, "package": conflict.package, "base": one.base}
    shown = {name: as_plain(_text(one.field, value)) for name, value in texts.items()}
    return f"**{as_plain(named(one.field))}**: {t(f'drinks.{key}', **shown)}"


def _text(field: str, value: Any) -> str:
    """A value of a record in the reader's language."""
    if value is None:
        return "–"
    if isinstance(value, Mapping):
        if lang() in value:
            return _text(field, value[lang()])
        return _text(field, value[field]) if field in TOGETHER else ""
    return " / ".join(map(str, value)) if isinstance(value, list) else str(value)


def _take(drink_id: str, correction: Correction) -> None:
    services = get_services()
    try:
        catalog.take_packaged(services.db, visitor(), drink_id, correction)
        services.knowledge.renew()
    except KdrinksError as error:
        st.session_state[REFUSED_KEY] = as_state(error)
