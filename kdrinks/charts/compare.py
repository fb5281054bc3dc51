"""Charts of a comparison: a row for each setting, its name above its bars, so that it reads on a phone. Same rules as base.py."""

from typing import Any, cast

import altair as alt
import pandas as pd

from kdrinks import i18n
from kdrinks.charts.base import MUTED, SIDES, name_of, text

LINE_PX = 19
STARTS = (True, False)
LANGUAGES = ("ko", "en")


def settings(table: pd.DataFrame, lang: str, models: dict[str, str]) -> "pd.Series[Any]":
    """A name for each row of compare.results: model, quantization, device, and of the rest what differs within the table.

    models: names to show for ids, where they have one.
    """
    files = file_names(table, models)
    differ = {key: table[key].nunique() > 1 for key in ("threads", "context", "device")}
    asked = differ["device"] and table.groupby("place")["used"].first().nunique() < table["device"].nunique()

    def taken(shown: str, chosen: int) -> str:
        return shown if chosen else f"{shown} ({text('asked.auto', lang)})"

    def name(row: Any) -> str:
        device = name_of("devices", row.used, lang)
        if row.used == "split":
            device += f" {row.gpu_layers}/{row.layers}"
        parts = [files[row.Index], f"{device} ({text(f'asked.{row.device}', lang)})" if asked else device]
        if differ["threads"]:
            parts.append(taken(i18n.text("charts.threads", lang, count=row.threads_used), row.threads))
        if differ["context"]:
            parts.append(taken(i18n.text("charts.context", lang, tokens=f"{row.context_used:,}"), row.context))
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
    shown = megabytes.map(lambda value: i18n.text("charts.value_mb", lang, value=number(value)))
    table = table.assign(value=megabytes, low=megabytes, high=megabytes, kind="", at=0, shown=shown)
    return _rows(table, lang, [""])


def _rows(table: pd.DataFrame, lang: str, kinds: list[str]) -> alt.LayerChart:
    """A line with the setting's name, then one for each of its bars; table: place, name, kind, value, low, high, shown."""
    table = table.assign(label="")
    heads = table.drop_duplicates("place").assign(label=lambda rows: rows["name"], at=-1, shown="")
    heads[["value", "low", "high"]] = float("nan")
    lines = pd.concat([heads, table]).sort_values(["place", "at"], kind="stable").reset_index(drop=True)
    lines["line"] = lines.index
    scale = alt.Scale(domain=[0, float(table["high"].max()) * 1.45 or 1], nice=False)
    tooltip = [alt.Tooltip("name:N", title=text("group", lang)), alt.Tooltip("shown:N", title=text("median", lang))]
    colour: Any = alt.value(SIDES[1])
    if len(kinds) > 1:
        tooltip.insert(1, alt.Tooltip("kind:N", title=" "))
        colour = alt.Color(
            "kind:N", title=None, scale=alt.Scale(domain=kinds, range=list(SIDES)), legend=alt.Legend(orient="top")
        )
        if "n" in table:
            tooltip.append(alt.Tooltip("n:Q", title=text("rounds", lang)))
    y = alt.Y("line:O", axis=None)
    base = alt.Chart(lines).encode(y=y, tooltip=tooltip)
    bars = base.mark_bar(height=11, cornerRadiusEnd=3).encode(x=alt.X("value:Q", axis=None, scale=scale), color=colour)
    spread = base.mark_rule(color=MUTED, strokeWidth=2).encode(x=alt.X("low:Q", scale=scale), x2="high:Q")
    ends = base.mark_text(align="left", baseline="middle", dx=6, color=MUTED, fontSize=12).encode(
        x=alt.X("high:Q", scale=scale), text="shown:N"
    )
    names = base.mark_text(align="left", baseline="middle", dy=3, color=MUTED, fontSize=12, limit=330).encode(
        x=alt.value(2), text="label:N"
    )
    return cast(alt.LayerChart, alt.layer(bars, spread, ends, names).properties(height=alt.Step(LINE_PX)))
