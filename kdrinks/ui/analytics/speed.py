"""The section of speed: timings by device and model, how they spread, what a long prompt costs, failures, memory."""

from functools import partial
from typing import Any

import streamlit as st

from kdrinks.charts import speed as chart_speed
from kdrinks.store.analytics import AnalyticsFilter
from kdrinks.ui.analytics.view import download, panel, pictures, read, show
from kdrinks.ui.frame import get_services, lang, t
from kdrinks.ui.models import compare_results

MEASURES = ("first_token_s", "tokens_per_s")


def speed(view: AnalyticsFilter) -> None:
    """The whole section."""
    _timings(view)
    for column, measure in zip(st.columns(2, gap="small"), MEASURES, strict=True):
        with column:
            spread = read("distribution", view, measure)
            panel(f"spread_{measure}", spread, partial(chart_speed.spread, spread, lang(), measure))
    for column, measure in zip(st.columns(2, gap="small"), (*MEASURES[:1], "tokens"), strict=True):
        with column:
            days = read("activity", view)
            panel(f"days_{measure}", days[days[measure].notna()], partial(chart_speed.by_day, days, lang(), measure))
    left, right = st.columns(2, gap="small")
    with left:
        points = read("timing_points", view)
        panel(
            "prompt_cost",
            points[points["first_token_s"].notna()],
            lambda: chart_speed.prompt_cost(points, lang()),
            note=t("analytics.prompt_cost_note"),
        )
    with right:
        memory = read("memory", view)
        note = "" if memory["predicted_mb"].notna().any() else t("analytics.not_predicted")
        panel("memory", memory, lambda: chart_speed.memory(memory, lang()), note=note)
    left, right = st.columns(2, gap="small")
    with left:
        guards = read("guard_shares", view)
        panel("guards", guards, lambda: chart_speed.guards(guards, lang()))
    with right:
        _failures(view)
    compare_results.draw_panel(get_services())


def _timings(view: AnalyticsFilter) -> None:
    table = read("timings", view, ("device", "model", "quantization", "context", "cold"))
    with st.container(border=True):
        st.subheader(t("analytics.timings"), anchor=False)
        if not table["n"].any():
            st.caption(t("analytics.nothing_here"))
            return
        for column, measure in zip(st.columns(2, gap="medium"), MEASURES, strict=True):
            with column:
                title = t(f"analytics.timings_{measure}")
                st.markdown(f"**{title}**")
                if table[f"{measure}_median"].isna().all():  # answers of one token have no speed
                    st.caption(t("analytics.nothing_here"))
                    continue
                name = f"timings_{measure}"
                show(name, chart_speed.timings(table, lang(), measure))
                with st.container(horizontal=True, horizontal_alignment="right", gap="xsmall"):
                    pictures(name)
        st.caption(t("analytics.timings_note"))
        with st.expander(t("analytics.table"), type="compact"):
            st.dataframe(
                table.drop(columns="tokens_per_s_p05"),
                hide_index=True,
                width="stretch",
                column_config=_columns(),
                key="timings-table",
            )
        download("timings", table, picture=False)


def _failures(view: AnalyticsFilter) -> None:
    table = read("failures", view)
    with st.container(border=True, height="stretch"):
        st.subheader(t("analytics.failures"), anchor=False)
        if table.empty:
            st.caption(t("analytics.no_failures"))
            return
        columns = {name: t(f"analytics.columns.{name}") for name in ("error", "model", "device", "n", "last")}
        st.dataframe(table, hide_index=True, width="stretch", column_config=columns, key="failures-table")
        download("failures", table, picture=False)


def _columns() -> dict[str, Any]:
    number = st.column_config.NumberColumn
    return {
        **{
            key: t(f"analytics.columns.{key}")
            for key in ("device", "model", "quantization", "context", "cold", "n", "failures", "tokens")
        },
        "first_token_s_median": number(t("analytics.columns.first_median"), format="%.3f"),
        "first_token_s_p95": number(t("analytics.columns.first_p95"), format="%.3f"),
        "tokens_per_s_median": number(t("analytics.columns.speed_median"), format="%.1f"),
        "tokens_per_s_p95": number(t("analytics.columns.speed_p95"), format="%.1f"),
        "queue_s_median": number(t("analytics.columns.queue"), format="%.2f"),
        "load_s_median": number(t("analytics.columns.load"), format="%.2f"),
        "prompt_tokens_per_s_median": number(t("analytics.columns.prompt"), format="%.0f"),
    }
