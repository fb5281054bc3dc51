"""Charts of a comparison: a row for each setting, its name above its bars, so that it reads on a phone. Same rules as charts.py."""

from typing import Any, cast

import altair as alt
import pandas as pd

from kdrinks import i18n
from kdrinks.charts import MUTED, text
from kdrinks.charts_more import SIDES

BAR_PX, NAME_PX = 15, 24
STARTS = (True, False)
LANGUAGES = ("ko", "en")


def settings(table: pd.DataFrame, lang: str, models: dict[str, str]) -> "pd.Series[Any]":
    """A name for each row of compare.results: model, quantization, device, and of the rest what differs within the table.

    models: names to show for ids, where they have one.
    """
    files = file_names(table, models)
    several = {key: table[key].nunique() > 1 for key in ("threads_used", "context_used", "device")}
    asked = several["device"] and table.groupby("place")["used"].first().nunique() < table["device"].nunique()

    def name(row: Any) -> str:
        device = text(f"devices.{row.used}", lang)
        if row.used == "split":
            device += f" {row.gpu_layers}/{row.layers}"
        parts = [files[row.Index], f"{device} ({text(f'asked.{row.device}', lang)})" if asked else device]
        if several["threads_used"]:
            parts.append(i18n.text("charts.threads", lang, count=row.threads_used))
        if several["context_used"]:
            parts.append(i18n.text("charts.context", lang, tokens=f"{row.context_used:,}"))
        return " · ".join(parts)

    return pd.Series([name(row) for row in table.itertuples()], index=table.index, dtype=str)


def file_names(table: pd.DataFrame, models: dict[str, str]) -> "pd.Series[Any]":
    """The model of each row, with its quantization where the name does not hold it."""

    def name(model: str, quantization: str) -> str:
        shown = models.get(model, model)
        return shown if quantization.lower() in shown.lower() else f"{shown} {quantization}"

    names = [name(row.model, row.quantization) for row in table.itertuples()]
    return pd.Series(names, index=table.index, dtype=str)


def measured(table: pd.DataFrame, lang: str, measure: str) -> alt.LayerChart:
    """A bar for each setting's median, cold and warm, and a line from its fastest to its slowest run.

    table: compare.results with `name`.   measure: wait_s, read_tokens_per_s or write_tokens_per_s.
    """
    unit = "value_first_token_s" if measure == "wait_s" else "value_tokens_per_s"
    kinds = {start: text("cold" if start else "warm", lang) for start in STARTS}
    table = table.assign(
        value=table[f"{measure}_median"],
        low=table[f"{measure}_min"],
        high=table[f"{measure}_max"],
        kind=table["cold"].map(kinds),
        at=table["cold"].map({start: index for index, start in enumerate(STARTS)}),
        shown=table[f"{measure}_median"].map(lambda value: i18n.text(f"charts.{unit}", lang, value=number(value))),
    )
    return _rows(table, lang, list(kinds.values()))


def memory(table: pd.DataFrame, lang: str) -> alt.LayerChart:
    """A bar for each setting's highest memory. table: compare.results with `name`."""
    highest = table.groupby("place", as_index=False).agg({"name": "first", "memory_bytes": "max", "n": "sum"})
    return _one_each(highest, "memory_bytes", lang)


def sizes(table: pd.DataFrame, lang: str) -> alt.LayerChart:
    """A bar for each file's size. table: compare.qualities with `name`."""
    return _one_each(
        table.groupby("place", as_index=False).agg({"name": "first", "size_bytes": "max"}), "size_bytes", lang
    )


def perplexities(table: pd.DataFrame, lang: str) -> alt.LayerChart:
    """A bar for each file and language, with how much more than the best file of the table. table: compare.qualities with `name`."""
    kinds = {one: text(f"sides.{one}", lang) for one in LANGUAGES}
    best = table.groupby("lang")["perplexity"].transform("min")
    more = table["perplexity"] / best - 1

    def shown(value: float, above: float) -> str:
        return f"{number(value)}  +{above:.1%}" if above >= 0.0005 else number(value)

    table = table.assign(
        value=table["perplexity"],
        low=table["perplexity"],
        high=table["perplexity"],
        kind=table["lang"].map(kinds),
        at=table["lang"].map({one: index for index, one in enumerate(LANGUAGES)}),
        shown=[shown(value, above) for value, above in zip(table["perplexity"], more, strict=True)],
    )
    return _rows(table, lang, list(kinds.values()))


def number(value: float) -> str:
    """Three significant places: 0.0421, 8.31, 1,850."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _one_each(table: pd.DataFrame, column: str, lang: str) -> alt.LayerChart:
    megabytes = table[column] / 1e6
    shown = megabytes.map(lambda value: number(value) + i18n.text("charts.value_mb", lang, value=""))
    table = table.assign(value=megabytes, low=megabytes, high=megabytes, kind="", at=0, shown=shown)
    return _rows(table, lang, [""])


def _rows(table: pd.DataFrame, lang: str, kinds: list[str]) -> alt.LayerChart:
    """Names and bars; table: place, name, kind, at (which bar of its row), value, low, high, shown."""
    table = table.copy()
    places = {place: index for index, place in enumerate(sorted(table["place"].unique()))}
    row_px = NAME_PX + BAR_PX * len(kinds) + 8
    table["top"] = table["place"].map(places) * row_px
    table["bar"] = table["top"] + NAME_PX + table["at"] * BAR_PX
    table["below"] = table["bar"] + BAR_PX - 4
    table["middle"] = table["bar"] + (BAR_PX - 4) / 2
    height = row_px * len(places)
    x = alt.Scale(domain=[0, float(table["high"].max()) * 1.45 or 1], nice=False)

    def down(field: str) -> alt.Y:
        return alt.Y(f"{field}:Q", axis=None, scale=alt.Scale(domain=[0, height], reverse=True, nice=False, zero=False))

    tooltip = [alt.Tooltip("name:N", title=text("group", lang)), alt.Tooltip("shown:N", title=text("median", lang))]
    if len(kinds) > 1:
        tooltip.insert(1, alt.Tooltip("kind:N", title=" "))
    if "n" in table and len(kinds) > 1:
        tooltip.append(alt.Tooltip("n:Q", title=text("rounds", lang)))
    colour = (
        alt.Color(
            "kind:N",
            title=None,
            scale=alt.Scale(domain=kinds, range=list(SIDES)),
            legend=alt.Legend(orient="top"),
        )
        if len(kinds) > 1
        else alt.value(SIDES[1])
    )
    base = alt.Chart(table).encode(tooltip=tooltip)
    bars = base.mark_rect(cornerRadiusTopRight=3, cornerRadiusBottomRight=3).encode(
        x=alt.X("value:Q", axis=None, scale=x), x2=alt.datum(0), y=down("bar"), y2="below:Q", color=colour
    )
    spread = base.mark_rule(color=MUTED, strokeWidth=2).encode(x="low:Q", x2="high:Q", y=down("middle"))
    ends = base.mark_text(align="left", baseline="middle", dx=6, color=MUTED, fontSize=12).encode(
        x="high:Q", y=down("middle"), text="shown:N"
    )
    names = (
        alt.Chart(table.drop_duplicates("place"))
        .mark_text(align="left", baseline="top", dy=4, color=MUTED, fontSize=12, limit=330)
        .encode(
            x=alt.value(2), y=down("top"), text="name:N", tooltip=[alt.Tooltip("name:N", title=text("group", lang))]
        )
    )
    return cast(alt.LayerChart, alt.layer(bars, spread, ends, names).properties(height=height))
