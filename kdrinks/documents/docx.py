"""Word documents (.docx) as blocks, by python-docx. Pages are those of the last time Word laid the text out, where it wrote them down."""

import io
import re
import zipfile
from collections.abc import Iterator
from typing import Any

from docx import Document
from docx.opc.exceptions import PackageNotFoundError
from docx.table import Table
from docx.text.paragraph import Paragraph
from docx.text.run import Run
from lxml.etree import XMLSyntaxError

from kdrinks.documents.chunks import Block, Unreadable

UNPACKED_MAX_BYTES = 200 * 1024 * 1024
"""Of all parts together, as the archive declares them: a text of 1,000 pages takes 10 MB."""

_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
"""How an encrypted .docx and an old .doc begin. https://learn.microsoft.com/openspecs/windows_protocols/ms-cfb"""
_HEADING = re.compile(r"(?:heading|제목)\s*(\d)", re.IGNORECASE)


def blocks(content: bytes) -> Iterator[Block]:
    """Paragraphs, headings and table rows in their order. Raises Unreadable."""
    if content.startswith(_OLE):
        raise Unreadable("document_encrypted")
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            if sum(part.file_size for part in archive.infolist()) > UNPACKED_MAX_BYTES:
                raise Unreadable("document_too_large", limit=UNPACKED_MAX_BYTES // 1024**2)
        document = Document(io.BytesIO(content))
        page = 1 if document.element.xpath("//w:lastRenderedPageBreak") else None
        for item in document.iter_inner_content():
            if isinstance(item, Table):
                yield from _rows(item, page)
                continue
            breaks = item.rendered_page_breaks if page is not None else []
            before = bool(breaks) and breaks[0].preceding_paragraph_fragment is None
            if page is not None and before:
                page += 1
            yield Block(_shown(item), _level(item), page)
            if page is not None:
                page += len(breaks) - before
    # a damaged archive or XML; KeyError and ValueError are python-docx's for parts that are missing or of another kind
    except (zipfile.BadZipFile, PackageNotFoundError, XMLSyntaxError, KeyError, ValueError, NotImplementedError) as exc:
        raise Unreadable(
            "document_broken", cause=str(exc).splitlines()[0][:200] if str(exc) else type(exc).__name__
        ) from exc


def _shown(paragraph: Paragraph) -> str:
    """The paragraph's text without runs that are marked hidden."""
    return "".join(
        part.text for part in paragraph.iter_inner_content() if not (isinstance(part, Run) and part.font.hidden)
    )


def _level(paragraph: Paragraph) -> int:
    style: Any = paragraph.style
    while style is not None:
        name = style.name or ""
        if match := _HEADING.match(name):
            return int(match[1]) + 1  # below the title
        if name.lower() in ("title", "제목"):
            return 1
        style = style.base_style
    return 0


def _rows(table: Table, page: int | None) -> Iterator[Block]:
    """A row as `Name: value, ...`, by the cells of the first row; merged cells once."""
    head: list[str] = []
    for row in table.rows:
        cells = list(dict.fromkeys(row.cells))
        texts = [" ".join(_shown(paragraph) for paragraph in cell.paragraphs).strip() for cell in cells]
        if not head and len(table.rows) > 1 and len(texts) > 1 and all(texts):
            head = texts
            continue
        named = len(head) == len(texts)
        labelled = (f"{head[place]}: {text}" if named else text for place, text in enumerate(texts) if text)
        yield Block(", ".join(labelled), 0, page, alone=True)
