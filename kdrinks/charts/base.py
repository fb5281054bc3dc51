"""A table of store.analytics in, a chart out; pure, and knows neither the store nor the page.

Colours come from the theme (.streamlit/config.toml) in a fixed order for each kind of thing, so that a drink is celadon in both
themes and under every filter; text beside marks is a grey that reads on paper and on ink.
"""

from collections.abc import Sequence
from typing import Any

import altair as alt
import pandas as pd

from kdrinks import i18n

MUTED = "#877f72"
"""Contrast 3.9:1 on the light ground, 4.4:1 on the dark one; bigger than body text in every use."""
WORD_KINDS = ("drink", "noun", "english", "verb", "adjective")
GUARDS = ("kept", "quoted", "fixed", "repaired", "off", "said", "quote_first", "no_notes")
DEVICES = ("cpu", "cuda", "metal", "vulkan", "split")
ROW_PX = 28
SIDES = ("#d0642a", "#3f8f7b")
"""Persimmon and celadon read on both grounds: the first and the second side of a comparison."""


def as_svg(chart: Any) -> Any:
    """The chart drawn as SVG however many marks it has: the page saves that very drawing as a picture (ui/save_chart.js)."""
    return chart.properties(usermeta={"embedOptions": {"renderer": "svg"}})


def bars_with_ends(
    table: pd.DataFrame,
    name: str,
    length: str,
    number: str,
    *,
    most: float,
    tooltip: list[alt.Tooltip],
    **encoding: Any,
) -> alt.LayerChart:
    """Horizontal bars in the table's order with their number at the end."""
    axis = alt.Axis(ticks=False, domain=False, labelLimit=150)
    base = alt.Chart(table).encode(
        y=alt.Y(f"{name}:N", sort=list(table[name]), title=None, axis=axis),
        x=alt.X(f"{length}:Q", axis=None, scale=alt.Scale(domain=[0, most * 1.15])),
        tooltip=tooltip,
    )
    bars = base.mark_bar(cornerRadiusEnd=4, height={"band": 0.62}).encode(**encoding)
    ends = base.mark_text(align="left", dx=6, color=MUTED, fontSize=12).encode(
        text=alt.Text(f"{length}:Q", format=number)
    )
    chart: alt.LayerChart = (bars + ends).properties(height=alt.Step(36))
    return chart


def over_days(table: pd.DataFrame, lang: str, marks: alt.Chart, day: alt.X, what: str) -> alt.Chart:
    names = list(table.groupby(what)["count"].sum().sort_values(ascending=False, kind="stable").index)
    legend = alt.Legend(orient="top", columns=3) if len(names) > 1 else None
    return marks.encode(
        x=day,
        y=alt.Y("count:Q", title=None, axis=alt.Axis(tickMinStep=1, tickCount=4)),
        color=alt.Color(f"{what}:N", sort=names, title=None, legend=legend),
        tooltip=[alt.Tooltip("date:N", title=text("day", lang)), *counted(what, lang)],
    )


def day_axis(lang: str, **more: Any) -> alt.Axis:
    return alt.Axis(format=text("day_format", lang), grid=False, labelOverlap=True, **more)


def counted(what: str, lang: str) -> list[alt.Tooltip]:
    return [
        alt.Tooltip(f"{what}:N", title=text(what, lang)),
        alt.Tooltip("count:Q", title=text("count", lang), format=","),
    ]


def days(table: pd.DataFrame) -> pd.DataFrame:
    """The days as UTC: a time without a zone is moved by the browser's offset, to the day before in America."""
    day = pd.to_datetime(table["day"])
    return table.assign(day=day.dt.tz_localize("UTC"), date=day.dt.strftime("%Y-%m-%d"))


def colour(
    field: str, order: Sequence[str], present: "pd.Series[Any]", names: str, lang: str, *, legend: bool = True
) -> alt.Color:
    order = [*order, *(name for name in present.dropna().unique() if name not in order)]
    seen = [name_of(names, name, lang) for name in order if (present == name).any()]
    shown = alt.Legend(values=seen, orient="top", columns=3) if legend and len(seen) > 1 else None
    return alt.Color(
        f"{field}:N",
        title=None,
        scale=alt.Scale(domain=[name_of(names, name, lang) for name in order]),
        legend=shown,
    )


def named(column: "pd.Series[Any]", names: str, lang: str) -> "pd.Series[Any]":
    return column.map({value: name_of(names, value, lang) for value in column.dropna().unique()})


def name_of(names: str, value: str, lang: str) -> str:
    """What a value is called; a device that another engine names goes by the name it gives."""
    return value if names == "devices" and value not in DEVICES else text(f"{names}.{value}", lang)


def text(key: str, lang: str) -> str:
    return i18n.text(f"charts.{key}", lang)
