"""The details on a drink's page: by kind with their sources, reasons with their question, cautions by whom they are for."""

from collections.abc import Sequence
from typing import get_args

import streamlit as st

from kdrinks import kinds
from kdrinks.drinks.model import Detail, Drink, Level
from kdrinks.ui import source_links
from kdrinks.ui.frame import lang, t
from kdrinks.ui.markdown_text import as_plain

_COLOURS = {"avoid": "red", "ask_professional": "orange", "fine_in_usual_amounts": "gray", "not_known": "gray"}
_LEVELS = get_args(Level)


def draw(drink: Drink) -> None:
    """What is told of making, keeping and why, a fold for each kind; nothing for a drink without."""
    told = {
        kind: [detail for detail in drink.details if detail.aspect in row.aspects] for kind, row in kinds.TABLE.items()
    }
    if not any(told.values()):
        return
    st.header(t("drinks.in_detail"), anchor=False)
    with st.container(key="details", gap="small"):
        for kind, details in told.items():
            if details:
                label = kinds.TABLE[kind].label.of(lang())
                with st.expander(f"{as_plain(label)} :gray[({len(details)})]"):
                    for detail in details:
                        sentence(said(detail), detail.sources, question=_question(detail))


def draw_cautions(drink: Drink) -> None:
    """Every detail on safety, what to avoid first: whom it is for, what it says to them, and the sentence."""
    details = [detail for detail in drink.details if detail.aspect == "safety"]
    for detail in sorted(details, key=lambda one: _LEVELS.index(one.level)):
        mark = f":{_COLOURS[detail.level]}-badge[{as_plain(t(f'drinks.levels.{detail.level}'))}]"
        st.markdown(f"**{as_plain(t(f'drinks.groups.{detail.group}'))}** {mark}")
        sentence(said(detail), detail.sources)


def sentence(text: str, sources: Sequence[str], *, question: str = "") -> None:
    """A sentence with the pages that say so, or the mark of general knowledge; under the question that it answers."""
    links = [source_links.link(address) for address in sources]
    below = " · ".join(links) if links else f":gray[{t('drinks.general_knowledge')}]"
    above = f"**{as_plain(question)}**  \n" if question else ""
    st.markdown(f"{above}{as_plain(text)}  \n:small[{below}]")


def said(detail: Detail) -> str:
    return detail.ko if lang() == "ko" else detail.en


def _question(detail: Detail) -> str:
    return detail.question.ko if lang() == "ko" else detail.question.en
