"""The section of data: the SQL box with saved queries, copies to take away, the sample data, backups, how long things are kept,
deleting all, the copy from before an update."""

import io
import zipfile
from datetime import timedelta
from functools import partial
from typing import Any

import streamlit as st

from kdrinks import sample as sample_data
from kdrinks.errors import KdrinksError
from kdrinks.records import Visitor
from kdrinks.store import analytics, forget, live, preferences, snapshot, sqlbox
from kdrinks.store import sample as stored_sample
from kdrinks.store.analytics import AnalyticsFilter
from kdrinks.store.views import VIEWS
from kdrinks.ui import bringing_in
from kdrinks.ui.analytics import backup, visitors
from kdrinks.ui.analytics.view import download
from kdrinks.ui.format import bytes_text
from kdrinks.ui.frame import as_state, get_services, lang, show_error, t, visitor
from kdrinks.ui.markdown_text import as_plain

FIRST_QUERY = """SELECT word, sum(count) AS said, count(*) AS messages
FROM words
WHERE pos = 'drink' AND role = 'question'
GROUP BY word
ORDER BY said DESC
LIMIT 20"""
ANSWER = "sql-answer"
"""Session state: the last answer of the SQL box, as plain values."""


def data(view: AnalyticsFilter) -> None:
    """The whole section; the filters of the page do not reach it. Whose words these are, only administrators read where there are some."""
    if not visitor().administrator:
        st.caption(t("analytics.admins_only"))
        return
    _sql()
    left, right = st.columns(2, gap="small")
    with left:
        _copies()
        bringing_in.draw()
        _live()
        _sample()
    with right:
        visitors.draw(get_services())
        backup.draw()
        _retention()
        _kept_copy()


def sample_invitation() -> None:
    """Under the empty page: a button that fills it, and a place for conversations that one has elsewhere."""
    if not visitor().administrator:
        return
    with st.container(horizontal_alignment="center", gap="xsmall", key="sample-invitation"):
        st.caption(t("analytics.sample_text"), text_alignment="center")
        _load_button()
    # where the page is no longer empty, the report stands in its section
    bringing_in.draw(lambda: st.query_params.update(section="data"))


def sample_note() -> None:
    """While sample data is there, every section says so and offers to remove it."""
    if not _sample_count(analytics.data_version(get_services().db)):
        return
    with st.container(horizontal=True, vertical_alignment="center", key="sample-note"):
        st.badge(t("analytics.sample_badge"), icon=":material/science:", color="orange")
        st.caption(t("analytics.sample_there"), width="stretch")
        if visitor().administrator and st.button(
            t("analytics.sample_remove"), type="tertiary", icon=":material/delete:", key="sample-remove"
        ):
            sample_data.remove(get_services().db, visitor())
            st.rerun()


def _sql() -> None:
    db = get_services().db
    with st.container(border=True):
        st.subheader(t("analytics.sql"), anchor=False)
        st.caption(t("analytics.sql_note", seconds=f"{sqlbox.TIME_LIMIT_S:.0f}", memory=sqlbox.MEMORY_LIMIT_MB))
        saved: dict[str, str] = preferences.get(db, sqlbox.SAVED_KEY, {})
        _saved_picker(saved)
        st.session_state.setdefault("sql", FIRST_QUERY)
        sql = st.text_area(
            t("analytics.sql_label"), key="sql", height=180, label_visibility="collapsed", persist_state="session"
        )
        with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
            if st.button(t("analytics.sql_run"), type="primary", icon=":material/play_arrow:", key="sql-run"):
                _run(sql)
            name = st.text_input(
                t("analytics.sql_name"),
                key="sql-name",
                placeholder=t("analytics.sql_name"),
                label_visibility="collapsed",
                width=200,
            )
            if st.button(t("analytics.sql_save"), key="sql-save", disabled=not sql.strip()) and name.strip():
                preferences.set(db, visitor(), sqlbox.SAVED_KEY, saved | {name.strip(): sql})
                st.rerun()
        _answer()
        with st.expander(t("analytics.sql_views"), type="compact"):
            for view in VIEWS:
                st.markdown(f"**`{view.name}`**")
                st.markdown("\n".join(f"- `{column}`: {text}" for column, text in view.columns))


def _saved_picker(saved: dict[str, str]) -> None:
    if not saved:
        return
    with st.container(horizontal=True, vertical_alignment="bottom", gap="xsmall", key="sql-saved"):
        for number, (name, sql) in enumerate(sorted(saved.items())):
            st.button(
                as_plain(name),
                key=f"sql-open-{number}",
                type="secondary",
                icon=":material/bookmark:",
                on_click=_open,
                args=(name, sql),
            )
        opened = st.session_state.get("sql-name", "")
        if opened in saved and st.button(
            t("analytics.sql_forget", name=as_plain(opened)),
            type="tertiary",
            icon=":material/delete:",
            key="sql-forget",
        ):
            preferences.set(
                get_services().db,
                visitor(),
                sqlbox.SAVED_KEY,
                {name: sql for name, sql in saved.items() if name != opened},
            )
            st.rerun()


def _open(name: str, sql: str) -> None:
    st.session_state["sql"], st.session_state["sql-name"] = sql, name


def _run(sql: str) -> None:
    try:
        with st.spinner(t("analytics.sql_running")):
            answer = sqlbox.query(get_services().db, visitor(), sql)
    except KdrinksError as error:
        st.session_state[ANSWER] = as_state(error)
    else:
        st.session_state[ANSWER] = {"table": answer.table, "cut": answer.cut, "took_s": answer.took_s}


