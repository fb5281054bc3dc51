"""Seventy Korean documents, each of a kind of its own: what it holds, what it is asked, and what must be told or refused.

Every document that can be read says what a bottle of one drink costs; the drink's name {n} and the price {v} are its own.
"""

from collections.abc import Callable
from dataclasses import dataclass

from tests.support import office_files as office
from tests.support.office_files import docx, hp, hp_table, hwpx, mhtml, para, pdf, run, table

DRINKS = (
    "고래 사슴 두루미 다람쥐 너구리 반딧불 무지개 소나기 번개 은하수 혜성 망원경 나침반 돛단배 등대 방파제 갈매기 펭귄 기린 코끼리 하마 악어 거북 도마뱀 개구리 "
    "메뚜기 잠자리 나비 딱정벌레 거미 지렁이 달팽이 문어 오징어 해파리 불가사리 산호 조약돌 모래성 허수아비 풍차 물수제비 징검다리 오두막 다락방 굴뚝 사다리 빗자루 "
    "우산 장화 목도리 벙거지 단추 바늘 실타래 재봉틀 연필 지우개 색종이 크레파스 피아노 하모니카 바이올린 장구 꽹과리 자전거 기차 잠수함 비행선 우주선 로켓"
).split()
SENTENCE = "{n} 값은 {v}원입니다."
ROWS = (("이름", "도수", "값"), ("이웃술", "9도", "9,900원"), ("{n}", "13도", "{v}원"))


@dataclass(frozen=True, slots=True)
class Document:
    kind: str
    name: str
    content: bytes
    price: str
    """"" where the file must be refused."""
    question: str = ""
    refusal: str = ""
    unread: tuple[str, ...] = ()
    """The kinds of what was not read, which the page must tell."""


_made: list[Document] = []


def _add(kind: str, suffix: str, make: Callable[[Callable[[str], str]], bytes], *unread: str) -> None:
    number = len(_made)
    drink = DRINKS[number]
    price = f"{11_000 + 137 * number:,}"
    content = make(lambda text: text.replace("{n}", drink).replace("{v}", price))
    question = f"{drink} 값은 얼마야?"
    _made.append(Document(kind, f"차림표 {number + 1}.{suffix}", content, price, question, unread=unread))


def _refuse(kind: str, suffix: str, content: bytes, key: str) -> None:
    _made.append(Document(kind, f"{kind}.{suffix}", content, "", refusal=key))


def _damaged(content: bytes) -> bytes:
    """An archive with a part that does not unpack."""
    at = content.index(b"word/document.xml") + 60
    return content[:at] + bytes(200) + content[at + 200 :]


def _docx(kind: str, blocks: Callable[[Callable[[str], str]], str], *unread: str, **parts: str) -> None:
    _add(
        kind,
        "docx",
        lambda f: docx(
            para(f("{n}은 평창에서 빚습니다.")), blocks(f), **{name: f(text) for name, text in parts.items()}
        ),
        *unread,
    )


def _text(kind: str, suffix: str, text: str, encoding: str = "utf-8", *unread: str) -> None:
    _add(kind, suffix, lambda f: f(text).encode(encoding), *unread)


def _price(mark: str) -> Callable[[Callable[[str], str]], str]:
    """A paragraph whose price stands within `mark`, the other words beside it."""
    return lambda f: para(run(f("{n} 한 병은 ")), mark.replace("*", run(f("{v}원"))), run("입니다."))


BOX = "<w:txbxContent>*</w:txbxContent>"
OLD = '<w:del w:id="9"><w:r><w:delText>99,000원</w:delText></w:r></w:del>'
PROPERTIES = "<w:sdtPr><w:showingPlcHdr/></w:sdtPr><w:sdtContent>" + run("77,000원을 누르세요") + "</w:sdtContent>"

