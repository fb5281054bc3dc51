"""Charts of evaluations: figures of several runs with their intervals, and what turned between two of them. Same rules as base.py."""

from typing import Any, cast

import altair as alt
import pandas as pd

from kdrinks import i18n
from kdrinks.charts.base import MUTED, ROW_PX, SIDES, text

LINE_PX = 19
TURNS = ("worse", "better")
GAP = 0.12
"""Between two flips of a row, in flips."""
LEAST_FLIPS = 5
"""So many have room on either side: a single flip is no bar across the page."""


def figures(table: pd.DataFrame, lang: str) -> alt.LayerChart:
    """A dot for each run and measure, and a whisker over its interval; the measure's name above its runs, each run's above its dot.

    table: measure and run (as people read them), value, low, high (shares from 0 to 1), n, shown (the figure in words). Rows of a
    measure follow one another; the order is the table's.
    """
    lines: list[dict[str, Any]] = []
    for measure, rows in table.groupby("measure", sort=False):
        lines.append({"head": measure})
        for row in rows.to_dict("records"):
            lines += [{"label": f"{row['run']} · {row['shown']}"}, row]
    laid = pd.DataFrame(lines, columns=["head", "label", "measure", "run", "value", "low", "high", "n", "shown"])
    laid["line"] = laid.index
    laid[["head", "label"]] = laid[["head", "label"]].fillna("")
    x: dict[str, Any] = {
        "title": None,
        "scale": alt.Scale(domain=[0, 1], nice=False),
        "axis": alt.Axis(grid=True, tickCount=5, format=".0%", orient="top"),
    }
    tooltip = [
        alt.Tooltip("measure:N", title=text("measure", lang)),
        alt.Tooltip("run:N", title=text("run", lang)),
        alt.Tooltip("shown:N", title=text("with_interval", lang)),
    ]
    base = alt.Chart(laid).encode(y=alt.Y("line:O", axis=None))
    marked = base.transform_filter("isValid(datum.value)").encode(tooltip=tooltip)
    whiskers = marked.mark_rule(color=MUTED, strokeWidth=2).encode(x=alt.X("low:Q", **x), x2="high:Q")
    ends = [
        marked.mark_tick(color=MUTED, thickness=2, height=9).encode(x=alt.X(f"{end}:Q", **x)) for end in ("low", "high")
    ]
    dots = marked.mark_point(filled=True, size=110, opacity=1, color=SIDES[1]).encode(x=alt.X("value:Q", **x))
    words: dict[str, Any] = {"align": "left", "baseline": "middle", "color": MUTED, "fontSize": 12, "limit": 480}
    heads = base.mark_text(fontWeight=700, dy=2, **words).encode(x=alt.value(2), text="head:N")
    names = base.mark_text(dy=4, **words).encode(x=alt.value(2), text="label:N")
    layers = alt.layer(whiskers, *ends, dots, heads, names)
    return cast(alt.LayerChart, layers.properties(height=alt.Step(LINE_PX)))


def flips(table: pd.DataFrame, lang: str) -> alt.LayerChart:
    """A block for each question that turned: to the right for the better, to the left for the worse, a row a group.

    table: group (a kind of question, or a drink; as people read it), turned (better or worse), question (its text; of a sealed set
    its id). Groups with most flips first.
    """
    signs = {"worse": -1, "better": 1}
    counts = table["turned"].value_counts()
    names = {turned: i18n.text(f"charts.turned.{turned}", lang, n=int(counts.get(turned, 0))) for turned in TURNS}
    place = table.groupby(["group", "turned"]).cumcount()
    sign = table["turned"].map(signs).astype(int)
    table = table.assign(side=table["turned"].map(names), start=sign * (place + GAP), end=sign * (place + 1))
    most = max(float(table["end"].abs().max()) if len(table) else 0.0, LEAST_FLIPS)
    order = list(table["group"].value_counts(sort=True).index)
    scale = alt.Scale(domain=[names[turned] for turned in TURNS], range=list(SIDES))
    blocks = (
        alt.Chart(table)
        .mark_bar(height={"band": 0.62}, cornerRadius=2)
        .encode(
            y=alt.Y("group:N", sort=order, title=None, axis=alt.Axis(ticks=False, domain=False, labelLimit=150)),
            x=alt.X("start:Q", axis=None, scale=alt.Scale(domain=[-most, most], nice=False)),
            x2="end:Q",
            color=alt.Color("side:N", title=None, scale=scale, legend=alt.Legend(orient="top")),
            tooltip=[
                alt.Tooltip("group:N", title=text("group", lang)),
                alt.Tooltip("question:N", title=text("question", lang)),
                alt.Tooltip("side:N", title=" "),
            ],
        )
    )
    middle = alt.Chart(table).mark_rule(color=MUTED).encode(x=alt.datum(0))
    return cast(alt.LayerChart, alt.layer(blocks, middle).properties(height=alt.Step(ROW_PX)))
