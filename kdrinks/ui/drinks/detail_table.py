"""The table of details in the form: a row each, rows can be added and taken out. What fits is drinks.detail_rows' to say."""

from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any

import pandas as pd
import streamlit as st

from kdrinks.drinks.detail_rows import CLOSED, TEXTS, Row
from kdrinks.ui.frame import t

WIDTH_PX = 240
"""Of a sentence: both languages and the figures are seen at once beside the form's labels."""
_COLUMNS = (*TEXTS, "sources")


def draw(rows: Iterable[Row], key: str) -> tuple[Row, ...]:
    """The rows as they stand in the table; empty ones are left out."""
    st.markdown(f"**{t('drinks.fields.details')}**")
    st.caption(t("drinks.details_help"))
    typed = [{**row, "sources": " ".join(row["sources"])} for row in rows]
    table = st.data_editor(
        pd.DataFrame(typed, columns=list(_COLUMNS), dtype="str"),
        num_rows="dynamic",
        hide_index=True,
        width="stretch",
        row_height=92,
        key=f"{key}-details",
        column_config={
            **{name: _choice(name, options) for name, options in CLOSED.items()},
            **{
                name: st.column_config.TextColumn(t(f"drinks.fields.detail_{name}"), width="medium")
                for name in ("figures", "question_ko", "question_en")
            },
            "ko": st.column_config.TextColumn(t("drinks.fields.fact_ko"), width=WIDTH_PX),
            "en": st.column_config.TextColumn(t("drinks.fields.fact_en"), width=WIDTH_PX),
            "sources": st.column_config.TextColumn(t("drinks.fields.sources"), width="medium"),
        },
    )
    return tuple(_row(typed) for typed in table.fillna("").to_dict("records") if any(map(str.strip, typed.values())))


def _choice(name: str, options: Iterable[str]) -> Any:
    return st.column_config.SelectboxColumn(
        t(f"drinks.fields.detail_{name}"),
        width=110,
        options=[option for option in options if option],
        format_func=partial(_label, name),
    )


def _label(name: str, option: str) -> str:
    return t(f"drinks.{name}s.{option}") if option else ""


def _row(typed: Mapping[str, str]) -> Row:
    return {**{name: typed[name].strip() for name in TEXTS}, "sources": tuple(typed["sources"].split())}
