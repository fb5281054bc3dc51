"""Small files of every kind, written by hand so that each holds exactly the construct that a test is about."""

import io
import zipfile
from collections.abc import Mapping, Sequence
from email.message import EmailMessage
from xml.sax.saxutils import escape

W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
STRICT = "http://purl.oclc.org/ooxml/wordprocessingml/main"
RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
OTHERS = (
    'xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006" xmlns:v="urn:schemas-microsoft-com:vml" '
    'xmlns:wps="http://schemas.microsoft.com/office/word/2010/wordprocessingShape" '
    'xmlns:pic="http://schemas.openxmlformats.org/drawingml/2006/picture" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships" '
    'xmlns:m="http://schemas.openxmlformats.org/officeDocument/2006/math"'
)
STYLES = "".join(
    f'<w:style w:type="paragraph" w:styleId="{number}"><w:name w:val="heading {number}"/></w:style>'
    for number in (1, 2)
)


def zipped(parts: Mapping[str, str]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in parts.items():
            archive.writestr(name, text)
    return out.getvalue()


def run(text: str, properties: str = "") -> str:
    marks = f"<w:rPr>{properties}</w:rPr>" if properties else ""
    return f'<w:r>{marks}<w:t xml:space="preserve">{escape(text)}</w:t></w:r>'


def para(*runs: str, style: str = "") -> str:
    named = f'<w:pPr><w:pStyle w:val="{style}"/></w:pPr>' if style else ""
    inner = "".join(one if one.startswith("<") else run(one) for one in runs)
    return f"<w:p>{named}{inner}</w:p>"


def table(*rows: Sequence[str]) -> str:
    """Cells as text or, where they begin with <, as the inside of w:tc."""
    cells = ("".join(f"<w:tc>{cell if cell.startswith('<') else para(cell)}</w:tc>" for cell in row) for row in rows)
    return f"<w:tbl>{''.join(f'<w:tr>{row}</w:tr>' for row in cells)}</w:tbl>"


def docx(*blocks: str, namespace: str = W, **parts: str) -> bytes:
    """parts: footnotes, endnotes, comments, header, footer, each the inside of its root."""
    base = RELATIONS if namespace == W else "http://purl.oclc.org/ooxml/officeDocument/relationships"
    roots = {"header": "hdr", "footer": "ftr"}
    files = {
        "_rels/.rels": f'<Relationships><Relationship Id="a" Type="{base}/officeDocument" Target="word/document.xml"/></Relationships>',
        "word/document.xml": f'<w:document xmlns:w="{namespace}" {OTHERS}><w:body>{"".join(blocks)}</w:body></w:document>',
        "word/styles.xml": f'<w:styles xmlns:w="{namespace}">{STYLES}</w:styles>',
    }
    named = {"styles": "", **parts}
    for name, inside in parts.items():
        root = roots.get(name, name)
        files[f"word/{name}.xml"] = f'<w:{root} xmlns:w="{namespace}" {OTHERS}>{inside}</w:{root}>'
    links = "".join(
        f'<Relationship Id="r{n}" Type="{base}/{name}" Target="{name}.xml"/>' for n, name in enumerate(named)
    )
    files["word/_rels/document.xml.rels"] = f"<Relationships>{links}</Relationships>"
    return zipped(files)


HP = 'xmlns:hp="http://www.hancom.co.kr/hwpml/2011/paragraph" xmlns:hs="http://www.hancom.co.kr/hwpml/2011/section" xmlns:hh="http://www.hancom.co.kr/hwpml/2011/head"'


def hp(text: str, style: int = 0) -> str:
    """A paragraph; text that begins with < stands as it is within its run."""
    inside = text if text.startswith("<") else f"<hp:t>{escape(text)}</hp:t>"
    return f'<hp:p styleIDRef="{style}"><hp:run>{inside}</hp:run></hp:p>'


def hp_table(*rows: Sequence[str | tuple[str, int, int]]) -> str:
    """Cells as text, or (text, rows, columns) of a merged one."""
    drawn = []
    for row in rows:
        cells = [(cell, 1, 1) if isinstance(cell, str) else cell for cell in row]
        drawn.append(
            "".join(
                f'<hp:tc><hp:subList>{hp(text)}</hp:subList><hp:cellSpan colSpan="{wide}" rowSpan="{tall}"/></hp:tc>'
                for text, tall, wide in cells
            )
        )
    return hp(f"<hp:tbl>{''.join(f'<hp:tr>{row}</hp:tr>' for row in drawn)}</hp:tbl>")


def hwpx(*paragraphs: str) -> bytes:
    return zipped(
        {
            "mimetype": "application/hwp+zip",
            "Contents/header.xml": f'<hh:head {HP}><hh:styles><hh:style id="0" name="바탕글"/><hh:style id="1" name="개요 1"/></hh:styles></hh:head>',
            "Contents/section0.xml": f"<hs:sec {HP}>{''.join(paragraphs)}</hs:sec>",
        }
    )


def mhtml(page: bytes, charset: str = "utf-8", encoding: str = "quoted-printable") -> bytes:
    """As Chromium and Word save a page with its pictures."""
    message = EmailMessage()
    message["Subject"] = "=?utf-8?B?7Iig?="
    message["Snapshot-Content-Location"] = "http://example.test/"
    message.set_content("x")
    message.make_related()
    (first,) = message.iter_parts()
    first.set_content(page, "text", "html", cte=encoding)
    first.set_param("charset", charset)
    message.add_related(b"GIF89a", "image", "gif", cid="<a>")
    return message.as_bytes()


def pdf(
    *pages: Sequence[tuple[int, int, str]],
    size: int = 11,
    ordering: str = "Korea1",
    matrix: str = "1 0 0 1",
    extra: str = "",
) -> bytes:
    """Pages of (x, y, text) in the order in which they are drawn. ordering: Identity is a font that tells no letters.

    matrix: turns the letters.   extra: drawn on each page, before the text.
    """
    known = ordering == "Korea1"
    encoding = "UniKS-UCS2-H" if known else "Identity-H"
    objects = [
        "<< /Type /Catalog /Pages 2 0 R >>",
        "",
        f"<< /Type /Font /Subtype /Type0 /BaseFont /HYSMyeongJo-Medium /Encoding /{encoding} /DescendantFonts [4 0 R] >>",
        "<< /Type /Font /Subtype /CIDFontType2 /BaseFont /HYSMyeongJo-Medium /DW 1000 "
        f"/CIDSystemInfo << /Registry (Adobe) /Ordering ({ordering}) /Supplement 1 >> /FontDescriptor 5 0 R >>",
        "<< /Type /FontDescriptor /FontName /HYSMyeongJo-Medium /Flags 6 /FontBBox [0 -148 1001 880] /ItalicAngle 0 /Ascent 752 "
        "/Descent -271 /CapHeight 737 /StemV 58 >>",
        "<< /Type /XObject /Subtype /Image /Width 1 /Height 1 /ColorSpace /DeviceGray /BitsPerComponent 8 /Length 1 >> stream\n0\nendstream",
    ]
    numbers = []
    for page in pages:
        drawn = [extra] if extra else []
        for x, y, text in page:
            code = (
                text.encode("utf-16-be") if known else bytes(b for c in text for b in divmod(ord(c) % 1500 + 300, 256))
            )
            drawn.append(f"BT /F1 {size} Tf {matrix} {x} {y} Tm <{code.hex()}> Tj ET")
        stream = "\n".join(drawn)
        objects.append(f"<< /Length {len(stream)} >> stream\n{stream}\nendstream")
        objects.append(
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents {len(objects)} 0 R "
            "/Resources << /Font << /F1 3 0 R >> /XObject << /I 6 0 R >> >> >>"
        )
        numbers.append(len(objects))
    objects[1] = f"<< /Type /Pages /Count {len(numbers)} /Kids [{' '.join(f'{n} 0 R' for n in numbers)}] >>"
    out, places = "%PDF-1.4\n", []
    for number, body in enumerate(objects, 1):
        places.append(len(out))
        out += f"{number} 0 obj\n{body}\nendobj\n"
    table_of = "".join(f"{place:010d} 00000 n \n" for place in places)
    end = f"trailer << /Size {len(objects) + 1} /Root 1 0 R >>\nstartxref\n{len(out)}\n%%EOF\n"
    return (out + f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n{table_of}{end}").encode("latin-1")