_docx("docx: insertion and deletion", _price(f'{OLD}<w:ins w:id="1">*</w:ins>'))
_docx(
    "docx: move",
    _price('<w:moveFrom w:id="2"><w:r><w:t>99,000원</w:t></w:r></w:moveFrom><w:moveTo w:id="3">*</w:moveTo>'),
)
_docx("docx: content control", _price("<w:sdt><w:sdtContent>*</w:sdtContent></w:sdt>"))
_docx(
    "docx: content control around a paragraph",
    lambda f: f"<w:sdt><w:sdtContent>{para(f(SENTENCE))}</w:sdtContent></w:sdt>",
)
_docx("docx: hint of an empty content control", lambda f: para(f"<w:sdt>{PROPERTIES}</w:sdt>") + para(f(SENTENCE)))
_docx("docx: smart tag", _price('<w:smartTag w:element="x">*</w:smartTag>'))
_docx("docx: simple field", _price('<w:fldSimple w:instr="DOCPROPERTY x">*</w:fldSimple>'))
_docx(
    "docx: field of many runs",
    _price(
        '<w:r><w:fldChar w:fldCharType="begin"/></w:r><w:r><w:instrText>DOCPROPERTY 99</w:instrText></w:r>'
        '<w:r><w:fldChar w:fldCharType="separate"/></w:r>*<w:r><w:fldChar w:fldCharType="end"/></w:r>'
    ),
)
_docx("docx: link", _price('<w:hyperlink w:anchor="x">*</w:hyperlink>'))
_docx(
    "docx: custom XML within an insertion", _price('<w:ins w:id="4"><w:customXml w:element="x">*</w:customXml></w:ins>')
)
_docx(
    "docx: text box, for newer and older Word",
    lambda f: para(
        "<w:r><mc:AlternateContent><mc:Choice Requires='wps'><w:drawing><wps:txbx>"
        + BOX.replace("*", para(f(SENTENCE)))
        + "</wps:txbx></w:drawing></mc:Choice><mc:Fallback><w:pict><v:textbox>"
        + BOX.replace("*", para(f(SENTENCE)))
        + "</v:textbox></w:pict></mc:Fallback></mc:AlternateContent></w:r>"
    ),
)
_docx(
    "docx: old text box",
    lambda f: para(f"<w:r><w:pict><v:textbox>{BOX.replace('*', para(f(SENTENCE)))}</v:textbox></w:pict></w:r>"),
)
_docx("docx: table", lambda f: table(*[[f(cell) for cell in row] for row in ROWS]))
_docx(
    "docx: nested table",
    lambda f: table(("구분", "내용"), ("술", f"{para('차림')}{table(*[[f(cell) for cell in row] for row in ROWS])}")),
)
_docx(
    "docx: merged cells",
    lambda f: table(
        ("이름", "크기", "값"),
        (f'<w:tcPr><w:vMerge w:val="restart"/></w:tcPr>{para(f("{n}"))}', "잔", "3,000원"),
        (f"<w:tcPr><w:vMerge/></w:tcPr>{para('')}", "한 병", f("{v}원")),
    ),
)
_docx(
    "docx: rows in a content control",
    lambda f: (
        "<w:tbl><w:sdt><w:sdtContent>"
        + table(*[[f(c) for c in row] for row in ROWS])[7:-8]
        + "</w:sdtContent></w:sdt></w:tbl>"
    ),
)
_docx(
    "docx: footnote",
    lambda f: para("값은 각주에 있습니다.", '<w:r><w:footnoteReference w:id="2"/></w:r>'),
    footnotes=f'<w:footnote w:id="0" w:type="separator"><w:p/></w:footnote><w:footnote w:id="2">{para(SENTENCE)}</w:footnote>',
)
_docx(
    "docx: endnote",
    lambda f: para("값은 미주에 있습니다.", '<w:r><w:endnoteReference w:id="3"/></w:r>'),
    endnotes=f'<w:endnote w:id="3">{para(SENTENCE)}</w:endnote>',
)
_docx("docx: footer", lambda f: para("차림표입니다."), footer=para(SENTENCE))
_docx(
    "docx: everything a heading",
    lambda f: (
        para("차림표", style="1") + para(f("{n} 한 병: {v}원"), style="2") + para("문의: 033-000-0000", style="2")
    ),
)
_docx(
    "docx: picture and comment",
    lambda f: para(f(SENTENCE)) + para("<w:r><w:drawing><pic:pic/></w:drawing></w:r>"),
    "pictures",
    "comments",
    comments=f'<w:comment w:id="0">{para("확인")}</w:comment>',
)
_docx("docx: hidden text", lambda f: para(f(SENTENCE), run("{n} 한 병은 1원입니다.", "<w:vanish/>")), "hidden")
_add("docx: strict", "docx", lambda f: docx(para(f(SENTENCE)), namespace=office.STRICT))

