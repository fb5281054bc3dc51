"""Charts of drinks: how many there are by season and kind, by region, how often each was spoken of over time; pure, and knows neither the store nor the page.

A click on a field selects it under the name "field" with the ids it stands for.
"""

from collections.abc import Collection, Mapping, Sequence

import altair as alt
import pandas as pd

from kdrinks import i18n
from kdrinks.charts.base import bars_with_ends, counted, day_axis, days, over_days
from kdrinks.drinks.browse import FAMILIES, SEASONS, family
from kdrinks.drinks.model import Drink
from kdrinks.drinks.names import counted_name

PICKED = "field"
CELADON, INK, PAPER = "#3f8f7b", "#2a2621", "#ece5d6"
"""Ink stands on the fullest field with a contrast of 6 in the light theme, paper with 4.6 in the dark one."""
NAMED = 4
"""Names in a tooltip; the rest are counted."""

# Where a province lies: columns from west to east, rows from north to south; a square each, so that no area outweighs another.
PLACES: Mapping[str, tuple[int, int]] = {
    "north": (1, 0),
    "incheon": (0, 1),
    "seoul": (1, 1),
    "gyeonggi": (2, 1),
    "gangwon": (3, 1),
    "chungnam": (0, 2),
    "daejeon": (1, 2),
    "chungbuk": (2, 2),
    "gyeongbuk": (3, 2),
    "jeonbuk": (1, 3),
    "gyeongnam": (2, 3),
    "busan": (3, 3),
    "jeonnam": (1, 4),
    "jeju": (0, 5),
}


def by_season(
    drinks: Sequence[Drink],
    lang: str,
    seasons: Mapping[str, str],
    chosen_seasons: Collection[str] = (),
    chosen_families: Collection[str] = (),
    *,
    dark: bool = False,
) -> alt.LayerChart:
    """A heat map of families by season, the number in each field. seasons: label by id."""
    families = {name: i18n.text(f"drinks.families.{name}", lang) for name in FAMILIES}
    rows = []
    for name in FAMILIES:
        for season in SEASONS:
            own = [drink for drink in drinks if family(drink) == name and season in drink.tags.season]
            chosen = (not chosen_seasons or season in chosen_seasons) and (
                not chosen_families or name in chosen_families
            )
            rows.append(
                {
                    "family": name,
                    "season": season,
                    "kind": families[name],
                    "when": seasons[season],
                    "count": len(own),
                    "drinks": _named(own, lang),
                    "chosen": chosen,
                }
            )
    x = alt.X(
        "when:N",
        sort=list(seasons.values()),
        title=None,
        axis=alt.Axis(
            orient="top", labelAngle=0, ticks=False, domain=False, labelLimit=90, labelOverlap=False, labelFontSize=11
        ),
    )
    y = alt.Y(
        "kind:N", sort=list(families.values()), title=None, axis=alt.Axis(ticks=False, domain=False, labelLimit=110)
    )
    tooltip = [
        alt.Tooltip("kind:N", title=i18n.text("drinks.columns.family", lang)),
        alt.Tooltip("when:N", title=i18n.text("drinks.columns.season", lang)),
        alt.Tooltip("count:Q", title=i18n.text("drinks.drinks", lang)),
        alt.Tooltip("drinks:N", title=i18n.text("drinks.names", lang)),
    ]
    return _fields(pd.DataFrame(rows), x, y, ("season", "family"), tooltip, dark=dark, names=False).properties(
        height=alt.Step(44)
    )


def by_region(
    drinks: Sequence[Drink], lang: str, regions: Mapping[str, str], chosen: Collection[str] = (), *, dark: bool = False
) -> alt.LayerChart:
    """The provinces as squares where they lie, darker for more drinks. regions: label by id."""
    rows = []
    for region, (column, row) in PLACES.items():
        own = [drink for drink in drinks if region in drink.tags.region]
        rows.append(
            {
                "region": region,
                "name": regions[region],
                "column": column,
                "row": row,
                "count": len(own),
                "drinks": _named(own, lang),
                "chosen": not chosen or region in chosen,
            }
        )
    x, y = alt.X("column:O", axis=None), alt.Y("row:O", axis=None)
    tooltip = [
        alt.Tooltip("name:N", title=i18n.text("drinks.columns.region", lang)),
        alt.Tooltip("count:Q", title=i18n.text("drinks.drinks", lang)),
        alt.Tooltip("drinks:N", title=i18n.text("drinks.names", lang)),
    ]
    return _fields(pd.DataFrame(rows), x, y, ("region",), tooltip, dark=dark, names=True).properties(
        height=alt.Step(56)
    )


def _fields(
    table: pd.DataFrame,
    x: alt.X,
    y: alt.Y,
    picks: Sequence[str],
    tooltip: Sequence[alt.Tooltip],
    *,
    dark: bool,
    names: bool,
) -> alt.LayerChart:
    """Squares, the fuller the more drinks, each with its number and, where wanted, its name above it."""
    most = max(int(table["count"].max()), 1)
    # the root keeps one large field from washing out the others
    table = table.assign(fill=(table["count"] / most) ** 0.6, number=table["count"].map(lambda count: str(count or "")))
    pick = alt.selection_point(name=PICKED, fields=list(picks), toggle=False)
    faded = alt.condition("datum.chosen", alt.value(1), alt.value(0.35))
    base = alt.Chart(table).encode(x=x, y=y, opacity=faded, tooltip=list(tooltip))
    squares = (
        base.mark_rect(
            cornerRadius=7, fill=CELADON, strokeOpacity=0, cursor="pointer", width={"band": 0.94}, height={"band": 0.92}
        )
        .encode(fillOpacity=alt.FillOpacity("fill:Q", scale=alt.Scale(domain=[0, 1], range=[0.07, 0.72]), legend=None))
        .add_params(pick)
    )
    ink = PAPER if dark else INK
    numbers = base.mark_text(color=ink, fontSize=15, fontWeight=600, dy=9 if names else 0, cursor="pointer")
    layers = [squares, numbers.encode(text="number:N")]
    if names:
        written = base.mark_text(color=ink, fontSize=11.5, dy=-9, cursor="pointer")
        layers.append(written.encode(text="name:N"))
    return alt.LayerChart(layer=layers)


def _named(drinks: Sequence[Drink], lang: str) -> str:
    titles = [drink.title_ko if lang == "ko" else drink.title_en for drink in drinks]
    rest = f" +{len(titles) - NAMED}" if len(titles) > NAMED else ""
    return ", ".join(titles[:NAMED]) + rest


def over_time(table: pd.DataFrame, lang: str) -> alt.Chart | alt.LayerChart:
    """How often each drink was named, stacked by day; with a single day a bar for each drink. table: day, drink, count."""
    table = table.assign(drink=table["drink"].map(lambda name: counted_name(name, lang)))
    if table["day"].nunique() > 1:
        bars = alt.Chart(days(table)).mark_bar(cornerRadiusTopLeft=2, cornerRadiusTopRight=2)
        day = alt.X("utcyearmonthdate(day):T", title=None, axis=day_axis(lang))
        return over_days(table, lang, bars, day, "drink").properties(height=230)
    table = table.sort_values("count", ascending=False, kind="stable")
    return bars_with_ends(
        table, "drink", "count", ",", most=float(table["count"].max()), tooltip=counted("drink", lang)
    )
