"""Charts of words: most frequent, over the days, typical of one side, said together. Same rules as base.py."""

from typing import Any, cast

import altair as alt
import pandas as pd

from kdrinks.charts.base import (
    MUTED,
    ROW_PX,
    SIDES,
    WORD_KINDS,
    bars_with_ends,
    colour,
    day_axis,
    days,
    named,
    over_days,
    text,
)
from kdrinks.drinks.names import counted_name

PICKED = "word"
"""Name of the words chart's selection and of the field it holds."""


def top_words(table: pd.DataFrame, lang: str, picked: str = "") -> alt.LayerChart:
    """Horizontal bars, most frequent on top, the count at each bar's end; a click picks a bar (selection PICKED).

    table: rank, word, pos, count, messages, before (a thin mark).   picked: the word that stands out.
    """
    table = table.assign(kind=named(table["pos"], "kinds", lang))
    twice = table["word"].duplicated(keep=False)
    most = float(table["count"].max()) if len(table) else 1.0
    shown = table["word"].where(table["pos"] != "drink", table["word"].map(lambda word: counted_name(word, lang)))
    table["label"] = shown.where(~twice, shown + " · " + table["kind"])
    order = alt.Y(
        "label:N", sort=list(table["label"]), title=None, axis=alt.Axis(ticks=False, domain=False, labelLimit=150)
    )
    tooltip = [
        alt.Tooltip("word:N", title=text("word", lang)),
        alt.Tooltip("kind:N", title=text("kind", lang)),
        alt.Tooltip("count:Q", title=text("count", lang), format=","),
        alt.Tooltip("messages:Q", title=text("messages", lang), format=","),
    ]
    compared = bool(table["before"].notna().any())
    if compared:
        tooltip.append(alt.Tooltip("before:Q", title=text("before", lang), format=","))
    table["shown_before"] = pd.to_numeric(table["before"]).replace(0, None).clip(upper=most * 1.1)
    pick = alt.selection_point(name=PICKED, fields=[PICKED])
    bars = (
        alt.Chart(table)
        .mark_bar(cornerRadiusEnd=4, height={"band": 0.68}, cursor="pointer")
        .encode(
            y=order,
            x=alt.X("count:Q", axis=None, scale=alt.Scale(domain=[0, most * 1.12])),
            color=colour("kind", WORD_KINDS, table["pos"], "kinds", lang),
            opacity=alt.condition(alt.datum.word == picked, alt.value(1), alt.value(0.35)) if picked else alt.value(1),
            tooltip=tooltip,
        )
        .add_params(pick)
    )
    ends = (
        alt.Chart(table)
        .mark_text(align="left", dx=6, color=MUTED, fontSize=12)
        .encode(y=order, x="count:Q", text=alt.Text("count:Q", format=","))
    )
    layers = [bars, ends]
    if compared:
        layers.append(
            alt.Chart(table)
            .mark_tick(color=MUTED, thickness=2, height={"band": 0.9})
            .encode(y=order, x=alt.X("shown_before:Q"))
        )
    return cast(alt.LayerChart, alt.layer(*layers).properties(height=alt.Step(ROW_PX)))


def word_trend(table: pd.DataFrame, lang: str) -> alt.Chart:
    """A line for each word over the days. table: day, word, count."""
    point = alt.OverlayMarkDef(size=50, filled=True)
    lines = alt.Chart(days(table)).mark_line(point=point, strokeWidth=2.5, interpolate="monotone")
    day = alt.X("day:T", title=None, scale=alt.Scale(type="utc"), axis=day_axis(lang, tickCount="day"))
    return over_days(table, lang, lines, day, "word").properties(height=190)


def keyness(table: pd.DataFrame, lang: str) -> alt.LayerChart:
    """Bars to the left for the first side and to the right for the second, each word at its bar's end.

    table: side, word, pos, z, count, other (word_stats.keyness), one side after the other.
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
            alt.Tooltip("count:Q", title=text("side_count", lang), format=","),
            alt.Tooltip("other:Q", title=text("other_count", lang), format=","),
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


def collocations(table: pd.DataFrame, lang: str) -> alt.LayerChart:
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
