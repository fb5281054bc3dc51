"""A table of store.analytics in, a chart out; pure, and knows neither the store nor the page.

Colours come from the theme (.streamlit/config.toml) in a fixed order for each kind of thing, so that a drink is celadon in both
themes and under every filter; text beside marks is a grey that reads on paper and on ink.
"""

from collections.abc import Sequence
from typing import Any, cast

import altair as alt
import pandas as pd

from kdrinks import i18n

MUTED = "#877f72"
"""Contrast 3.9:1 on the light ground, 4.4:1 on the dark one; bigger than body text in every use."""
WORD_KINDS = ("drink", "noun", "english", "verb", "adjective")
GUARDS = ("kept", "quoted", "fixed", "repaired", "off")
DEVICES = ("cpu", "cuda", "metal", "vulkan", "split")
RUNS_TO_RANK = 5
PICKED = "word"
"""Name of the words chart's selection and of the field it holds."""
ROW_PX = 28


def as_svg(chart: Any) -> Any:
    """The chart drawn as SVG however many marks it has: the page saves that very drawing as a picture (ui/save_chart.js)."""
    return chart.properties(usermeta={"embedOptions": {"renderer": "svg"}})


def words(table: pd.DataFrame, lang: str, picked: str = "") -> alt.LayerChart:
    """Horizontal bars, most frequent on top, the count at each bar's end; a click picks a bar (selection PICKED).

    table: rank, word, pos, count, messages, before (a thin mark).   picked: the word that stands out.
    """
    table = table.assign(kind=named(table["pos"], "kinds", lang))
    twice = table["word"].duplicated(keep=False)
    most = float(table["count"].max()) if len(table) else 1.0
    table["label"] = table["word"].where(~twice, table["word"] + " · " + table["kind"])
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


def trend(table: pd.DataFrame, lang: str) -> alt.Chart:
    """A line for each word over the days. table: day, word, count."""
    point = alt.OverlayMarkDef(size=50, filled=True)
    lines = alt.Chart(days(table)).mark_line(point=point, strokeWidth=2.5, interpolate="monotone")
    day = alt.X("day:T", title=None, scale=alt.Scale(type="utc"), axis=day_axis(lang, tickCount="day"))
    return _over_days(table, lang, lines, day, "word").properties(height=190)


def drinks(table: pd.DataFrame, lang: str) -> alt.Chart | alt.LayerChart:
    """How often each drink was named, stacked by day; with a single day a bar for each drink. table: day, drink, count."""
    if table["day"].nunique() > 1:
        bars = alt.Chart(days(table)).mark_bar(cornerRadiusTopLeft=2, cornerRadiusTopRight=2)
        day = alt.X("utcyearmonthdate(day):T", title=None, axis=day_axis(lang))
        return _over_days(table, lang, bars, day, "drink").properties(height=230)
    table = table.sort_values("count", ascending=False, kind="stable")
    return bars_with_ends(
        table, "drink", "count", ",", most=float(table["count"].max()), tooltip=_counted("drink", lang)
    )


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


def _over_days(table: pd.DataFrame, lang: str, marks: alt.Chart, day: alt.X, what: str) -> alt.Chart:
    names = list(table.groupby(what)["count"].sum().sort_values(ascending=False, kind="stable").index)
    legend = alt.Legend(orient="top", columns=3) if len(names) > 1 else None
    return marks.encode(
        x=day,
        y=alt.Y("count:Q", title=None, axis=alt.Axis(tickMinStep=1, tickCount=4)),
        color=alt.Color(f"{what}:N", sort=names, title=None, legend=legend),
        tooltip=[alt.Tooltip("date:N", title=text("day", lang)), *_counted(what, lang)],
    )


def day_axis(lang: str, **more: Any) -> alt.Axis:
    return alt.Axis(format=text("day_format", lang), grid=False, labelOverlap=True, **more)


def _counted(what: str, lang: str) -> list[alt.Tooltip]:
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
    seen = [text(f"{names}.{name}", lang) for name in order if (present == name).any()]
    shown = alt.Legend(values=seen, orient="top", columns=3) if legend and len(seen) > 1 else None
    return alt.Color(
        f"{field}:N",
        title=None,
        scale=alt.Scale(domain=[text(f"{names}.{name}", lang) for name in order]),
        legend=shown,
    )


def named(column: "pd.Series[Any]", names: str, lang: str) -> "pd.Series[Any]":
    return column.map({value: text(f"{names}.{value}", lang) for value in column.dropna().unique()})


def text(key: str, lang: str) -> str:
    return i18n.text(f"charts.{key}", lang)
