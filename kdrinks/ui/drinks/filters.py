"""The filters of the cards: widgets whose values stand in the address (ui.address), so that a view can be shared and opened again."""

from collections.abc import Callable, Sequence

import streamlit as st

from kdrinks.drinks import browse
from kdrinks.drinks.browse import DrinkFilter
from kdrinks.drinks.model import Drink
from kdrinks.ui import address
from kdrinks.ui.address import Control
from kdrinks.ui.drinks.labels import label, options, short
from kdrinks.ui.frame import several_in_words, t

FILTERS = ("family", "season", "alcohol", "caffeine", "region", "time", "suits", "without")
FIELDS = {"suits": "diets", "without": "exclude_allergens"}
"""Fields of DrinkFilter that the address calls otherwise."""
CLEARED_KEY = "drinks-cleared"
STALE_KEY = "drinks-stale"
"""Session state: the browser's address still names what was open before the cards."""
VIEWS = ("cards", "picture")
LONGEST = 80
"""Characters of a search."""


def choose(drinks: Sequence[Drink]) -> tuple[DrinkFilter, str]:
    """Draws the filters; what is wanted, and whether the pictures are (cards or picture)."""
    address.settle("drinks", _controls(drinks), stale=st.session_state.pop(STALE_KEY, False))
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small", key="seek"):
        text = st.text_input(
            t("drinks.search"),
            key="drinks-q",
            placeholder=t("drinks.search_placeholder"),
            icon=":material/search:",
            label_visibility="collapsed",
            max_chars=LONGEST,
            live=True,
            persist_state="session",
        )
        with st.popover(_more_label(), icon=":material/tune:"):
            _many("region", _regions(drinks), lambda one: label("region", one))
            _many("suits", browse.DIETS, lambda one: label("diet", one))
            _many("without", browse.ALLERGENS, lambda one: short("diet", one))
            _some("time", tuple(browse.TIMES), lambda one: t(f"drinks.within_{one}"))
            _some("caffeine", options("caffeine"), lambda one: t(f"drinks.caffeine_{one}"))
        view = st.segmented_control(
            t("drinks.view"),
            VIEWS,
            key="drinks-view",
            required=True,
            format_func=lambda one: t(f"drinks.view_{one}"),
            label_visibility="collapsed",
            persist_state="session",
        )
    with st.container(horizontal=True, gap="medium", key="pills"):
        _some("family", tuple(browse.FAMILIES), lambda one: t(f"drinks.families.{one}"))
        _some("season", browse.SEASONS, lambda one: short("season", one))
        _some("alcohol", options("alcohol"), lambda one: t(f"drinks.alcohol_{one}"))
    chosen = {name: tuple(st.session_state.get(f"drinks-{name}") or ()) for name in FILTERS}
    fields = {FIELDS.get(name, name): frozenset(values) for name, values in chosen.items()}
    return DrinkFilter(text=text or "", **fields), view or "cards"


def clear() -> None:
    """Back to every drink."""
    for name in FILTERS:
        st.session_state[f"drinks-{name}"] = []
    st.session_state["drinks-q"] = ""
    st.session_state[CLEARED_KEY] = st.session_state.get(CLEARED_KEY, 0) + 1


def picked_in_chart(key: str, names: Sequence[str]) -> None:
    """A field of a picture was clicked: its values become the filters; a click beside the fields frees them."""
    points = st.session_state[key]["selection"].get("field") or []
    for name in names:
        st.session_state[f"drinks-{name}"] = [points[0][name]] if points and points[0].get(name) else []


def _some(name: str, names: Sequence[str], shown: Callable[[str], str]) -> None:
    st.pills(
        t(f"drinks.columns.{name}"),
        names,
        selection_mode="multi",
        key=f"drinks-{name}",
        format_func={one: shown(one) for one in names}.__getitem__,
        wrap=True,
        persist_state="session",
    )


def _many(name: str, names: Sequence[str], shown: Callable[[str], str]) -> None:
    st.multiselect(
        t(f"drinks.columns.{name}"),
        names,
        format_func={one: shown(one) for one in names}.__getitem__,
        placeholder=t("drinks.any"),
        **several_in_words(f"drinks-{name}", names),
    )


def _regions(drinks: Sequence[Drink]) -> list[str]:
    """Regions that some drink comes from, in the order of the closed list."""
    present = {region for drink in drinks for region in drink.tags.region}
    return [region for region in options("region") if region in present]


def _more_label() -> str:
    hidden = sum(
        len(st.session_state.get(f"drinks-{name}") or ()) for name in ("region", "time", "suits", "without", "caffeine")
    )
    return t("drinks.more_filters") + (f" ({hidden})" if hidden else "")


def _controls(drinks: Sequence[Drink]) -> dict[str, Control]:
    known: dict[str, Sequence[str]] = {
        "family": tuple(browse.FAMILIES),
        "season": browse.SEASONS,
        "alcohol": options("alcohol"),
        "caffeine": options("caffeine"),
        "region": _regions(drinks),
        "time": tuple(browse.TIMES),
        "suits": browse.DIETS,
        "without": browse.ALLERGENS,
    }
    return {
        "q": Control(key="drinks-q", usual="", known=None, read=lambda text: text[:LONGEST]),
        **{name: Control(key=f"drinks-{name}", usual=[], known=known[name]) for name in FILTERS},
        "view": Control(key="drinks-view", usual=VIEWS[0], known=VIEWS),
    }