def _answer() -> None:
    answer: dict[str, Any] | None = st.session_state.get(ANSWER)
    if answer is None:
        return
    if "key" in answer:
        show_error(KdrinksError(answer["key"], **answer["values"]))
        return
    table = answer["table"]
    text = t(
        "analytics.sql_cut" if answer["cut"] else "analytics.sql_rows",
        rows=f"{len(table):,}",
        ms=f"{answer['took_s'] * 1000:.0f}",
    )
    st.caption(text)
    st.dataframe(table, hide_index=True, width="stretch", key="sql-table")
    download("query", table, picture=False)


def _copies() -> None:
    with st.container(border=True):
        st.subheader(t("analytics.export"), anchor=False)
        st.caption(t("analytics.export_note"))
        st.download_button(
            t("analytics.export_button"), partial(_zipped, visitor()), file_name="kdrinks-views.zip", mime="application/zip", icon=":material/folder_zip:",
            on_click="ignore", key="copies",
        )  # fmt: skip
        st.code("python -m kdrinks export DIR", language="bash")


def _zipped(who: Visitor) -> bytes:
    """Made when the button is pressed, on a thread that knows no visitor."""
    db = get_services().db
    content = io.BytesIO()
    with (
        snapshot.open_snapshot(db, who, analytics.data_version(db)) as folder,
        zipfile.ZipFile(content, "w") as archive,
    ):
        for view in VIEWS:  # Parquet is compressed already
            archive.write(folder / f"{view.name}.parquet", f"{view.name}.parquet")
    return content.getvalue()


def _live() -> None:
    """Open and shut the live connection; while it is open, what to type elsewhere."""
    db = get_services().db
    with st.container(border=True):
        st.subheader(t("analytics.live"), anchor=False)
        st.caption(t("analytics.live_note"))
        if db.live is None:
            if st.button(t("analytics.live_start"), icon=":material/sensors:", key="live-start"):
                try:
                    live.start(db, visitor())
                except KdrinksError as error:
                    show_error(error)
                else:
                    st.rerun()
            return
        st.code(live.attach_sql(live.LiveConnection(*db.live)), language="sql")
        if st.button(t("analytics.live_stop"), icon=":material/sensors_off:", key="live-stop"):
            live.stop(db, visitor())
            st.rerun()


def _sample() -> None:
    with st.container(border=True):
        st.subheader(t("analytics.sample"), anchor=False)
        st.caption(t("analytics.sample_text"))
        if not _sample_count(analytics.data_version(get_services().db)):
            _load_button()


def _load_button() -> None:
    if st.button(t("analytics.sample_load"), icon=":material/science:", key="sample-load"):
        bar = st.progress(0.0, t("analytics.sample_loading"))
        services = get_services()
        sample_data.load(services.db, visitor(), services.words, progress=lambda share: _advance(bar, share))
        st.rerun()


def _advance(bar: Any, share: float) -> None:
    bar.progress(share, t("analytics.sample_loading"))


@st.cache_data(max_entries=4, show_spinner=False)
def _sample_count(data_version: str) -> int:
    return stored_sample.count(get_services().db)


def _retention() -> None:
    """Retention, and deleting everything after a second click."""
    db = get_services().db
    with st.container(border=True):
        st.subheader(t("analytics.retention"), anchor=False)
        kept = forget.retention_days(db)
        options = (None, *forget.RETENTION_DAYS)
        names = {
            days: t("analytics.retention_days", days=days) if days else t("analytics.retention_all") for days in options
        }
        chosen = st.selectbox(
            t("analytics.retention_label"), options, index=options.index(kept) if kept in options else 0, key=f"retention-{lang()}",
            format_func=lambda days: names[days],
        )  # fmt: skip
        st.caption(t("analytics.retention_note"))
        if chosen != kept and st.button(t("analytics.retention_apply"), type="primary", key="retention-apply"):
            count = forget.set_retention(db, visitor(), chosen)
            st.cache_data.clear()
            st.toast(t("analytics.deleted", count=count))
            st.rerun()
        hosted = get_services().settings.hosted  # there "my data" would be another thing
        with st.popover(
            t("analytics.delete_everybody" if hosted else "analytics.delete_all"), icon=":material/delete_forever:"
        ):
            st.markdown(t("analytics.delete_all_text"))
            if st.button(t("analytics.delete_all_yes"), type="primary", key="delete-all"):
                forget.everything(db, visitor())
                st.cache_data.clear()
                st.session_state.pop(ANSWER, None)
                st.rerun()


def _kept_copy() -> None:
    """The file as it was before an update, where there is one, and deleting it after a second click."""
    db = get_services().db
    kept = db.kept_copy()
    if kept is None:
        return
    with st.container(border=True, key="kept-copy"):
        st.subheader(t("analytics.kept_copy"), anchor=False)
        st.caption(t("analytics.kept_copy_note", file=f"`{kept.path.name}`"))
        made_at = kept.made_at - timedelta(minutes=st.context.timezone_offset or 0)
        st.markdown(t("analytics.kept_copy_facts", size=bytes_text(kept.size_bytes), date=f"{made_at:%Y-%m-%d %H:%M}"))
        with st.popover(t("analytics.kept_copy_delete"), icon=":material/delete:"):
            st.markdown(t("analytics.kept_copy_sure"))
            if st.button(t("analytics.kept_copy_yes"), type="primary", key="kept-copy-delete"):
                try:
                    forget.kept_copy(db, visitor())
                except KdrinksError as error:
                    show_error(error)
                else:
                    st.rerun()
