"""The drinks page: the cards with its filters and pictures; hands one drink, the form and the changes to their own modules.

What is open stands in the address: ?drink=ID, ?edit=ID, ?edit=new, ?desk=1, ?documents=1, ?document=ID&at=N, else the filters. Knows no SQL.
"""

from collections.abc import Sequence
from pathlib import Path

import altair as alt
import streamlit as st

from kdrinks.charts.drinks import PICKED, PLACES, by_region, by_season
from kdrinks.drinks import browse, catalog
from kdrinks.drinks.browse import DrinkFilter
from kdrinks.drinks.catalog import DrinkCatalog
from kdrinks.drinks.model import Drink
from kdrinks.services import Services
from kdrinks.ui.documents import preview
from kdrinks.ui.documents import view as documents_view
from kdrinks.ui.drinks import changes, form
from kdrinks.ui.drinks import drink as drinks_drink
from kdrinks.ui.drinks.filters import CLEARED_KEY, STALE_KEY, choose, clear, picked_in_chart
from kdrinks.ui.drinks.labels import DRINKS_PAGE, badges, short
from kdrinks.ui.frame import lang, t, visitor
from kdrinks.ui.markdown_text import as_plain

SHOWN = 36
"""Cards drawn at first; all 105 at once take a phone a second."""
OPENED = ("drink", "edit", "desk", "documents", "document", "at")
OPENED_KEY = "drinks-opened"
MORE_KEY = "drinks-more"


def draw(services: Services) -> None:
    """The drinks page. Raises KnowledgeError, StoreError."""
    st.html(Path(__file__).parent / "drinks.css")
    now = catalog.current(services.db)
    _settle_address()
    if opened := st.query_params.get("drink"):
        drinks_drink.draw(services, now, opened)
    elif edited := st.query_params.get("edit"):
        form.draw(services, now, edited)
    elif "desk" in st.query_params:
        changes.draw(services, now)
    elif "documents" in st.query_params:
        documents_view.draw(services)
    elif "document" in st.query_params:
        preview.draw(services, st.query_params["document"], st.query_params.get("at", ""))
    else:
        _draw_shelf(now)


def _settle_address() -> None:
    """Show the browser what is open: a link within a page changes what the server sees, but not the browser's address."""
    address = {name: st.query_params.get_all(name) for name in st.query_params}
    opened = {name: address[name] for name in OPENED if name in address}
    if st.session_state.get(OPENED_KEY, opened) != opened:
        if opened:
            st.query_params.from_dict(opened)
        else:  # the filters write it, once: a second entry would catch the browser's Back
            st.session_state[STALE_KEY] = True
    st.session_state[OPENED_KEY] = opened


def _draw_shelf(now: DrinkCatalog) -> None:
    _draw_head()
    wanted, view = choose(now.drinks)
    if view == "picture":
        _draw_pictures(now.drinks, wanted)
    found = browse.filter_drinks(now.drinks, wanted)
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute", key="found"):
        st.markdown(_count(len(found), len(now.drinks)), width="content")
        if wanted != DrinkFilter():
            st.button(t("drinks.clear"), icon=":material/close:", type="tertiary", on_click=clear)
    if not found:
        _draw_nothing(now.drinks, wanted)
        return
    _draw_cards(found)


def _draw_head() -> None:
    with st.container(
        horizontal=True, vertical_alignment="bottom", horizontal_alignment="distribute", key="drinks-head"
    ):
        with st.container(width="content", gap=None):
            st.title(t("drinks.title"), anchor=False)
            st.markdown(t("drinks.intro"))
        with st.container(horizontal=True, gap="xsmall", width="content", key="drinks-links"):
            if visitor().administrator:
                st.page_link(DRINKS_PAGE, label=t("drinks.add"), icon=":material/add:", query_params={"edit": form.NEW})
                mine = {"documents": "1"}
                st.page_link(DRINKS_PAGE, label=t("documents.link"), icon=":material/library_books:", query_params=mine)
            st.page_link(
                DRINKS_PAGE, label=t("drinks.changes_link"), icon=":material/history:", query_params={"desk": "1"}
            )


def _draw_cards(found: Sequence[Drink]) -> None:
    count = len(found) if st.session_state.get(MORE_KEY) else SHOWN
    with st.container(key="cards"):
        for drink in found[:count]:
            st.page_link(DRINKS_PAGE, label=_card(drink), query_params={"drink": drink.id}, width="stretch")
    if len(found) > count:
        st.button(
            t("drinks.more", count=len(found) - count),
            icon=":material/expand_more:",
            width="stretch",
            key="show-all",
            on_click=lambda: st.session_state.update({MORE_KEY: True}),
        )


def _card(drink: Drink) -> str:
    """A card's label: the name in Hangul, in hanja and in letters, what it is, and its tags."""
    other = " · ".join(as_plain(name) for name in (drink.hanja, drink.title_en) if name)
    summary = drink.summary.ko if lang() == "ko" else drink.summary.en
    return f"**{as_plain(drink.title_ko)}**\n\n:gray[{other}]\n\n{as_plain(summary)}\n\n{' '.join(badges(drink))}"


def _draw_nothing(drinks: Sequence[Drink], wanted: DrinkFilter) -> None:
    with st.container(border=True, horizontal_alignment="center", key="nothing"):
        st.subheader(t("drinks.nothing"), anchor=False, text_alignment="center")
        close = browse.nearest(drinks, wanted.text) if wanted.text else []
        st.markdown(t("drinks.nothing_close") if close else t("drinks.nothing_hint"), text_alignment="center")
        if close:
            with st.container(horizontal=True, horizontal_alignment="center", key="close"):
                for drink in close:
                    name = drink.title_ko if lang() == "ko" else drink.title_en
                    st.page_link(DRINKS_PAGE, label=as_plain(name), query_params={"drink": drink.id})


def _draw_pictures(drinks: Sequence[Drink], wanted: DrinkFilter) -> None:
    """Where the drinks lie by season and kind, and by region; a click on a field narrows the cards below."""
    dark = st.context.theme.type == "dark"
    # a new key forgets the clicked field, which could not be clicked again otherwise
    turn = st.session_state.get(CLEARED_KEY, 0)
    seasons, regions = st.columns([3, 2], gap="small")
    with seasons, st.container(border=True, height="stretch"):
        st.subheader(t("drinks.by_season"), anchor=False)
        names = {name: short("season", name) for name in browse.SEASONS}
        _draw_chart(
            by_season(drinks, lang(), names, wanted.season, wanted.family, dark=dark),
            "by_season",
            f"season-chart-{turn}",
            ("season", "family"),
        )
        st.caption(t("drinks.click"))
    with regions, st.container(border=True, height="stretch"):
        st.subheader(t("drinks.by_region"), anchor=False)
        names = {name: t(f"drinks.provinces.{name}") for name in PLACES}
        _draw_chart(
            by_region(drinks, lang(), names, wanted.region, dark=dark), "by_region", f"region-chart-{turn}", ("region",)
        )
        st.caption(t("drinks.everywhere", count=sum("nationwide" in drink.tags.region for drink in drinks)))


def _draw_chart(chart: alt.LayerChart, title: str, key: str, filters: Sequence[str]) -> None:
    st.altair_chart(
        chart,
        width="stretch",
        key=key,
        on_select=lambda: picked_in_chart(key, filters),
        selection_mode=PICKED,
        alt=t(f"drinks.{title}"),
    )


def _count(found: int, of: int) -> str:
    return t("drinks.count_all", count=of) if found == of else t("drinks.count", found=found, of=of)
