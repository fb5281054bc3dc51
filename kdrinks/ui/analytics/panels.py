"""The charts of a section as rows of a list, in their order: what is read, how it is drawn, what it is called.

A Panel draws itself; what has controls or several charts in one box is Own and has a function. Tests go through the lists of all
sections, so a chart that is in none is noticed, and so is one that nothing fills (tests/test_charts_drawn.py).
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
import streamlit as st

from kdrinks.store.analytics import AnalyticsFilter
from kdrinks.ui.analytics.view import panel, read, sees_totals_only
from kdrinks.ui.frame import lang


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """A titled box with one chart, its downloads and, where there is nothing to draw, a line that says so."""

    name: str
    """Its title is the string charts.titles.NAME; its downloads are called after it."""
    table: Callable[..., pd.DataFrame]
    """Of the store, called with (db, view, *arguments)."""
    chart: Callable[..., Any]
    """Of kdrinks.charts, called with (table, lang)."""
    arguments: tuple[Any, ...] = ()
    needs: str = ""
    """A column: rows without it are left out."""
    note: Callable[[pd.DataFrame], str] = lambda table: ""
    """What stands below the chart; called while the page is drawn, in the reader's language."""
    wide: bool = False
    """Over both columns; two that are not stand side by side."""
    totals: bool = True
    """Shown to those, too, who see totals alone."""

    @property
    def charts(self) -> tuple[str, ...]:
        return (self.name,)

    def draw(self, view: AnalyticsFilter) -> None:
        table = read(self.table, view, *self.arguments)
        if self.needs:
            table = table[table[self.needs].notna()]
        panel(self.name, table, lambda: self.chart(table, lang()), note=self.note(table))


@dataclass(frozen=True, slots=True, kw_only=True)
class Own:
    """A part of a section that draws itself."""

    charts: tuple[str, ...]
    """The names of the charts in it, as given to view.show; a part with a table alone has none."""
    draw: Callable[[AnalyticsFilter], None]
    wide: bool = False
    totals: bool = True


def draw_all(parts: Sequence[Panel | Own], view: AnalyticsFilter) -> None:
    """What the reader may see of a section; the store refuses the rest."""
    for row in _rows([part for part in parts if part.totals or not sees_totals_only()]):
        if row[0].wide:
            row[0].draw(view)
            continue
        for column, part in zip(st.columns(2, gap="small"), row, strict=False):
            with column:
                part.draw(view)


def _rows(parts: Sequence[Panel | Own]) -> Iterator[list[Panel | Own]]:
    row: list[Panel | Own] = []
    for part in parts:
        if row and (part.wide or len(row) == 2):
            yield row
            row = []
        row.append(part)
        if part.wide:
            yield row
            row = []
    if row:
        yield row
