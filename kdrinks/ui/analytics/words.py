"""The section of words: most frequent, the sentences of the one picked, typical of one side, said together, the person's stop words."""

from dataclasses import replace
from typing import Any

import pandas as pd
import streamlit as st

from kdrinks import recount
from kdrinks.charts import words as chart_words
from kdrinks.config import ROOT
from kdrinks.store import analytics, preferences, word_stats
from kdrinks.store.analytics import AnalyticsFilter
from kdrinks.text.typed import clean
from kdrinks.ui import job_progress
from kdrinks.ui.analytics.panels import Own
from kdrinks.ui.analytics.view import STOP_WORDS_KEY, TOP, WORD_KEY, download, panel, pictures, read, show, stop_words
from kdrinks.ui.frame import get_services, lang, t, visitor
from kdrinks.ui.markdown_text import as_plain

SIDES = ("who", "lang", "period")


def _words(view: AnalyticsFilter) -> None:
    """The most frequent, with how many and which to leave out."""
    recounting()
    everyone = replace(view, word="")
    with st.container(border=True):
        with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
            st.subheader(t("charts.titles.words"), anchor=False, width="content")
            limit = st.slider(
                t("analytics.how_many"),
                TOP[0],
                TOP[-1],
                step=TOP.step,
                key="analytics-top",
                persist_state="session",
                width=200,
            )
        table = read(word_stats.top_words, everyone, limit=limit)
        if table.empty:
            st.caption(t("analytics.nothing_here"))
        else:
            _bars(table, view.word)
            with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
                st.caption(
                    t("analytics.click_before" if table["before"].notna().any() else "analytics.click"), width="content"
                )
                if visitor().administrator:
                    _stop_words()
            download("words", table)


def recounting() -> None:
    """How far the counting under new rules has come; nothing when there is none under way."""
    job_progress.draw(recount.KIND, name=lambda version: t("jobs.recount.name"), every_s=1.0, may_change=False)


def _bars(table: pd.DataFrame, word: str) -> None:
    key = f"words-chart-{st.session_state.get('analytics-words-round', 0)}"
    chart = chart_words.top_words(table, lang(), word)
    event = show("words", chart, key=key, on_select="rerun", selection_mode=chart_words.PICKED)
    picked, before = _picked(event), st.session_state.get("analytics-picked")
    st.session_state["analytics-picked"] = picked
    # a bar that stayed picked says nothing: the word may have been changed since
    if picked != before and (picked or "") != word:
        st.session_state[WORD_KEY] = picked or ""
        st.rerun()


def _one_word(view: AnalyticsFilter) -> None:
    """The sentences of the picked word, its course over the days and what is said beside it."""
    if not view.word:
        return
    view, word = replace(view, word=""), view.word
    left, right = st.columns([3, 2], gap="small")
    with left, st.container(border=True, height="stretch"):
        st.subheader(as_plain(t("analytics.sentences", word=word)), anchor=False)
        days = read(word_stats.word_trend, view, (word,))
        if len(days) > 1:
            show("trend", chart_words.word_trend(days, lang()))
            with st.container(horizontal=True, horizontal_alignment="right", gap="xsmall"):
                pictures("trend")
        mine = visitor().administrator or analytics.audience(get_services().db) == "own"
        if not mine:
            st.caption(t("analytics.admins_only"))
        for row in read(word_stats.concordance, view, word, limit=8).itertuples() if mine else ():
            with st.container(
                horizontal=True, vertical_alignment="center", wrap=False, gap="small", key=f"sentence-{row.Index}"
            ):
                st.badge(t(f"analytics.said_by_{row.role}"), color="orange" if row.role == "question" else "green")
                st.markdown(as_plain(str(row.sentence)), width="stretch")
                st.page_link(
                    ROOT / "pages" / "chat.py",
                    label=t("analytics.open_conversation"),
                    icon=":material/arrow_outward:",
                    query_params={"c": str(row.conversation_id)},
                )
    with right:
        table = read(word_stats.collocations, view, word)
        note = t("analytics.together_note", messages=f"{word_stats.NEWEST_MESSAGES:,}")
        panel("together", table, lambda: chart_words.collocations(table, lang()), note=note)


def _typical(view: AnalyticsFilter) -> None:
    with st.container(border=True, height="stretch"):
        st.subheader(t("charts.titles.typical"), anchor=False)
        names = {side: t(f"analytics.side_{side}") for side in SIDES}
        side = st.segmented_control(
            t("analytics.typical_of"), SIDES, default="who", required=True, format_func=lambda one: names[one], key="typical-side",
            label_visibility="collapsed", persist_state="session",
        ) or "who"  # fmt: skip
        if side == "period" and view.since is None:
            st.caption(t("analytics.no_before"))
            return
        # a filter on one side leaves nothing to compare it with
        compared = {"who": replace(view, who=""), "lang": replace(view, lang=""), "period": view}[side]
        table = read(word_stats.keyness, compared, side)
        if table.empty:
            st.caption(t("analytics.nothing_to_compare"))
            return
        show("typical", chart_words.keyness(table, lang()))
        st.caption(t("analytics.typical_note"))
        download("typical", table)


def _table(view: AnalyticsFilter) -> None:
    """All words, to search and sort."""
    with st.container(border=True, height="stretch"):
        st.subheader(t("analytics.all_words"), anchor=False)
        search = st.text_input(
            t("analytics.search"),
            key="words-search",
            placeholder=t("analytics.search"),
            icon=":material/search:",
            label_visibility="collapsed",
        )
        table = read(word_stats.top_words, view, limit=1000, search=get_services().words.counted_as(search))
        if table.empty:
            st.caption(t("analytics.nothing_here"))
            return
        rows = table.assign(pos=table["pos"].map(lambda kind: t(f"charts.kinds.{kind}"))).drop(columns="rank")
        if not table["before"].notna().any():
            rows = rows.drop(columns="before")
        columns: dict[str, Any] = {
            name: st.column_config.Column(t(f"analytics.columns.{name}"))
            for name in ("word", "pos", "messages", "before")
        }
        columns["count"] = st.column_config.ProgressColumn(
            t("analytics.columns.count"), format="%d", min_value=0, max_value=int(table["count"].max())
        )
        st.dataframe(rows, hide_index=True, width="stretch", height=360, column_config=columns, key="words-table")
        download("words-table", table, picture=False)


def _stop_words() -> None:
    """The person's own list; a change is stored and every count follows at once."""
    kept = stop_words()
    with st.popover(t("analytics.stop_words", count=len(kept)), icon=":material/block:", type="tertiary"):
        st.caption(t("analytics.stop_words_note"))
        text = st.text_area(
            t("analytics.stop_words_label"), "\n".join(kept), key="stop-words", height=200, label_visibility="collapsed"
        )
        if st.button(t("analytics.save"), type="primary", key="stop-words-save"):
            preferences.set(
                get_services().db,
                visitor(),
                STOP_WORDS_KEY,
                sorted({word.lower() for word in clean(text).replace(",", " ").split()}),
            )
            st.rerun()


def _picked(event: Any) -> str | None:
    points = event.selection.get(chart_words.PICKED) or []
    return str(points[0][chart_words.PICKED]) if points and chart_words.PICKED in points[0] else None


WORDS = (
    Own(charts=("words",), draw=_words, wide=True),
    Own(charts=("trend", "together"), draw=_one_word, wide=True, totals=False),
    Own(charts=("typical",), draw=_typical, totals=False),
    Own(charts=(), draw=_table),
)