_add("hwpx: paragraphs", "hwpx", lambda f: hwpx(hp("차림표", 1), hp(f(SENTENCE))))
_add(
    "hwpx: table with merged cells",
    "hwpx",
    lambda f: hwpx(hp_table(("이름", "크기", "값"), ((f("{n}"), 2, 1), "잔", "3,000원"), ("한 병", f("{v}원")))),
)
_add(
    "hwpx: footnote and text box",
    "hwpx",
    lambda f: hwpx(
        hp(
            f"<hp:t>차림표</hp:t><hp:rect><hp:drawText><hp:subList>{hp(f(SENTENCE))}</hp:subList></hp:drawText></hp:rect>"
        ),
        hp("<hp:pic/>"),
    ),
    "pictures",
)
_add(
    "hwpx: tracked deletion",
    "hwpx",
    lambda f: hwpx(hp(f("<hp:t>{n} 한 병은 <hp:deleteBegin/>99,000원<hp:deleteEnd/>{v}원입니다.</hp:t>"))),
)
_add("hwpx: called .hwp", "hwp", lambda f: hwpx(hp(f(SENTENCE))))

PAGE = "<html><head>{c}<title>x</title></head><body><p>" + SENTENCE + "</p></body></html>"
ROWSPAN = "<table><tr><th>이름<th>크기<th>값<tr><td rowspan=2>{n}<td>잔<td>3,000원<tr><td>한 병<td>{v}원</table>"


def _page(kind: str, charset: str, encoding: str) -> None:
    _text(kind, "html", PAGE.replace("{c}", f'<meta charset="{charset}">'), encoding)


_page("html: UTF-8 that says EUC-KR", "euc-kr", "utf-8")
_page("html: CP949 that says UTF-8", "utf-8", "cp949")
_page("html: CP949 that says KS C 5601", "ks_c_5601-1987", "cp949")
_text(
    "html: EUC-KR with a syllable of CP949",
    "html",
    PAGE.replace("{c}", '<meta http-equiv="Content-Type" content="text/html; charset=euc-kr">').replace(
        "한 병은", "똠방 아저씨네 한 병은"
    ),
    "cp949",
)
_page("html: UTF-16", "utf-16", "utf-16")
_text(
    "html: a page in a form",
    "htm",
    "<form id=f><div><h1>차림표</h1><p>" + SENTENCE + "</p><input value=x></div></form>",
)
_text(
    "html: faded in",
    "html",
    "<div style='opacity:0;transition:opacity 1s'><p>"
    + SENTENCE
    + "</p></div><p>여기까지 읽어 주셔서 고맙습니다. 다음에 또 뵙겠습니다. 안녕히 가세요.</p>",
)
_text(
    "html: hidden whole until a script shows it",
    "html",
    "<body style='display:none'><div aria-hidden=true><p>" + SENTENCE + "</p></div></body>",
)
_text(
    "html: hidden order",
    "html",
    "<p>" + SENTENCE + "</p><p style='display:none'>{n} 한 병은 1원입니다.</p><img src=a>",
    "utf-8",
    "hidden",
    "pictures",
)
_text("html: rowspan", "html", ROWSPAN)
_text(
    "html: two rows of heads",
    "html",
    "<table><tr><th rowspan=2>이름<th colspan=2>값<tr><th>한 잔<th>한 병<tr><td>{n}<td>3,000원<td>{v}원</table>",
)
_text(
    "html: names beside their values",
    "html",
    "<table><tr><th>이름<td>{n}<tr><th>한 병 값<td>{n} 한 병 {v}원<tr><th>도수<td>13도</table>",
)
_text("html: definition list", "html", "<dl><dt>이웃술 한 병<dd>9,900원<dt>{n} 한 병<dd>{v}원</dl>")
_text(
    "html: table that places things",
    "html",
    "<table><tr><td><h2>차림표</h2><p>" + SENTENCE + "</p><td><p>오시는 길</p></table>",
)
_text("html: deleted price", "html", "<p>{n} 한 병은 <del>99,000원</del> <ins>{v}원</ins>입니다.</p>")
_add("mhtml: quoted-printable", "mhtml", lambda f: mhtml(f(PAGE.replace("{c}", "")).encode()))
_add(
    "mhtml: CP949 in Base64",
    "mht",
    lambda f: mhtml(f(PAGE.replace("{c}", "")).encode("cp949"), "ks_c_5601-1987", "base64"),
)

