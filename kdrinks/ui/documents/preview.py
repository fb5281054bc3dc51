"""One document as the search has it: its passages under their headings with their pages, a word to find, and the one that was cited."""

from collections.abc import Sequence

import streamlit as st

from kdrinks.services import Services
from kdrinks.store import documents as store
from kdrinks.store.documents import Document, DocumentPassage
from kdrinks.text.typed import clean
from kdrinks.ui.documents.view import ICONS, facts, unread_text
from kdrinks.ui.drinks.labels import DRINKS_PAGE
from kdrinks.ui.frame import t, visitor
from kdrinks.ui.markdown_text import as_plain

A_PAGE = 30
"""Passages shown at once; 5,000 would take a browser half a minute."""


def draw(services: Services, document_id: str, at: str) -> None:
    """The page under ?document=ID. at: the number of a passage to show, marked. Raises NotAllowed, StoreError."""
    st.page_link(DRINKS_PAGE, label=t("documents.back"), icon=":material/arrow_back:", query_params={"documents": "1"})
    found = store.listed(services.db, visitor(), document_id=document_id)
    if not document_id or not found:
        st.info(f"**{t('documents.unknown')}**  \n{t('documents.unknown_hint')}", icon=":material/help:")
        return
    document = found[0]
    with st.container(key="document-head", gap=None):
        st.title(as_plain(document.title), anchor=False)
        st.markdown(f":material/{ICONS[document.format]}: :gray[{as_plain(facts(document))}]")
    if unread := store.unread(services.db, visitor()).get(document.id):
        st.warning(as_plain(unread_text(unread)), icon=":material/visibility_off:")
    text = st.text_input(t("documents.find"), icon=":material/search:", key=f"find-{document_id}")
    text = clean(text).strip()
    number = int(at) if at.isdecimal() and len(at) < 7 else 0
    parts = store.parts(services.db, visitor(), document_id)
    if text:
        parts = [part for part in parts if text.casefold() in f"{part.heading} {part.passage.text}".casefold()]
    if not parts:
        st.caption(t("documents.find_none", text=as_plain(text)))
        return
    _draw_parts(document, parts, number)


def _draw_parts(document: Document, parts: Sequence[DocumentPassage], number: int) -> None:
    """A_PAGE of the passages, with the pages to turn; the cited one's page first."""
    pages = -(-len(parts) // A_PAGE)
    place = next((index for index, part in enumerate(parts) if part.number == number), 0)
    page_number = 1
    if pages > 1:
        key = f"turn-{document.id}-{len(parts)}-{number}"
        page_number = st.pagination(pages, default=place // A_PAGE + 1, key=key)
    first = (page_number - 1) * A_PAGE
    on_page = parts[first : first + A_PAGE]
    st.caption(t("documents.shown", first=first + 1, last=first + len(on_page), of=f"{len(parts):,}"))
    heading: str | None = None
    with st.container(key="passages", gap="small"):
        for part in on_page:
            if part.heading != heading:
                heading = part.heading
                if heading:
                    st.markdown(f"##### {as_plain(heading)}")
            _draw_part(document, part, cited=part.number == number)


def _draw_part(document: Document, part: DocumentPassage, *, cited: bool) -> None:
    with st.container(horizontal=True, gap="small", key=f"{'cited' if cited else 'passage'}-{part.number}"):
        place = ""
        if part.page:
            place = t("documents.row" if document.format == "csv" else "documents.page", page=part.page)
        st.markdown(f":small[:gray[{place or part.number}]]", width=52)
        st.markdown(as_plain(part.passage.text), width="stretch")
