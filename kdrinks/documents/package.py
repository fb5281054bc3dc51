"""The parts of an office file: a zip of XML. What it may unpack to is bounded before anything is unpacked."""

import io
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager

from lxml import etree

from kdrinks.documents.chunks import Unreadable

UNPACKED_MAX_BYTES = 200 * 1024 * 1024
"""Of all parts together, as the archive declares them: a text of 1,000 pages takes 10 MB."""
PARTS_MAX = 5_000


class Package:
    """Its parts by name. Raises Unreadable where one is too large, locked or no XML."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        parts = archive.infolist()
        if sum(part.file_size for part in parts) > UNPACKED_MAX_BYTES or len(parts) > PARTS_MAX:
            raise Unreadable("document_too_large", limit=UNPACKED_MAX_BYTES // 1024**2)
        if any(part.flag_bits & 1 for part in parts):
            raise Unreadable("document_encrypted")
        self._archive = archive
        self.names = [part.filename for part in parts]

    def xml(self, name: str) -> "etree._Element | None":
        """The root of a part; None where there is none."""
        if name not in self.names:
            return None
        # depth is bounded by libxml2 itself (256) where huge_tree is off, entities stay as they are: none of ours needs one
        parser = etree.XMLParser(
            resolve_entities=False, no_network=True, huge_tree=False, remove_comments=True, remove_pis=True
        )
        return etree.fromstring(self._archive.read(name), parser)

    def children(self, name: str) -> "list[etree._Element]":
        """What a part holds; nothing where there is no such part."""
        root = self.xml(name)
        return [] if root is None else list(root)


@contextmanager
def opened(content: bytes) -> Iterator[Package]:
    """The errors of a damaged archive or part become Unreadable."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            yield Package(archive)
    except etree.XMLSyntaxError as exc:
        cause = "too many levels" if "depth" in str(exc) else f"XML, line {exc.lineno}"
        raise Unreadable("document_broken", cause=cause) from exc
    except (
        zipfile.BadZipFile,
        zlib.error,
        NotImplementedError,
        EOFError,
        OSError,
        ValueError,
        KeyError,
    ) as exc:
        cause = str(exc).splitlines()[0][:200] if str(exc) else type(exc).__name__
        raise Unreadable("document_broken", cause=cause) from exc


def local(element: "etree._Element") -> str:
    """The name without its namespace: strict and transitional files differ in nothing else."""
    tag = element.tag
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""


def attribute(element: "etree._Element", name: str) -> str:
    return next((str(value) for key, value in element.attrib.items() if str(key).rpartition("}")[2] == name), "")