COLUMNS = (
    ("{n}은 찹쌀과 솔잎으로 빚는", "이웃술은 보리쌀로 빚는"),
    ("약주입니다. {n} 한 병은", "탁주입니다. 이웃술은 봄에만"),
    ("{v}원이고 가을에만 나옵니다.", "나오며 한 병에 구천 원입니다."),
)


def _placed(
    f: Callable[[str], str], rows: tuple[tuple[str, ...], ...], *, by_column: bool = False, step: int = 18
) -> list[tuple[int, int, str]]:
    width = 460 // len(rows[0])
    placed = [(60 + width * x, 780 - step * y, f(text)) for y, row in enumerate(rows) for x, text in enumerate(row)]
    return sorted(placed, key=lambda one: (one[0], -one[1])) if by_column else placed


_add("pdf: columns drawn line by line", "pdf", lambda f: pdf(_placed(f, COLUMNS)))
_add(
    "pdf: columns under a title",
    "pdf",
    lambda f: pdf(
        [(60, 810, "평창 양조장들의 가을 소식을 한데 모아 전합니다. 두 단으로 싣습니다."), *_placed(f, COLUMNS)]
    ),
)
_add("pdf: table drawn row by row", "pdf", lambda f: pdf(_placed(f, ROWS)))
_add("pdf: table drawn column by column", "pdf", lambda f: pdf(_placed(f, ROWS, by_column=True)))
_add(
    "pdf: page turned by a quarter",
    "pdf",
    lambda f: pdf([(100, 60, f(SENTENCE)), (120, 60, "평창에서 빚습니다.")], matrix="0 1 -1 0"),
)
_add(
    "pdf: a page that is a scan",
    "pdf",
    lambda f: pdf([(60, 780, f(SENTENCE))], [], extra="q 300 0 0 300 60 100 cm /I Do Q"),
    "pages_without_text",
    "pictures",
)

_text(
    "csv: semicolons beside commas",
    "csv",
    "이름;도수;재료;값\n이웃술;9도;['쌀', '누룩'];9,900원\n{n};13도;['쌀', '누룩', '솔잎'];{v}원\n",
)
_text("csv: sep=", "csv", "\ufeffsep=;\n이름;값\n{n};{v}원\n")
_text("csv: a column without a name", "csv", ',이름,값\n1,이웃술,9900원\n2,{n},"{v}원"\n')
_text("csv: years for names", "csv", '이름,2024년,2025년\n이웃술,9900,9900\n{n},"{v}","99,000"\n')
_text(
    "csv: title over the names", "csv", '2026년 가을 시음회,,\n,,\n이름,도수,값\n이웃술,9도,9900원\n{n},13도,"{v}원"\n'
)
_text("csv: tabs, as UTF-16", "tsv", "이름\t값\n이웃술\t9,900원\n{n}\t{v}원\n", "utf-16")
_text("csv: a quote that nothing closes", "csv", '이름|비고|값\n이웃술|"큰 병|9900원\n{n}|작은 병|{v}원\n')

