"""Draws the place for files of conversations, and what became of each one in the last of them."""

from collections.abc import Callable
from typing import Any

import streamlit as st

from kdrinks.errors import KdrinksError
from kdrinks.portability import bring_in
from kdrinks.ui.frame import as_state, get_services, lang, show_error, t, visitor
from kdrinks.ui.markdown_text import as_plain

TURN_KEY = "import-turn"
"""Session state: how many files were taken; a new number empties the field."""
REPORT_KEY = "import-report"
"""Session state: of the last file, as plain values."""
LIMIT_MB = 20
"""Of every page: files are kept in memory (.streamlit/config.toml)."""
LISTED = 500


def draw(go_on: Callable[[], None] = lambda: None) -> None:
    """go_on: called once a file was taken, before the page is drawn again."""
    with st.container(border=True, key="import"):
        st.subheader(t("portability.import"), anchor=False)
        st.caption(t("portability.import_note"))
        key = f"import-{st.session_state.get(TURN_KEY, 0)}"
        # any kind: a file that cannot be read gets our own message, in the reader's language
        file = st.file_uploader(t("portability.import_file"), key=key, max_upload_size=LIMIT_MB)
        st.caption(t("portability.import_larger"))
        st.code("python -m kdrinks import FILE", language="bash")
        if file is not None:
            st.session_state[REPORT_KEY] = _bring_in(file.name, file.getvalue())
            st.session_state[TURN_KEY] = st.session_state.get(TURN_KEY, 0) + 1
            st.cache_data.clear()
            go_on()
            st.rerun()  # the list of conversations has them, too
        if report := st.session_state.get(REPORT_KEY):
            _draw_report(report)


def _bring_in(name: str, content: bytes) -> dict[str, Any]:
    services = get_services()
    place = st.empty()

    def progress(done: int) -> None:
        place.caption(f":material/hourglass_top: {t('portability.importing', count=f'{done:,}')}")

    progress(0)
    try:
        # a click in the middle ends this run: what was stored stays, and the next run adds the rest
        report = bring_in.bring_in(services.db, visitor(), content, name, services.words, progress)
    except KdrinksError as error:
        return as_state(error)
    return {
        "file": name,
        "added": report.count("added", "grown"),
        "messages": report.messages,
        "there": report.count("there"),
        "refused": report.count("refused"),
        "left_out": report.left_out,
        "items": [
            {
                "where": item.where,
                "title": item.title,
                "outcome": item.outcome,
                "messages": item.messages,
                "reason": as_state(item.reason) if item.reason else None,
            }
            # what did not arrive first: it is what one looks for
            for item in sorted(report.items, key=lambda item: item.outcome != "refused")[:LISTED]
        ],
    }


def _draw_report(report: dict[str, Any]) -> None:
    if "key" in report:
        show_error(KdrinksError(report["key"], **report["values"]))
        return
    figures = {name: f"{report[name]:,}" for name in ("added", "messages", "there", "refused")}
    told = t("portability.done", file=as_plain(report["file"]), **figures)
    if report["refused"]:
        st.warning(told, icon=":material/warning:")
    else:
        st.success(told, icon=":material/check:")
    if report["left_out"]:
        st.caption(t("portability.left_out", count=f"{report['left_out']:,}"))
    with st.expander(t("portability.report"), expanded=bool(report["refused"]), type="compact"):
        table = [
            {
                **{name: item[name] for name in ("where", "title")},
                "outcome": t(f"portability.outcome.{item['outcome']}"),
                "messages": item["messages"],
                "reason": _reason(item["reason"]),
            }
            for item in report["items"]
        ]
        heads = {name: t(f"portability.head.{name}") for name in ("where", "title", "outcome", "messages", "reason")}
        st.dataframe(table, hide_index=True, width="stretch", column_config=heads, key=f"import-table-{lang()}")


def _reason(state: dict[str, Any] | None) -> str:
    return KdrinksError(state["key"], **state["values"]).message(lang()) if state else ""
