"""Draws the runs of a set beside each other: a table, the figures with their intervals, and what can be done with one run."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import streamlit as st

from kdrinks.charts import lab as charts
from kdrinks.measure import run, wording
from kdrinks.measure.good import AVOIDS
from kdrinks.measure.statistics import proportion
from kdrinks.services import Services
from kdrinks.store.evaluations import Run
from kdrinks.ui.analytics.view import can_save_pictures, download, show
from kdrinks.ui.frame import lang, t, visitor
from kdrinks.ui.lab import controls, unfinished
from kdrinks.ui.lab.failures import SHARES

IN_CHART = 12
"""Runs: without a model, and the latest of the others."""
IN_TABLE = ("good", "mentions", "violates", "declines", "cautioned", "false_alarm", "citation_recall", "wait_s")

Counted = Sequence[tuple[Run, Mapping[str, Any]]]
"""As measure.run.table gives them."""


def draw(services: Services, runs: Sequence[Run]) -> None:
    """The section under "Results"."""
    if not runs:
        nothing_yet()
        return
    of_set = {one.id for one in controls.choose_set(services, runs)}
    counted = [(one, figures) for one, figures in run.table(services, visitor()) if one.id in of_set]
    names = controls.run_names([one for one, _ in counted])
    _draw_table(counted, names)
    _draw_chart(counted, names)
    _draw_one(services, [one for one, _ in counted])


def nothing_yet() -> None:
    """A section before the first run."""
    with st.container(border=True, horizontal_alignment="center", gap="small", key="lab-nothing"):
        st.space("small")
        st.subheader(t("lab.nothing_title"), anchor=False, text_alignment="center")
        st.markdown(t("lab.nothing_text"), text_alignment="center")
        st.button(
            t("lab.nothing_start"), icon=":material/play_arrow:", on_click=controls.go, args=("new",), key="lab-first"
        )
        st.space("small")


def _draw_table(counted: Counted, names: Mapping[str, str]) -> None:
    present = [name for name in IN_TABLE if any(name in figures["measures"] for _, figures in counted)]
    table = [
        {
            "run": names[one.id],
            "answered": t("lab.answered_of", done=one.answered, total=one.questions),
            **{name: _value(figures, name) for name in present},
            "began": controls.began(one),
        }
        for one, figures in counted
    ]
    columns: dict[str, Any] = {
        "run": st.column_config.TextColumn(t("lab.run"), width=230),
        "answered": st.column_config.TextColumn(t("lab.answered"), width=110),
        "began": st.column_config.TextColumn(t("lab.began"), width=140),
    }
    for name in present:
        form = "%.2f" if name == "wait_s" else "%.1f %%"
        columns[name] = st.column_config.NumberColumn(
            measure_name(name), format=form, help=t(f"lab.measures_about.{name}")
        )
    st.dataframe(table, hide_index=True, width="stretch", height="content", column_config=columns, key="lab-runs")


def _value(figures: Mapping[str, Any], name: str) -> float | None:
    found = figures["measures"].get(name)
    if found is None:
        return None
    return float(found["mean"]) if name == "wait_s" else 100 * float(found["mean"])


def _draw_chart(counted: Counted, names: Mapping[str, str]) -> None:
    present = [name for name in SHARES if any(name in figures["measures"] for _, figures in counted)]
    if not present:
        return
    shown = counted[:IN_CHART]
    with st.container(border=True):
        st.subheader(t("charts.titles.lab"), anchor=False)
        chosen = controls.several_of(controls.MEASURES, t("lab.measure"), present, measure_name)
        table = figures_table(shown, names, chosen)
        can_save_pictures()
        show("lab", charts.figures(table, lang()))
        st.caption(t("lab.interval_about"))
        if len(shown) < len(counted):
            st.caption(t("lab.left_out", count=len(counted) - len(shown)))
        download("lab", table)


def figures_table(counted: Counted, names: Mapping[str, str], measures: Sequence[str]) -> pd.DataFrame:
    """A row for each measure and run that has it, with its interval, as charts.lab.figures takes it."""
    rows = []
    for name in measures:
        for one, figures in counted:
            if found := figures["measures"].get(name):
                estimate = proportion(round(found["mean"] * found["n"]), found["n"])
                rows.append(
                    {
                        "measure": _with_direction(name),
                        "run": names[one.id],
                        "value": estimate.value,
                        "low": estimate.low,
                        "high": estimate.high,
                        "n": estimate.n,
                        "shown": wording.share(estimate, lang()),
                    }
                )
    return pd.DataFrame(rows)


def _draw_one(services: Services, runs: Sequence[Run]) -> None:
    """What can be done with one of them."""
    with st.container(horizontal=True, vertical_alignment="bottom", key="lab-one"):
        chosen = controls.choose_run(controls.RUN, t("lab.run"), runs)
        if chosen is None:
            return
        st.button(
            t("lab.read"),
            icon=":material/menu_book:",
            key="lab-read",
            on_click=controls.go,
            args=("read",),
            kwargs={"run": chosen.id, "at": ""},
        )
        st.download_button(
            t("lab.download"),
            lambda: as_json(services, chosen),
            file_name=f"kdrinks-{chosen.question_set}-{chosen.id[-6:]}.json",
            mime="application/json",
            icon=":material/download:",
            help=t("lab.download_about"),
            on_click="ignore",
            key="lab-download",
        )
        unfinished.draw_delete(chosen)


def as_json(services: Services, one: Run) -> str:
    """A run as `lab compare` reads it."""
    return json.dumps(run.export(services, visitor(), one.id), ensure_ascii=False, indent=1, default=str)


def measure_name(name: str) -> str:
    return t(f"lab.measures.{name}")


def _with_direction(name: str) -> str:
    return f"{measure_name(name)} ({t('lab.less_is_better')})" if name in AVOIDS else measure_name(name)
