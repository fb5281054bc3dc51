"""The drinks that answer a question over many, as a table under its text: name, figure and a way to the drink's page.

Drawn from what is stored with the answer, so that a conversation that is opened again shows the same.
"""

from typing import Any

import streamlit as st

from kdrinks.drinks import catalog
from kdrinks.generation import listing
from kdrinks.records import Exchange
from kdrinks.services import Services
from kdrinks.store.drink_queries import UNITS, Found, Measure
from kdrinks.ui.drinks import labels
from kdrinks.ui.frame import lang, t

FEWEST = 2
"""Of a single drink the sentence says it all."""
LOW = 12
"""Rows up to which the table has its own height; a longer one scrolls."""
HEIGHT = 460
NAME_PX, FIGURE_PX, LINK_PX = 150, 96, 64
"""`Gyeolmyeongja-cha` and `40 minutes` are read whole, and a phone shows all three columns but for a few pixels."""


def draw(services: Services, exchange: Exchange) -> None:
    """Nothing for an answer without rows. A drink that is no longer there is left out."""
    rows: list[dict[str, Any]] = exchange.details.get("rows") or []
    if len(rows) < FEWEST:
        return
    drinks = {drink.id: drink for drink in catalog.current(services.db).drinks}
    measure = next((name for name, unit in UNITS.items() if unit == rows[0].get("unit")), None)
    table = [
        {"drink": labels.title(drinks[row["id"]]), "figure": _figure(row, measure), "page": f"drinks?drink={row['id']}"}
        for row in rows
        if row["id"] in drinks
    ]
    columns: dict[str, Any] = {
        "drink": st.column_config.TextColumn(t("listing.head.drink"), width=NAME_PX),
        "figure": st.column_config.TextColumn(t(f"listing.head.{measure}"), width=FIGURE_PX) if measure else None,
        "page": st.column_config.LinkColumn(t("listing.head.page"), display_text=t("listing.head.open"), width=LINK_PX),
    }
    st.dataframe(
        table,
        hide_index=True,
        width="content",
        height="content" if len(table) <= LOW else HEIGHT,
        column_config=columns,
        key=f"rows-{exchange.message_id}",
    )


def _figure(row: dict[str, Any], measure: Measure | None) -> str:
    value = row.get("value")
    if measure is None or not isinstance(value, int | float):
        return ""
    return listing.figure(Found(row["id"], float(value), float(value)), measure, lang())
