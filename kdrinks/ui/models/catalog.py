"""Draws what can be got: the catalogue with a badge that says whether it fits, any repository by name, and the token.

The estimate for a model that is not here comes from its shape in the catalogue, or from its header on the Hub: no weights.
"""

from collections.abc import Mapping
from typing import Any

import streamlit as st

from kdrinks.errors import KdrinksError
from kdrinks.hub import catalog, fit
from kdrinks.hub.remote import RemoteModel
from kdrinks.services import Services
from kdrinks.ui.format import bytes_text, short
from kdrinks.ui.frame import lang, show_error, t, visitor
from kdrinks.ui.markdown_text import as_plain
from kdrinks.ui.models import downloads

BADGES: Mapping[fit.Fit, tuple[Any, str]] = {
    "fits": ("green", ":material/check_circle:"),
    "tight": ("orange", ":material/error:"),
    "too_big": ("red", ":material/block:"),
}
REPO = "catalog-repo"


def draw(services: Services, free: fit.Free) -> None:
    """The section under "Get more models"."""
    st.header(t("models.catalog.title"), anchor=False)
    st.markdown(t("models.catalog.intro"))
    downloads.draw()
    rows = catalog.describe(services.settings, free)
    entries = {entry.id: entry for entry in catalog.entries()}
    best = catalog.recommended(rows, free)
    offered = [row for row in rows if row["id"] in entries and entries[row["id"]].repo_id and not row["installed"]]
    offered.sort(key=lambda row: (row["id"] != best, row["fit"] == "too_big", "ko" != entries[row["id"]].languages[0]))
    first, rest = offered[:6], offered[6:]
    _draw_cards(first, entries, best)
    if rest:
        with st.expander(t("models.catalog.more", count=len(rest)), key="catalog-more"):
            _draw_cards(rest, entries, best)
    with st.expander(t("models.catalog.other"), icon=":material/search:", key="catalog-other"):
        _draw_repository(free)
    with st.expander(t("models.catalog.token"), icon=":material/key:", key="catalog-token"):
        _draw_token()


def badge(verdict: fit.Fit) -> None:
    color, icon = BADGES[verdict]
    st.badge(t(f"models.catalog.{verdict}"), color=color, icon=icon, help=t(f"models.catalog.{verdict}_help"))


def _draw_cards(rows: list[dict[str, Any]], entries: Mapping[str, catalog.Entry], best: str) -> None:
    busy = {job.subject for job in downloads.here().jobs() if job.running}
    with st.container(key=f"cards-{rows[0]['id'] if rows else ''}"):
        for row in rows:
            entry = entries[row["id"]]
            with st.container(border=True, key=f"card-{entry.id}"):
                with st.container(horizontal=True, gap="small", vertical_alignment="center"):
                    badge(row["fit"])
                    if entry.id == best:
                        st.badge(t("models.catalog.recommended"), color="violet", icon=":material/star:")
                    if entry.use == "embedding":
                        st.badge(t("models.catalog.embedding"), color="gray")
                st.markdown(f"**{entry.id}**")
                st.markdown(entry.about[lang()])
                facts = [bytes_text(entry.size_bytes), short(entry.parameters), entry.quantization, entry.license]
                needed = t("models.catalog.needs", memory=bytes_text(_needed(row["estimate"])))
                st.caption(as_plain(" · ".join([*facts, needed])))
                clicked = st.button(
                    t("models.catalog.download"),
                    icon=":material/download:",
                    key=f"get-{entry.id}",
                    disabled=entry.file in busy,
                    width="stretch",
                )
                if clicked and downloads.begin(entry.repo_id, entry.file):
                    st.rerun()


def _needed(estimate: Mapping[str, int]) -> int:
    return fit.Estimate(**estimate).needed_bytes


@st.cache_resource(ttl=600, max_entries=16, show_spinner=False)
def _remote(repo_id: str) -> tuple[RemoteModel, fit.Shape | None]:
    """A repository, asked once in ten minutes; the shape from the header of its smallest file."""
    hub = downloads.hub()
    model = hub.model(repo_id)
    return model, fit.shape_of(hub.header(model.files[0])) if model.files else None


def _draw_repository(free: fit.Free) -> None:
    repo_id = st.text_input(t("models.catalog.repository"), placeholder="Qwen/Qwen3-4B-GGUF", key=REPO).strip()
    if not repo_id:
        st.caption(t("models.catalog.repository_help"))
        return
    try:
        with st.spinner(t("models.catalog.asking"), show_time=False):
            model, shape = _remote(repo_id)
    except KdrinksError as error:
        show_error(error)
        return
    if not model.files or shape is None:
        st.info(t("models.catalog.no_files", repo=as_plain(repo_id)), icon=":material/info:")
        return
    st.caption(as_plain(t("models.catalog.license", license=model.license or "?")))
    by_file = {file.file: file for file in model.files}
    estimates = {name: fit.estimate(shape, file.size_bytes) for name, file in by_file.items()}
    fitting = [name for name in by_file if fit.verdict(estimates[name], free) == "fits"]
    default = next((name for name in fitting if by_file[name].quantization == "Q4_K_M"), fitting[-1] if fitting else "")
    chosen = st.selectbox(
        t("models.catalog.file"),
        options=list(by_file),
        index=list(by_file).index(default) if default else 0,
        format_func=lambda name: (
            f"{by_file[name].quantization or '?'} · {bytes_text(by_file[name].size_bytes)} · {name}"
        ),
        key=f"catalog-file-{repo_id}",
    )
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        badge(fit.verdict(estimates[chosen], free))
        if chosen == default:
            st.badge(t("models.catalog.recommended"), color="violet", icon=":material/star:")
    st.markdown(quantization_text(by_file[chosen].quantization))
    st.caption(t("models.catalog.needs", memory=bytes_text(estimates[chosen].needed_bytes)))
    if st.button(t("models.catalog.download"), icon=":material/download:", key="get-other", type="primary"):
        if downloads.begin(model.repo_id, chosen):
            st.rerun()


def quantization_text(name: str) -> str:
    """What a quantization costs and loses, in one line."""
    family = {"F32": "f16", "F16": "f16", "BF16": "f16", "Q8_0": "q8", "Q6_K": "q6"}.get(name, "")
    if not family:
        digit = next((character for character in name if character.isdigit()), "")
        family = {"5": "q5", "4": "q4", "3": "q3", "2": "q2", "1": "q2"}.get(digit, "unknown")
    return t(f"models.catalog.quantizations.{family}")


def _draw_token() -> None:
    st.caption(t("models.catalog.token_help"))
    typed = st.text_input(
        t("models.catalog.token_label"), type="password", key="catalog-token-text", autocomplete="off"
    )
    token = downloads.hub().token
    try:
        if st.button(t("models.catalog.token_use"), key="catalog-token-use"):
            token.set(visitor(), typed)
            _remote.clear()
        st.caption(t("models.catalog.token_known") if token.headers() else t("models.catalog.token_unknown"))
    except KdrinksError as error:
        show_error(error)
