"""More charts of the analytics page: what is typical of one side, said together, spread, and memory. Same rules as charts.py."""

from typing import Any, cast

import altair as alt
import pandas as pd

from kdrinks import i18n
from kdrinks.charts.base import DEVICES, MUTED, ROW_PX, bars_with_ends, colour, day_axis, days, named, text

SIDES = ("#d0642a", "#3f8f7b")
"""Persimmon and celadon read on both grounds: the first and the second side of a comparison."""


def typical(table: pd.DataFrame, lang: str) -> alt.LayerChart:
    """Bars to the left for the first side and to the right for the second, each word at its bar's end.

    table: side, word, pos, z, count, other (said.typical), one side after the other.
    """
    first = str(table["side"].iloc[0])
    table = table.assign(
        kind=named(table["pos"], "kinds", lang),
        side=table["side"].map({side: text(f"sides.{side}", lang) for side in table["side"].unique()}),
        signed=table["z"].where(table["side"] != first, -table["z"]),
        row=table.groupby("side").cumcount(),
    )
    # room for the words outside their bars, where they read on both grounds
    left, right = max(-float(table["signed"].min()), 0.0), max(float(table["signed"].max()), 0.0)
    room = 0.3 * (left + right)
    names = list(dict.fromkeys(table["side"]))
    base = alt.Chart(table).encode(
        y=alt.Y("row:O", axis=None),
        x=alt.X("signed:Q", axis=None, scale=alt.Scale(domain=[-left - room, right + room])),
        tooltip=[
            alt.Tooltip("word:N", title=text("word", lang)),
            alt.Tooltip("kind:N", title=text("kind", lang)),
            alt.Tooltip("side:N", title=text("side", lang)),
            alt.Tooltip("z:Q", title=text("z", lang), format=".1f"),
            alt.Tooltip("count:Q", title=text("here", lang), format=","),
            alt.Tooltip("other:Q", title=text("there", lang), format=","),
        ],
    )
    scale = alt.Scale(domain=names, range=list(SIDES[: len(names)]))
    bars = base.mark_bar(height={"band": 0.72}, cornerRadiusEnd=4).encode(
        color=alt.Color("side:N", title=None, scale=scale, legend=alt.Legend(orient="top"))
    )
    ends: list[tuple[str, Any, int]] = [("<", "right", -6), (">=", "left", 6)]
    words = [
        base.transform_filter(f"datum.signed {sign} 0")
        .mark_text(align=align, dx=dx, color=MUTED, fontSize=12)
        .encode(text="word:N")
        for sign, align, dx in ends
    ]
    return cast(alt.LayerChart, alt.layer(bars, *words).properties(height=alt.Step(ROW_PX)))


def together(table: pd.DataFrame, lang: str) -> alt.LayerChart:
    """A bar for each word said in the same messages, a mark where chance would be. table: word, pos, messages, expected, score."""
    tooltip = [
        alt.Tooltip("word:N", title=text("word", lang)),
        alt.Tooltip("messages:Q", title=text("messages", lang), format=","),
        alt.Tooltip("expected:Q", title=text("expected", lang), format=",.1f"),
        alt.Tooltip("score:Q", title=text("score", lang), format=",.1f"),
    ]
    chart = bars_with_ends(table, "word", "messages", ",", most=float(table["messages"].max()), tooltip=tooltip)
    chance = (
        alt.Chart()
        .mark_tick(color=MUTED, thickness=2)
        .encode(y=alt.Y("word:N", sort=list(table["word"])), x=alt.X("expected:Q"))
    )
    # the data again: layers of another chart have left theirs with it
    return cast(alt.LayerChart, alt.layer(*chart.layer, chance, data=table).properties(height=alt.Step(ROW_PX)))


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


def course(table: pd.DataFrame, lang: str) -> alt.Chart:
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
    shown = i18n.text("charts.value_mb", lang, value="")
    table["label"] = table["name"] + "  " + table["measured_mb"].map(lambda value: f"{value:,.0f}") + shown
    return cast(alt.LayerChart, alt.layer(bars, marks, names).properties(height=alt.Step(46)))


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
