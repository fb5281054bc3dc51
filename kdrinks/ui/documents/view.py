"""The documents of the drinks page: adding them with progress and cancel, their list, and removing one. Shows one in documents_preview."""

from collections.abc import Mapping, Sequence
from datetime import timedelta

import streamlit as st

from kdrinks.documents import ingest
from kdrinks.documents.chunks import PAGES_MAX, SIZE_MAX_BYTES
from kdrinks.errors import KdrinksError
from kdrinks.services import Services
from kdrinks.store import documents as store
from kdrinks.store.documents import Document
from kdrinks.ui import job_progress
from kdrinks.ui.drinks.labels import DRINKS_PAGE
from kdrinks.ui.format import bytes_text
from kdrinks.ui.frame import as_state, get_services, show_error, t, visitor
from kdrinks.ui.markdown_text import as_plain

REFUSED_KEY = "documents-refused"
BEGUN_KEY = "documents-begun"
"""File ids of this session: a run that another one cuts short calls its callback again."""
DONE_KEY = "documents-done"
TURN_KEY = "documents-turn"
"""Counts uploads: a new key empties the file field."""
ICONS = {
    "pdf": "picture_as_pdf",
    "docx": "description",
    "hwpx": "description",
    "md": "markdown",
    "txt": "article",
    "csv": "table",
    "html": "public",
    "mhtml": "public",
}


def draw(services: Services) -> None:
    """The section under ?documents. Raises NotAllowed, StoreError."""
    documents, unread = store.listed(services.db, visitor()), store.unread(services.db, visitor())
    st.page_link(DRINKS_PAGE, label=t("drinks.back"), icon=":material/arrow_back:")
    with st.container(key="documents-head", gap=None):
        st.title(t("documents.title"), anchor=False)
        st.markdown(t("documents.intro"))
    if done := st.session_state.pop(DONE_KEY, ""):
        st.toast(as_plain(done), icon=":material/check:")
    for place, refused in enumerate(st.session_state.get(REFUSED_KEY, ())):
        _draw_refused(KdrinksError(refused["key"], **refused["values"]), place)
    _draw_field()
    for job in job_progress.news(ingest.KIND):
        if job.phase != "failed":
            key = "cancelled" if job.phase == "cancelled" else "added"
            text = t(f"documents.{key}", file=job.work.file, title=job.work.title)
            st.toast(as_plain(text), icon=":material/check:")
    job_progress.draw(ingest.KIND)
    _draw_list(documents, unread)


def facts(document: Document) -> str:
    """Format, pages or rows, passages, size and day in one line."""
    counted = "rows" if document.format == "csv" else "pages"
    added_at = document.added_at - timedelta(minutes=st.context.timezone_offset or 0)
    parts = [
        document.format.upper(),
        t(f"documents.{counted}", count=f"{document.pages:,}") if document.pages else "",
        t("documents.passages_one")
        if document.passages == 1
        else t("documents.passages", count=f"{document.passages:,}"),
        bytes_text(document.size_bytes),
        f"{added_at:%Y-%m-%d %H:%M}",
    ]
    return " · ".join(part for part in parts if part)


def unread_text(unread: Mapping[str, int]) -> str:
    """What of a document's file was not read, in one sentence; empty where all was."""
    ways = [t(f"documents.unread.{kind}") for kind in unread if kind.startswith("as_")]
    parts = [
        t(f"documents.unread.{kind}{'_one' if count == 1 else ''}", count=f"{count:,}")
        for kind, count in unread.items()
        if not kind.startswith("as_")
    ]
    return " ".join([*ways, *([t("documents.not_read", parts=", ".join(parts))] if parts else [])])


def _draw_field() -> None:
    key = f"documents-{st.session_state.get(TURN_KEY, 0)}"
    # any kind: a file that cannot be read gets our own message, in the reader's language
    st.file_uploader(
        t("documents.add"),
        accept_multiple_files=True,
        key=key,
        max_upload_size=SIZE_MAX_BYTES // 1024**2,
        on_change=_begin,
        args=(key,),
    )
    st.caption(t("documents.limits", size=SIZE_MAX_BYTES // 1024**2, pages=f"{PAGES_MAX:,}"))


def _begin(key: str) -> None:
    """Start a job for each file of the field, and empty the field."""
    services, refused = get_services(), []
    begun: list[str] = st.session_state.setdefault(BEGUN_KEY, [])
    for file in st.session_state.get(key) or ():
        if file.file_id in begun:
            continue
        begun.append(file.file_id)
        try:
            work = ingest.DocumentIngest(services.db, visitor(), services.words, file.name, file.getvalue())
            ingest.start(services.jobs, work)
        except KdrinksError as error:
            refused.append(as_state(error))
    st.session_state[REFUSED_KEY] = refused
    st.session_state[TURN_KEY] = st.session_state.get(TURN_KEY, 0) + 1


def _draw_refused(error: KdrinksError, place: int) -> None:
    """It stays until it is dismissed: the page draws itself again while other files are on their way."""
    with st.container(horizontal=True, vertical_alignment="top", gap="small", key=f"refused-{place}"):
        show_error(error)
        st.button(
            t("jobs.dismiss"),
            icon=":material/close:",
            type="tertiary",
            key=f"dismiss-refused-{place}",
            on_click=_forget_refused,
            args=(place,),
        )


def _forget_refused(place: int) -> None:
    st.session_state[REFUSED_KEY] = [error for at, error in enumerate(st.session_state[REFUSED_KEY]) if at != place]


def _draw_list(documents: Sequence[Document], unread: Mapping[str, Mapping[str, int]]) -> None:
    if not documents:
        with st.container(border=True, horizontal_alignment="center", key="documents-none"):
            st.subheader(t("documents.none"), anchor=False, text_alignment="center")
            st.markdown(t("documents.none_hint"), text_alignment="center")
        return
    st.markdown(t("documents.count_one") if len(documents) == 1 else t("documents.count", count=len(documents)))
    with st.container(key="documents", gap="small"):
        for document in documents:
            _draw_row(document, unread.get(document.id, {}))


def _draw_row(document: Document, unread: Mapping[str, int]) -> None:
    with st.container(
        border=True, horizontal=True, vertical_alignment="center", gap="small", key=f"document-{document.id}"
    ):
        lines = [
            f"**:material/{ICONS[document.format]}: {as_plain(document.title)}**",
            f":small[:gray[{as_plain(facts(document))}]]",
            *([f":small[:orange[{as_plain(unread_text(unread))}]]"] if unread else ()),
        ]
        st.markdown("  \n".join(lines), width="stretch")
        preview = {"document": document.id}
        st.page_link(DRINKS_PAGE, label=t("documents.open"), icon=":material/visibility:", query_params=preview)
        with st.popover(t("documents.remove"), icon=":material/delete:", type="tertiary", key=f"ask-{document.id}"):
            st.markdown(
                as_plain(t("documents.remove_sure", title=document.title, count=f"{document.passages:,}")), width=320
            )
            st.button(
                t("documents.remove_yes"),
                type="primary",
                key=f"remove-{document.id}",
                on_click=_remove,
                args=(document.id, document.title),
            )


def _remove(document_id: str, title: str) -> None:
    try:
        store.remove(get_services().db, visitor(), document_id)
    except KdrinksError as error:
        st.session_state[REFUSED_KEY] = [as_state(error)]
    else:
        st.session_state[DONE_KEY] = t("documents.removed", title=title)
