"""Charts of speed and answers: timings by model and device, spread, memory, by day, what the guard did. Same rules as base.py."""

from typing import Any, cast

import altair as alt
import pandas as pd

from kdrinks import i18n
from kdrinks.charts.base import (
    DEVICES,
    GUARDS,
    MUTED,
    bars_with_ends,
    colour,
    day_axis,
    days,
    named,
    text,
)

RUNS_TO_RANK = 5


def timings(table: pd.DataFrame, lang: str, measure: str) -> alt.LayerChart:
    """A dot at each group's median and a range to its slow end, with the number of runs; faded below RUNS_TO_RANK.

    table: as analytics.timings by device, model, quantization and cold.   measure: first_token_s (median to 95th percentile) or
    tokens_per_s (5th to 95th).
    """
    median, low, high = f"{measure}_median", f"{measure}_p05", f"{measure}_p95"
    if measure == "first_token_s":
        low = median
    table = table[table[median].notna()].copy()
    start = table["cold"].map({True: text("cold", lang), False: text("warm", lang)})
    table["group"] = (
        named(table["device"], "devices", lang) + " · " + table["model"] + " " + table["quantization"] + " · " + start
    )
    table["used"] = named(table["device"], "devices", lang)
    table["ranked"] = table["n"] >= RUNS_TO_RANK
    values = table[median].map(lambda value: i18n.text(f"charts.value_{measure}", lang, value=f"{value:.3g}"))
    table["runs"] = values + " · n=" + table["n"].astype(str)
    # fastest first, groups that cannot be ranked last
    table = table.sort_values(["ranked", median], ascending=[False, measure == "first_token_s"])
    # the groups' names stand above their marks: beside them they would take half of a phone's width
    y = alt.Y(
        "group:N",
        sort=list(table["group"]),
        title=None,
        axis=None,
    )
    most = float(table[high].max()) if len(table) else 1.0
    x: dict[str, Any] = {
        "title": None,
        "scale": alt.Scale(domain=[0, most * 1.05 or 1], nice=False),
        "axis": alt.Axis(grid=True, tickCount=4),
    }
    faded = alt.condition("datum.ranked", alt.value(1), alt.value(0.4))
    filled = colour("used", DEVICES, table["device"], "devices", lang, legend=False)
    tooltip = [
        alt.Tooltip("group:N", title=text("group", lang)),
        alt.Tooltip("n:Q", title=text("runs", lang), format=","),
        alt.Tooltip(f"{median}:Q", title=text("median", lang), format=".3~g"),
        alt.Tooltip(f"{high}:Q", title=text("p95", lang), format=".3~g"),
    ]
    base = alt.Chart(table).encode(y=y, tooltip=tooltip)
    ranges = base.mark_bar(height=8, cornerRadius=4, yOffset=17, fillOpacity=0.45).encode(
        x=alt.X(f"{low}:Q", **x), x2=f"{high}:Q", color=filled, opacity=faded
    )
    dots = base.mark_point(filled=True, size=150, yOffset=17).encode(
        x=alt.X(f"{median}:Q", **x), color=filled, opacity=faded
    )
    names = base.mark_text(align="left", baseline="bottom", dy=-10, color=MUTED, fontSize=12).encode(
        x=alt.value(2), text="group:N"
    )
    runs = base.mark_text(align="left", baseline="bottom", dy=7, color=MUTED, fontSize=12, fontWeight=700).encode(
        x=alt.value(2), text="runs:N"
    )
    chart: alt.LayerChart = (ranges + dots + names + runs).properties(height=alt.Step(66))
    return chart


def spread(table: pd.DataFrame, lang: str, measure: str) -> alt.Chart:
    """How many answers fell into each step, stacked by device. table: device, low, high, n (speed.distribution)."""
    table = table.assign(used=named(table["device"], "devices", lang))
    chart: alt.Chart = (
        alt.Chart(table)
        .mark_bar(stroke=None)
        .encode(
            x=alt.X(
                "low:Q",
                bin="binned",
                title=text(f"axis_{measure}", lang),
                scale=alt.Scale(type="log", nice=False),
                axis=alt.Axis(grid=False, tickCount=5, format="~g", labelOverlap=True),
            ),
            x2="high:Q",
            y=alt.Y("n:Q", title=None, stack="zero", axis=alt.Axis(tickMinStep=1, tickCount=4)),
            color=colour("used", DEVICES, table["device"], "devices", lang),
            tooltip=[
                alt.Tooltip("low:Q", title=text("from", lang), format=".3~g"),
                alt.Tooltip("high:Q", title=text("to", lang), format=".3~g"),
                alt.Tooltip("n:Q", title=text("answers", lang), format=","),
            ],
        )
        .properties(height=240)
    )
    return chart


