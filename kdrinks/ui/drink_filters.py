"""The filters of the shelf: widgets whose values stand in the address, so that a view can be shared and opened again.

The address wins when somebody brings one along (a link, a bookmark); after that the widgets write it.
"""

from collections.abc import Callable, Sequence
from typing import Any

import streamlit as st

from kdrinks.knowledge import shelf
from kdrinks.knowledge.drinks import Drink
from kdrinks.knowledge.shelf import Wanted
from kdrinks.ui.drink_labels import label, options, short
from kdrinks.ui.frame import t

FILTERS = ("family", "season", "alcohol", "caffeine", "region", "suits", "without")
CLEARED_KEY = "drinks-cleared"
STALE_KEY = "drinks-stale"
"""Session state: the browser's address still names what was open before the shelf."""
VIEWS = ("cards", "picture")
WRITTEN_KEY = "drinks-written"
"""Session state: the address as this page wrote it last."""


def choose(drinks: Sequence[Drink]) -> tuple[Wanted, str]:
    """Draws the filters; what is wanted, and whether the pictures are (cards or picture)."""
    _adopt_address(drinks)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small", key="seek"):
        text = st.text_input(
            t("drinks.search"),
            key="drinks-q",
            placeholder=t("drinks.search_placeholder"),
            icon=":material/search:",
            label_visibility="collapsed",
            max_chars=80,
            live=True,
            persist_state="session",
        )
        with st.popover(_more_label(), icon=":material/tune:"):
            _many("region", _regions(drinks), lambda one: label("region", one))
            _many("suits", shelf.SUITS, lambda one: label("diet", one))
            _many("without", shelf.ALLERGENS, lambda one: short("diet", one))
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
        _some("family", tuple(shelf.FAMILIES), lambda one: t(f"drinks.families.{one}"))
        _some("season", shelf.SEASONS, lambda one: short("season", one))
        _some("alcohol", options("alcohol"), lambda one: t(f"drinks.alcohol_{one}"))
    chosen = {name: tuple(st.session_state.get(f"drinks-{name}") or ()) for name in FILTERS}
    _write_address({"q": (text,) if text else (), **chosen, "view": (view,) if view == "picture" else ()})
    return Wanted(text=text or "", **{name: frozenset(values) for name, values in chosen.items()}), view or "cards"


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
        t(f"drinks.of_{name}"),
        names,
        selection_mode="multi",
        key=f"drinks-{name}",
        format_func={one: shown(one) for one in names}.__getitem__,
        wrap=True,
        persist_state="session",
    )


def _many(name: str, names: Sequence[str], shown: Callable[[str], str]) -> None:
    st.multiselect(
        t(f"drinks.of_{name}"),
        names,
        key=f"drinks-{name}",
        format_func={one: shown(one) for one in names}.__getitem__,
        placeholder=t("drinks.any"),
        persist_state="session",
    )


def _regions(drinks: Sequence[Drink]) -> list[str]:
    """Regions that some drink comes from, in the order of the closed list."""
    present = {region for drink in drinks for region in drink.tags.region}
    return [region for region in options("region") if region in present]


def _more_label() -> str:
    hidden = sum(
        len(st.session_state.get(f"drinks-{name}") or ()) for name in ("region", "suits", "without", "caffeine")
    )
    return t("drinks.more_filters") + (f" ({hidden})" if hidden else "")


def _adopt_address(drinks: Sequence[Drink]) -> None:
    """Take over an address that this page did not write."""
    addressed = _addressed()
    st.session_state.setdefault("drinks-view", "cards")
    if not addressed or addressed == st.session_state.get(WRITTEN_KEY):
        return
    known: dict[str, Sequence[str]] = {
        "family": tuple(shelf.FAMILIES),
        "season": shelf.SEASONS,
        "alcohol": options("alcohol"),
        "caffeine": options("caffeine"),
        "region": _regions(drinks),
        "suits": shelf.SUITS,
        "without": shelf.ALLERGENS,
    }
    for name in FILTERS:
        st.session_state[f"drinks-{name}"] = [one for one in addressed.get(name, ()) if one in known[name]]
    st.session_state["drinks-q"] = "".join(addressed.get("q", ()))[:80]
    st.session_state["drinks-view"] = "picture" if addressed.get("view") == ["picture"] else "cards"


def _write_address(values: dict[str, Sequence[Any]]) -> None:
    wanted = {name: list(chosen) for name, chosen in values.items() if chosen}
    # in one step: each one is an entry in the browser's history
    if st.session_state.pop(STALE_KEY, False) or wanted != _addressed():
        st.query_params.from_dict(wanted)
    st.session_state[WRITTEN_KEY] = _addressed()


def _addressed() -> dict[str, list[str]]:
    names = ("q", *FILTERS, "view")
    return {name: st.query_params.get_all(name) for name in names if name in st.query_params}
