"""Behind the drinks: the list of changes with their undo, and the drinks as files to take out and bring in."""

from collections.abc import Sequence
from datetime import timedelta
from functools import partial

import streamlit as st

from kdrinks.drinks import catalog, import_export
from kdrinks.drinks.catalog import DrinkCatalog
from kdrinks.errors import KdrinksError
from kdrinks.services import Services
from kdrinks.store import drinks as store
from kdrinks.ui.drinks.form import lines, tell
from kdrinks.ui.drinks.labels import DRINKS_PAGE, title
from kdrinks.ui.frame import as_state, get_services, show_error, t, visitor
from kdrinks.ui.markdown_text import as_plain

REFUSED_KEY = "changes-refused"
DONE_KEY = "changes-done"
TURN_KEY = "changes-turn"
"""Counts imports: a new key empties the file field."""


def draw(services: Services, now: DrinkCatalog) -> None:
    """Changes, export, import. Raises StoreError."""
    st.page_link(DRINKS_PAGE, label=t("drinks.back"), icon=":material/arrow_back:")
    with st.container(key="drink-changes", gap=None):
        st.title(t("drinks.changes_title"), anchor=False)
        st.markdown(t("drinks.changes_intro"))
    if refused := st.session_state.pop(REFUSED_KEY, None):
        show_error(KdrinksError(refused["key"], **refused["values"]))
    if done := st.session_state.pop(DONE_KEY, ""):
        st.toast(done, icon=":material/check:")
    if now.unfit:
        st.warning(t("drinks.unfit", names=as_plain(", ".join(now.unfit))), icon=":material/warning:")
    left, right = st.columns(2, gap="medium")
    with left, st.container(border=True, height="stretch"):
        st.subheader(t("drinks.export"), anchor=False)
        st.markdown(t("drinks.export_help", count=len(now.drinks)))
        with st.container(horizontal=True):
            for kind, mime, make in (
                ("jsonl", "application/jsonl", import_export.as_jsonl),
                ("csv", "text/csv", import_export.as_csv),
            ):
                st.download_button(
                    t(f"drinks.export_{kind}"),
                    partial(make, now.drinks),
                    file_name=f"kdrinks-drinks.{kind}",
                    mime=mime,
                    icon=":material/download:",
                    on_click="ignore",
                    key=f"export-{kind}",
                )
    if visitor().administrator:
        with right, st.container(border=True, height="stretch"):
            _draw_import(services, now)
    st.header(t("drinks.changes"), anchor=False)
    _draw_changes(now, store.changes(services.db))


def draw_changes_of(services: Services, now: DrinkCatalog, drink_id: str) -> None:
    """The changes of one drink, for its page; nothing when there are none."""
    changes = store.changes(services.db, drink_id=drink_id)
    if changes:
        with st.expander(t("drinks.history_of"), icon=":material/history:"):
            _draw_changes(now, changes)


def _draw_changes(now: DrinkCatalog, changes: Sequence[store.Change]) -> None:
    if not changes:
        st.caption(t("drinks.no_changes"))
    for change in changes:
        with st.container(horizontal=True, vertical_alignment="center", border=True, key=f"change-{change.id}"):
            made_at = change.made_at - timedelta(minutes=st.context.timezone_offset or 0)
            st.badge(t(f"drinks.kinds_of_change.{change.kind}"), color="gray" if change.kind == "undone" else "green")
            st.markdown(f"{_names(now, change.drink_ids)}  \n:small[:gray[{made_at:%Y-%m-%d %H:%M}]]", width="stretch")
            if change.can_be_undone and visitor().administrator:
                st.button(
                    t("drinks.undo"), icon=":material/undo:", key=f"undo-{change.id}", on_click=_undo, args=(change.id,)
                )


def _draw_import(services: Services, now: DrinkCatalog) -> None:
    st.subheader(t("drinks.import"), anchor=False)
    st.markdown(t("drinks.import_help"))
    turn = st.session_state.get(TURN_KEY, 0)
    file = st.file_uploader(
        t("drinks.import_file"),
        ["jsonl", "csv"],
        key=f"import-{turn}",
        max_upload_size=import_export.SIZE_MAX_BYTES // 1024**2,
    )
    if file is None:
        return
    try:
        found = import_export.read(file.getvalue(), file.name, now)
    except KdrinksError as error:
        show_error(error)
        return
    if found.wrong:
        tell([problem for _, _, problem in found.wrong], [f"{row}, {drink_id}" for row, drink_id, _ in found.wrong])
        return
    st.markdown(t("drinks.import_found", new=len(found.new), changed=len(found.changed), same=found.same))
    if found.stays:
        told = lines([problem for _, _, problem in found.stays], [f"{row}, {one}" for row, one, _ in found.stays])
        st.warning("\n".join((t("drinks.stays"), "", *told)), icon=":material/health_and_safety:")
    records = {**found.new, **found.changed}
    if not records:
        st.caption(t("drinks.import_nothing"))
        return
    if st.button(t("drinks.import_save", count=len(records)), type="primary", key="import-save"):
        with st.spinner(t("drinks.saving")):
            catalog.save(services.db, visitor(), "imported", records)
            services.knowledge.renew()
        st.session_state[TURN_KEY] = turn + 1
        st.session_state[DONE_KEY] = t("drinks.imported", count=len(records))
        st.rerun()


def _undo(change_id: str) -> None:
    services = get_services()
    try:
        store.undo(services.db, visitor(), change_id)
        services.knowledge.renew()
    except KdrinksError as error:
        st.session_state[REFUSED_KEY] = as_state(error)
    else:
        st.session_state[DONE_KEY] = t("drinks.undone")


def _names(now: DrinkCatalog, drink_ids: Sequence[str]) -> str:
    drinks = now.by_id
    names = [as_plain(title(drinks[drink_id]) if drink_id in drinks else drink_id) for drink_id in drink_ids[:3]]
    rest = len(drink_ids) - len(names)
    return t("drinks.and_more", names=", ".join(names), count=rest) if rest else ", ".join(names)