_text("txt: short lines", "txt", "장보기\n\n{n} 한 병 {v}원\n\n누룩 한 덩이\n\n솔잎 조금\n")
_text(
    "txt: names with values",
    "txt",
    "{n} 소개\n\n{n}은 평창에서 빚는 약주입니다. 가을에만 나옵니다.\n\n도수: 13도\n\n값: {v}원\n\n문의: 033-000-0000\n",
)
_text("txt: CP949", "txt", SENTENCE + " 평창에서 빚습니다.", "cp949")
_text("txt: UTF-16 without its mark", "txt", SENTENCE + "\n평창에서 빚습니다.\n", "utf-16-le")
_add(
    "txt: one damaged byte",
    "txt",
    lambda f: f(SENTENCE).encode() + b" \xff " + f("평창에서 빚는 약주입니다. 가을에만 나옵니다.").encode(),
    "letters",
)
_text("md: heading alone", "md", "# {n} 한 병은 {v}원입니다\n")
_text(
    "md: footnote of one word",
    "md",
    "# 차림표\n\n{n} 값[^1]은 각주에 있습니다.\n\n[^1]: {v}원입니다\n",
)
_text(
    "md: table and picture",
    "md",
    "| 이름 | 값 |\n|---|---|\n| 이웃술 | 9,900원 |\n| {n} | {v}원 |\n\n![병](a.png)\n",
    "utf-8",
    "pictures",
)

_text("html: tables within tables", "html", "<table><tr><td>" * 30 + "<p>" + SENTENCE + "</p>")
_refuse(
    "pdf that tells no letters",
    "pdf",
    pdf([(60, 780, "달맞이 술은 도수가 십삼 도입니다.")], ordering="Identity"),
    "document_untold_letters",
)
_refuse("scan", "pdf", pdf([], extra="q 500 0 0 700 40 40 cm /I Do Q"), "document_no_text")
_refuse("old hwp", "hwp", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(2_000), "document_old_hwp")
_refuse("old doc", "doc", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(2_000), "document_old_word")
_refuse(
    "locked hwpx",
    "hwpx",
    office.zipped({"META-INF/manifest.xml": "<m><encryption-data/></m>", "Contents/section0.xml": "<s/>"}),
    "document_encrypted",
)
_refuse(
    "thousands of columns",
    "csv",
    ",".join(f"열{n}" for n in range(3_000)).encode() + b"\n" + b"1," * 2_999 + b"1",
    "document_too_wide",
)
_refuse(
    "deep Word file",
    "docx",
    docx("<w:sdt><w:sdtContent>" * 200 + para("깊다") + "</w:sdtContent></w:sdt>" * 200),
    "document_broken",
)
_refuse(
    "Word file damaged within",
    "docx",
    _damaged(docx(*[para(f"{number}번째 글") for number in range(500)])),
    "document_broken",
)
_refuse(
    "thousands of merged cells",
    "html",
    b"<table>" + b"<tr><td rowspan=9999 colspan=400><td>" * 600 + b"</table>",
    "document_too_wide",
)
_refuse("deep tables", "html", b"<table><tr><td>" * 3_000 + "깊다".encode(), "document_broken")
_refuse("Word file without its text", "docx", office.zipped({"a.txt": "x"}), "document_broken")
_refuse(
    "entities",
    "docx",
    office.zipped(
        {
            "word/document.xml": '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><w:document xmlns:w="%s"><w:body><w:p><w:r><w:t>&x;</w:t></w:r></w:p></w:body></w:document>'.replace(
                "%s", office.W
            )
        }
    ),
    "document_empty",
)
_refuse("bytes of no language", "txt", bytes(range(128, 256)) * 20, "document_no_text_file")

DOCUMENTS = tuple(_made)
