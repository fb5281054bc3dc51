"""Draws a card for each model of the catalogue: its quantizations with size and fit, and the way to get one, with the progress there.

The sizes come from the model's outline until the repository was asked, and from its own list then.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from kdrinks.errors import HubError, KdrinksError
from kdrinks.hub import catalog, fit, offers
from kdrinks.hub.offers import Offer
from kdrinks.ui.format import bytes_text, short
from kdrinks.ui.frame import get_services, lang, show_error, t, visitor
from kdrinks.ui.markdown_text import as_plain
from kdrinks.ui.models import downloads, remote

BADGES: Mapping[fit.Fit, tuple[Any, str]] = {
    "fits": ("green", ":material/check_circle:"),
    "tight": ("orange", ":material/error:"),
    "too_big": ("red", ":material/block:"),
}


def badge(verdict: fit.Fit) -> None:
    color, icon = BADGES[verdict]
    st.badge(t(f"models.catalog.{verdict}"), color=color, icon=icon, help=t(f"models.catalog.{verdict}_help"))


def draw(entries: Sequence[catalog.Entry], free: fit.Free, best: str) -> None:
    """One under the other. best: id of the entry that is recommended for this machine."""
    with st.container(key=f"cards-{entries[0].id if entries else ''}"):
        for entry in entries:
            with st.container(border=True, key=f"card-{entry.id}"):
                st.fragment(_draw_card)(entry, free, recommended=entry.id == best)


def label(offer: Offer, free: fit.Free) -> str:
    """A quantization as a list of them shows it."""
    verdict = t(f"models.catalog.{fit.verdict(offer.estimate, free)}")
    about = "" if offer.file else t("models.catalog.about")
    parts = [offer.quantization or "?", f"{about} {bytes_text(offer.size_bytes)}".strip(), verdict]
    return " · ".join(parts)


def draw_offer(offer: Offer, *facts: str) -> None:
    """What a person should know of the chosen file."""
    st.markdown(quantization_text(offer.quantization))
    if offer.slow:
        st.markdown(f":small[:orange[:material/speed: {t('models.catalog.slow')}]]")
    needed = t("models.catalog.needs", memory=bytes_text(offer.estimate.needed_bytes))
    st.caption(as_plain(" · ".join([bytes_text(offer.size_bytes), *facts, needed])))


def quantization_text(name: str) -> str:
    """What a quantization costs and loses, in one line."""
    family = {"F32": "f16", "F16": "f16", "BF16": "f16", "Q8_0": "q8", "Q6_K": "q6"}.get(name, "")
    if not family:
        digit = next((character for character in name if character.isdigit()), "")
        family = {"5": "q5", "4": "q4", "3": "q3", "2": "q2", "1": "q2"}.get(digit, "unknown")
    return t(f"models.catalog.quantizations.{family}")


def _draw_card(entry: catalog.Entry, free: fit.Free, *, recommended: bool) -> None:
    own = remote.known(entry.repo_id)
    by_name = {offer.file or offer.quantization: offer for offer in (own.offers if own else offers.usual(entry))}
    head = st.container(horizontal=True, gap="small", vertical_alignment="center")
    st.markdown(f"**{entry.id}**")
    st.markdown(entry.about[lang()])
    if not by_name:
        st.info(t("models.catalog.no_files", repo=as_plain(entry.repo_id)), icon=":material/info:")
        return
    first = entry.file if own else entry.quantization
    chosen = by_name[
        st.selectbox(
            t("models.catalog.quantization"),
            list(by_name),
            index=list(by_name).index(first) if first in by_name else 0,
            format_func=lambda name: label(by_name[name], free),
            help=t("models.catalog.quantization_own" if own else "models.catalog.quantization_help"),
            key=f"quantization-{entry.id}-{'own' if own else 'usual'}-{lang()}",
        )
    ]
    with head:
        badge(fit.verdict(chosen.estimate, free))
        if recommended:
            st.badge(t("models.catalog.recommended"), color="violet", icon=":material/star:")
        if entry.use == "embedding":
            st.badge(t("models.catalog.embedding"), color="gray")
    draw_offer(chosen, short(entry.parameters), entry.license)
    _draw_buttons(entry, chosen, asked=own is not None)


def _draw_buttons(entry: catalog.Entry, chosen: Offer, *, asked: bool) -> None:
    """Get it, or look what else there is; what comes of either stands right below."""
    problem = st.session_state.pop(f"card-problem-{entry.id}", None)
    under_way = [job for job in downloads.jobs_of(entry.repo_id) if job.running]
    target = (chosen.file or (entry.file if chosen.quantization == entry.quantization else "")).rpartition("/")[2]
    here = bool(target) and (get_services().settings.models / target).is_file()
    clicked = st.button(
        t("models.catalog.here" if here else "models.catalog.download"),
        icon=":material/check:" if here else ":material/download:",
        key=f"get-{entry.id}",
        disabled=here or any(job.subject == target for job in under_way),
        width="stretch",
    )
    ask = not asked and st.button(
        t("models.catalog.ask"), icon=":material/list:", key=f"ask-{entry.id}", type="tertiary"
    )
    if clicked or ask:
        try:
            _begin(entry, chosen) if clicked else remote.listed(entry.repo_id, embedding=entry.use == "embedding")
        except KdrinksError as error:
            st.session_state[f"card-problem-{entry.id}"] = error
        st.rerun()
    if problem:
        show_error(problem)
    downloads.draw(lambda repo_id: repo_id == entry.repo_id)


def _begin(entry: catalog.Entry, chosen: Offer) -> None:
    """Starts the download of a quantization that the repository may turn out not to have. Raises KdrinksError."""
    hub = downloads.hub()
    with st.spinner(t("models.catalog.asking"), show_time=False):
        if chosen.file or chosen.quantization == entry.quantization:
            file = hub.file(entry.repo_id, chosen.file or entry.file)
        else:
            try:
                file = offers.file_of(hub, entry.repo_id, chosen.quantization, entry.file)
            except HubError as error:
                if error.key == "hub_no_quantization":
                    remote.listed(entry.repo_id, embedding=entry.use == "embedding")  # what it has takes the place
                raise
        downloads.here().start(visitor(), file)
