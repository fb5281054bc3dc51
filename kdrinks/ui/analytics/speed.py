"""The section of speed: timings by device and model, how they spread, what a long prompt costs, failures, memory."""

from functools import partial
from typing import Any

import pandas as pd
import streamlit as st

from kdrinks.charts import speed as chart_speed
from kdrinks.store import analytics, speed
from kdrinks.store.analytics import AnalyticsFilter
from kdrinks.ui.analytics.panels import Own, Panel
from kdrinks.ui.analytics.view import download, panel, pictures, read, show
from kdrinks.ui.frame import get_services, lang, t, visitor
from kdrinks.ui.models import compare_results

MEASURES = ("first_token_s", "tokens_per_s")


def _timings(view: AnalyticsFilter) -> None:
    table = read(speed.timings, view, ("device", "model", "quantization", "context", "cold"))
    with st.container(border=True):
        st.subheader(t("analytics.timings"), anchor=False)
        if not table["n"].any():
            st.caption(t("analytics.nothing_here"))
            return
        for column, measure in zip(st.columns(2, gap="medium"), MEASURES, strict=True):
            with column:
                title = t(f"charts.titles.timings_{measure}")
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
    table = read(speed.failures, view)
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


def _prompt_cost_note(table: pd.DataFrame) -> str:
    return t("analytics.prompt_cost_note")


def _memory_note(table: pd.DataFrame) -> str:
    return "" if table["predicted_mb"].notna().any() else t("analytics.not_predicted")


def _memory(view: AnalyticsFilter) -> None:
    """What the server has is for its administrators, here and in the comparisons."""
    if visitor().administrator:
        table = read(speed.memory, view)
        panel("memory", table, lambda: chart_speed.memory(table, lang()), note=_memory_note(table))


def _comparison(view: AnalyticsFilter) -> None:
    if visitor().administrator:
        compare_results.draw_panel(get_services())


SPEED: tuple[Panel | Own, ...] = (
    Own(charts=tuple(f"timings_{measure}" for measure in MEASURES), draw=_timings, wide=True),
    *(
        Panel(
            name=f"spread_{measure}",
            table=speed.distribution,
            arguments=(measure,),
            chart=partial(chart_speed.spread, measure=measure),
        )
        for measure in MEASURES
    ),
    *(
        Panel(
            name=f"days_{measure}",
            table=analytics.activity,
            chart=partial(chart_speed.by_day, measure=measure),
            needs=measure,
        )
        for measure in ("first_token_s", "tokens")
    ),
    Panel(
        name="prompt_cost",
        table=speed.timing_points,
        chart=chart_speed.prompt_cost,
        needs="first_token_s",
        note=_prompt_cost_note,
        totals=False,
    ),
    Own(charts=("memory",), draw=_memory),
    Panel(name="guards", table=analytics.guard_shares, chart=chart_speed.guards),
    Own(charts=(), draw=_failures, totals=False),
    Own(charts=compare_results.CHARTS, draw=_comparison, wide=True),
)
