"""Draws what can be got: the catalogue, any repository by its name or by words of it, and the token."""

import re

import streamlit as st

from kdrinks.errors import KdrinksError
from kdrinks.hub import catalog, fit
from kdrinks.services import Services
from kdrinks.ui.format import short
from kdrinks.ui.frame import lang, show_error, t, visitor
from kdrinks.ui.markdown_text import as_plain
from kdrinks.ui.models import cards, downloads, remote

REPO = "catalog-repo"
FIRST = 6
"""Cards that are drawn before "show more"."""


def draw(services: Services, free: fit.Free) -> None:
    """The section under "Get more models"."""
    st.header(t("models.catalog.title"), anchor=False)
    st.markdown(t("models.catalog.intro"))
    rows = catalog.describe(services.settings, free)
    verdicts = {row["id"]: row["fit"] for row in rows}
    best = catalog.recommended(rows, free)
    moving = downloads.repositories()
    offered = [entry for entry in catalog.entries() if entry.repo_id]

    def place(entry: catalog.Entry) -> tuple[bool, ...]:
        installed = (services.settings.models / entry.file).is_file() and entry.repo_id not in moving
        return installed, entry.id != best, verdicts[entry.id] == "too_big", "ko" != entry.languages[0]

    offered.sort(key=place)
    first, rest = offered[:FIRST], offered[FIRST:]
    cards.draw(first, free, best)
    with st.expander(
        t("models.catalog.more", count=len(rest)),
        expanded=any(entry.repo_id in moving for entry in rest),
        key="catalog-more",
    ):
        cards.draw(rest, free, best)
    others = moving - {entry.repo_id for entry in offered}
    with st.expander(t("models.catalog.other"), expanded=bool(others), icon=":material/search:", key="catalog-other"):
        _draw_others(free)
        downloads.draw(lambda repo_id: repo_id in downloads.repositories() - {entry.repo_id for entry in offered})
    with st.expander(t("models.catalog.token"), icon=":material/key:", key="catalog-token"):
        _draw_token()


def _draw_others(free: fit.Free) -> None:
    """A repository by its name, or a search for one."""
    typed = st.text_input(
        t("models.catalog.repository"), placeholder=t("models.catalog.repository_example"), key=REPO
    ).strip()
    typed = re.sub(
        r"^https?://[^/]+/([^/]+/[^/]+).*$", r"\1", typed
    )  # the address of its page, as copied from a browser
    if not typed:
        st.caption(t("models.catalog.repository_help"))
        return
    try:
        repo_id = typed if "/" in typed else _found(typed)
        if repo_id:
            _draw_repository(repo_id, free)
    except KdrinksError as error:
        show_error(error)


def _found(words: str) -> str | None:
    """The one that a person chose of those a search found. Raises HubError."""
    by_id = {one.repo_id: one for one in remote.search(words)}
    if not by_id:
        st.info(t("models.catalog.nothing_found", words=as_plain(words)), icon=":material/info:")
        return None

    def described(repo_id: str) -> str:
        one = by_id[repo_id]
        facts = [t("models.catalog.downloads", count=short(one.downloads)), one.license]
        return " · ".join([repo_id, *filter(None, facts), *([t("models.catalog.gated")] if one.gated else [])])

    return st.selectbox(
        t("models.catalog.found", count=len(by_id)),
        list(by_id),
        index=None,
        format_func=described,
        placeholder=t("models.catalog.choose_repository"),
        key=f"catalog-found-{words}-{lang()}",
    )


def _draw_repository(repo_id: str, free: fit.Free) -> None:
    """Its models to choose from. Raises BadInput, HubError."""
    told = remote.listed(repo_id)
    by_file = {offer.file: offer for offer in told.offers}
    if not by_file:
        st.info(t("models.catalog.no_files", repo=as_plain(repo_id)), icon=":material/info:")
        return
    st.caption(as_plain(t("models.catalog.license", license=told.model.license or "?")))
    fitting = [name for name, offer in by_file.items() if fit.verdict(offer.estimate, free) == "fits"]
    default = next((name for name in fitting if by_file[name].quantization == "Q4_K_M"), fitting[-1] if fitting else "")
    chosen = by_file[
        st.selectbox(
            t("models.catalog.file"),
            options=list(by_file),
            index=list(by_file).index(default) if default else 0,
            format_func=lambda name: f"{cards.label(by_file[name], free)} · {name}",
            key=f"catalog-file-{repo_id}",
        )
    ]
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        cards.badge(fit.verdict(chosen.estimate, free))
        if chosen.file == default:
            st.badge(t("models.catalog.recommended"), color="violet", icon=":material/star:")
    cards.draw_offer(chosen, short(chosen.parameters))
    if st.button(t("models.catalog.download"), icon=":material/download:", key="get-other", type="primary"):
        if downloads.begin(told.model.repo_id, chosen.file):
            st.rerun()


def _draw_token() -> None:
    st.caption(t("models.catalog.token_help"))
    typed = st.text_input(
        t("models.catalog.token_label"), type="password", key="catalog-token-text", autocomplete="off"
    )
    token = downloads.hub().token
    try:
        if st.button(t("models.catalog.token_use"), key="catalog-token-use"):
            token.set(visitor(), typed)
            remote.answers.clear()
        st.caption(t("models.catalog.token_known") if token.headers() else t("models.catalog.token_unknown"))
    except KdrinksError as error:
        show_error(error)