def prompt_cost(table: pd.DataFrame, lang: str) -> alt.Chart:
    """A dot for each answer: how long its prompt was and how long the first token took. table: speed.timing_points."""
    table = table.dropna(subset=["first_token_s"]).assign(
        used=lambda rows: named(rows["device"], "devices", lang),
        start=lambda rows: rows["cold"].map({True: text("cold", lang), False: text("warm", lang)}),
    )
    chart: alt.Chart = (
        alt.Chart(table)
        .mark_point(filled=True, size=45, opacity=0.55)
        .encode(
            x=alt.X("prompt_tokens:Q", title=text("prompt_tokens", lang), axis=alt.Axis(tickCount=5)),
            y=alt.Y("first_token_s:Q", title=None, axis=alt.Axis(tickCount=4)),
            color=colour("used", DEVICES, table["device"], "devices", lang),
            shape=alt.Shape(
                "start:N",
                legend=None,
                scale=alt.Scale(domain=[text("warm", lang), text("cold", lang)], range=["circle", "triangle-up"]),
            ),
            tooltip=[
                alt.Tooltip("model:N", title=text("group", lang)),
                alt.Tooltip("start:N", title=" "),
                alt.Tooltip("prompt_tokens:Q", title=text("prompt_tokens", lang), format=","),
                alt.Tooltip("cached_tokens:Q", title=text("cached_tokens", lang), format=","),
                alt.Tooltip("first_token_s:Q", title=text("axis_first_token_s", lang), format=".3~g"),
            ],
        )
        .properties(height=290)
    )
    return chart


def by_day(table: pd.DataFrame, lang: str, measure: str) -> alt.Chart:
    """The course of one number over the days. table: as analytics.activity.   measure: first_token_s (a day's median) or tokens."""
    table = days(table[table[measure].notna()])
    chart: alt.Chart = (
        alt.Chart(table)
        .mark_line(point=alt.OverlayMarkDef(size=40, filled=True), strokeWidth=2)
        .encode(
            x=alt.X("day:T", title=None, scale=alt.Scale(type="utc"), axis=day_axis(lang)),
            y=alt.Y(f"{measure}:Q", title=None, axis=alt.Axis(tickCount=4)),
            tooltip=[
                alt.Tooltip("date:N", title=text("day", lang)),
                alt.Tooltip(f"{measure}:Q", title=text(f"by_day_{measure}", lang), format=",.3~f"),
            ],
        )
        .properties(height=190)
    )
    return chart


def memory(table: pd.DataFrame, lang: str) -> alt.LayerChart:
    """A bar for the measured memory of each model and context, a mark at what was predicted. table: speed.memory."""
    context = table["context"].map(lambda tokens: text("context", lang).format(tokens=f"{tokens:,}"))
    table = table.assign(
        name=named(table["device"], "devices", lang)
        + " · "
        + table["model"]
        + " "
        + table["quantization"]
        + " · "
        + context
    )
    most = float(table[["measured_mb", "predicted_mb"]].max().max())
    tooltip = [
        alt.Tooltip("name:N", title=text("group", lang)),
        alt.Tooltip("measured_mb:Q", title=text("measured", lang), format=",.0f"),
        alt.Tooltip("predicted_mb:Q", title=text("predicted", lang), format=",.0f"),
        alt.Tooltip("n:Q", title=text("answers", lang), format=","),
    ]
    y = alt.Y("name:N", sort=list(table["name"]), axis=None)
    x = alt.X("measured_mb:Q", axis=None, scale=alt.Scale(domain=[0, most * 1.2]))
    base = alt.Chart(table).encode(y=y, tooltip=tooltip)
    bars = base.mark_bar(height=10, cornerRadiusEnd=4, yOffset=8).encode(x=x)
    marks = base.mark_tick(color=MUTED, thickness=3, height=18, yOffset=8).encode(x=alt.X("predicted_mb:Q"))
    names = base.mark_text(align="left", baseline="bottom", dy=-2, color=MUTED, fontSize=12).encode(
        x=alt.value(2), text="label:N"
    )
    sizes = table["measured_mb"].map(lambda value: i18n.text("charts.value_mb", lang, value=f"{value:,.0f}"))
    table["label"] = table["name"] + "  " + sizes
    return cast(alt.LayerChart, alt.layer(bars, marks, names).properties(height=alt.Step(46)))


def guards(table: pd.DataFrame, lang: str) -> alt.LayerChart:
    """A bar for each thing that was done to the answers, its share at the end. table: guard, n, share."""
    table = table.assign(done=named(table["guard"], "guards", lang))
    tooltip = [
        alt.Tooltip("done:N", title=text("guard", lang)),
        alt.Tooltip("n:Q", title=text("answers", lang), format=","),
        alt.Tooltip("share:Q", title=text("share", lang), format=".0%"),
    ]
    filled = colour("done", GUARDS, table["guard"], "guards", lang, legend=False)
    return bars_with_ends(table, "done", "share", ".0%", most=1.0, tooltip=tooltip, color=filled)


def activity(table: pd.DataFrame, lang: str) -> alt.Chart:
    """Conversations and answers of each day, side by side. table: day, conversations, answers (analytics.activity)."""
    names: list[Any] = [text("conversations", lang), text("answers", lang)]
    table = days(table).rename(columns={"conversations": names[0], "answers": names[1]})
    chart: alt.Chart = (
        alt.Chart(table)
        .transform_fold(names, as_=["what", "number"])
        .mark_line(point=alt.OverlayMarkDef(size=40, filled=True), strokeWidth=2.5, interpolate="monotone")
        .encode(
            x=alt.X("day:T", title=None, scale=alt.Scale(type="utc"), axis=day_axis(lang)),
            y=alt.Y("number:Q", title=None, axis=alt.Axis(tickMinStep=1, tickCount=4)),
            color=alt.Color("what:N", title=None, sort=names, legend=alt.Legend(orient="top")),
            tooltip=[alt.Tooltip("date:N", title=text("day", lang)), *(alt.Tooltip(f"{name}:Q") for name in names)],
        )
        .properties(height=230)
    )
    return chart
