"""Draws what a comparison measured; on the models page and in the speed section of the analytics page."""

import pandas as pd
import streamlit as st

from kdrinks.charts import base, compare
from kdrinks.hub import catalog
from kdrinks.services import Services
from kdrinks.store import compare as store
from kdrinks.ui.analytics.view import download
from kdrinks.ui.frame import in_words, lang, t, visitor
from kdrinks.ui.markdown_text import as_plain

MEASURES = ("wait_s", "write_tokens_per_s", "read_tokens_per_s")
CHARTS = tuple(f"compare.{name}" for name in (*MEASURES, "memory", "size", "perplexity"))
"""The names of all that can be drawn; the last two only where quality was measured."""


def draw(services: Services) -> list[str]:
    """The comparison that was chosen, the latest at first; returns the ids of all there are to choose from."""
    known = store.comparisons(services.db, visitor())
    if known.empty:
        return []
    local = pd.to_datetime(known["begun"]) + pd.Timedelta(minutes=-(st.context.timezone_offset or 0))
    names = {
        comparison_id: f"{begun:%Y-%m-%d %H:%M} · {t('models.compare.settings', count=count)}"
        for comparison_id, begun, count in zip(known["id"], local, known["settings"], strict=True)
    }
    with st.container(horizontal=True, vertical_alignment="bottom"):
        key, start = in_words("compare-which", "")
        chosen = st.selectbox(
            t("models.compare.which"),
            list(names),
            index=list(names).index(start) if start in names else 0,
            format_func=lambda comparison_id: names[comparison_id],
            key=key,
        )
        if visitor().administrator and st.button(
            t("models.compare.forget"), icon=":material/delete:", type="tertiary", key="compare-forget"
        ):
            store.forget(services.db, visitor(), chosen)
            st.rerun()
    _draw_speed(services, chosen)
    _draw_quality(services, chosen)
    if visitor().administrator:
        draw_problems(services, chosen)
    return list(names)


def draw_panel(services: Services) -> None:
    """The same in a box with a title; nothing before the first comparison."""
    if not store.comparisons(services.db, visitor()).empty:
        with st.container(border=True):
            st.subheader(t("models.compare.title"), anchor=False)
            draw(services)


def draw_problems(services: Services, comparison_id: str) -> None:
    """Which settings of a comparison could not be run, and why."""
    for row in store.problems(services.db, visitor(), comparison_id).itertuples():
        asked = t(f"charts.asked.{row.device}")
        st.warning(f"**{as_plain(str(row.model))} · {asked}**  \n{as_plain(str(row.error))}", icon=":material/error:")


def _draw_speed(services: Services, comparison_id: str) -> None:
    table = store.results(services.db, visitor(), comparison_id)
    if table.empty:
        return
    number = st.column_config.NumberColumn
    table["name"] = compare.settings(table, lang(), _names())
    columns = st.columns(2, gap="medium")
    for place, measure in enumerate(MEASURES):
        with columns[place % 2]:
            _chart(f"compare.{measure}", compare.measured(table, lang(), measure))
    with columns[1]:
        _chart("compare.memory", compare.memory(table, lang()))
    st.caption(t("models.compare.note", n=int(table["n"].min())))
    with st.expander(t("analytics.table"), type="compact"):
        st.dataframe(
            table[["name", "cold", "n", *(f"{measure}_median" for measure in MEASURES), "memory_bytes"]],
            hide_index=True,
            width="stretch",
            column_config={
                "name": t("models.compare.setting"),
                "cold": t("analytics.columns.cold"),
                "n": t("charts.rounds"),
                **{f"{measure}_median": number(t(f"models.compare.{measure}"), format="%.3g") for measure in MEASURES},
                "memory_bytes": number(t("models.compare.memory"), format="bytes"),
            },
            key="compare-table",
        )
        download("comparison", table, picture=False)


def _draw_quality(services: Services, comparison_id: str) -> None:
    table = store.qualities(services.db, visitor(), comparison_id)
    if table.empty:
        return
    table["name"] = compare.file_names(table, _names())
    left, right = st.columns(2, gap="medium")
    with left:
        _chart("compare.size", compare.sizes(table, lang()))
    with right:
        _chart("compare.perplexity", compare.perplexities(table, lang()))
    st.caption(t("models.compare.quality_note"))


def _chart(key: str, chart: object) -> None:
    title = t(f"models.{key}")
    st.markdown(f"**{title}**")
    st.altair_chart(base.as_svg(chart), width="stretch", key=f"{key}-chart", alt=title)


def _names() -> dict[str, str]:
    return {catalog.BUILT_IN: t("models.built_in")}
