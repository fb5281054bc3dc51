"""Texts that a reader of Markdown changes, and answers that try to make a browser ask somebody: kinds of them in every position."""

import random
from collections.abc import Iterator

FOREIGN = "http://evil.example"

MARKS = (
    # addresses
    "https://example.org/a_b/c-d?e=f&copy=g#h_i(j)",
    "http://x.y/~z",
    "www.example.org",
    "name@example.org",
    "mailto:a@b.co",
    "ftp://a.b/c",
    "<https://example.org>",
    "[여기](https://example.org)",
    "[1]: https://example.org",
    "C:\\Users\\나\\글.txt",
    # what Streamlit replaces
    "->",
    "<-",
    "<->",
    "--",
    "-->",
    ">=",
    "<=",
    "~=",
    ":red[빨강]",
    "p{color:red;}",
    ":small",
    ":help",
    ":gray-badge[x]",
    ":color[x]{foreground=red}",
    ":막걸리[x]",
    ":🍶[x]",
    ":1[x]",
    ":shimmer[x]",
    ":beer:",
    ":+1:",
    ":100:",
    ":material/delete:",
    ":material/home",
    ":streamlit:",
    "::note[x]",
    ":::",
    "10:30:45",
    # GitHub's Markdown
    "**굵게**",
    "*x*",
    "__init__",
    "snake_case_name",
    "~~줄~~",
    "10~15도 20~30도",
    "`코드`",
    "```",
    "~~~",
    "$5 $10",
    "$$x$$",
    "<b>x</b>",
    "<!-- x -->",
    "&amp; &lt; &#33;",
    "\\*",
    "\\\\",
    "![그림](https://example.org/a.png)",
    "[^1]",
    "[ ] 할 일",
    "===",
    "---",
    "***",
    "# 제목",
    "> 인용",
    "- 항목",
    "+ 항목",
    "1. 항목",
    "2) 항목",
    "| 가 | 나 |",
    ":-:|-:",
    "_",
    "#",
    "=",
    ":",
)
PLACES = (
    "{}",
    "앞 {} 뒤",
    "앞{}뒤",
    "{}\n===",
    "첫 줄\n{}",
    "첫 줄\n{}\n셋째 줄",
    "첫 문단\n\n    {}",
    "첫 문단\n\n\t{}",
    "({}) “{}”",
    "{}{}",
    "{}: {}",
    "- {}\n- {}",
    "a\n-|-\n{}",
)


def typed() -> list[str]:
    """More than a thousand texts as people type them: every mark in every place, and marks thrown together."""
    texts = [place.replace("{}", mark) for mark in MARKS for place in PLACES]
    pick = random.Random(16)
    between = ("", " ", "\n", "\n\n", "막걸리", "a")
    while len(texts) < 1050:
        texts.append("".join(pick.choice(MARKS) + pick.choice(between) for _ in range(pick.randint(2, 6))).strip())
    return list(dict.fromkeys(texts))


_PICTURE = f"![x]({FOREIGN}/p.png)"
_AROUND_A_PICTURE = (
    *("{}", "\\{}", "\\\\{}", "!{}", "a ``` {}", "a ` {}\n\n`b", "`a\n\n{}`", "- `a\n- {}`", "> `a\n{}`", "# `a\n{}`"),
    *(
        "`a\n***\n{}`",
        "|`a|{}`|\n|-|-|\n",
        "| a |\n|---|\n| `x\\|` {} |",
        "\\`{}\\`",
        "``` {} ```",
        "~~~ {}\n",
        "{}\n===",
    ),
    *(
        "```{}\nx\n```",
        "````\nx\n```\n{}\n````\n",
        "- ```\n  x\n{}\n```",
        "> ```\n> x\n{}\n```",
        "[a`](http://b`c) {} `",
    ),
    *("    {}", "\t{}", "   {}", "a\n    {}", "$${}$$", "$`{}`$", ":red[{}]", ":small[{}]", "<b>{}</b>", "<!-- {} -->"),
    *(
        "<div>\n{}\n</div>",
        "**{}**",
        "[{}](https://a.b)",
        "[^1]\n\n[^1]: {}",
        ":::x\n{}\n:::",
        "::x[{}]",
        "1. {}",
        "- [ ] {}",
    ),
    *("a\\\n{}", "a\r{}", "a\x0b{}", "a\x0c{}", "a\u2028{}", "a\x85{}", "a\x00{}", "\u00a0{}", "\u200b{}", "\ufeff{}"),
)
_REFERENCES = (
    *("![foo]\n\n[foo]: {}", "![foo][]\n\n[foo]: {}", "![a][foo]\n\n[foo]: {}", "\\![foo]\n\n[foo]: {}"),
    *("[foo]: {}\n\n![FOO]", "> [foo]: {}\n\n![foo]", "[1]: {}\n\n![1]", "[1]:\n{}\n\n[1] ![1][1]"),
    *(
        "&#33;[x]({})",
        "&excl;&lbrack;x&rbrack;({})",
        "!&#91;x]({})",
        "!**[x]({})**",
        "![x](<{}>)",
        '![x]({} "t")',
        "![]({})",
    ),
)
_BLOCKS = (
    *(
        "```mermaid\n{}\n```",
        "~~~mermaid\n{}\n~~~",
        "``` Mermaid x\n{}\n```",
        "```&#109;ermaid\n{}\n```",
        "```mermaid-x\n{}\n```",
    ),
    *(
        "```x-mermaid\n{}\n```",
        "```mermaid\n{}",
        "```\\mermaid\n{}\n```",
        "> ```mermaid\n> {}\n> ```",
        "- ```mermaid\n  {}\n  ```",
    ),
)
_DIAGRAMS = (
    f"graph TD; A[<img src='{FOREIGN}/m.png'>]",
    f"flowchart LR; A@{{ img: '{FOREIGN}/m.png', w: 60, h: 60 }}",
)
_SCHEMES = (
    *("data:text/html,<b>x", "data:image/png;base64,iVBORw0KGgo=", "javascript:alert(1)", "JaVaScRiPt:alert(1)"),
    *(
        "java&#115;cript:alert(1)",
        "vbscript:x",
        "file:///etc/passwd",
        "ftp://evil.example/x",
        "blob:http://x/y",
        "//evil.example/x",
    ),
    *(
        "/media/x",
        "x",
        "#x",
        "about:blank",
        "mailto:a@b.co",
        "tel:1",
        "\x01javascript:x",
        "ws://evil.example",
        "http:evil.example",
    ),
)
_LINKS = ("[x]({})", "[x](<{}>)", "<{}>", "![x]({})", "[x][r]\n\n[r]: {}", "{}")
_ELEMENTS = (
    *("<img src={}>", "<svg><image href='{}'/></svg>", "<iframe src={}></iframe>", "<link rel=stylesheet href={}>"),
    *(
        "<style>@import '{}'</style>",
        "<script src={}></script>",
        "<video poster={}></video>",
        "<object data={}></object>",
    ),
    *(
        "<meta http-equiv=refresh content='0;url={}'>",
        "<body background={}>",
        "<div style=\"background:url('{}')\">x</div>",
    ),
    *("<input type=image src={}>", "<base href={}>", "`<img src={}>", "    <img src={}>", "<b\n><img src={}>"),
)
_FORMULAS = (
    *(
        "$\\includegraphics{{}}$",
        "$$\\includegraphics{{}}$$",
        "```math\n\\includegraphics{{}}\n```",
        "`$\\includegraphics{{}}$`",
    ),
    *(
        "$\\htmlStyle{background:url({})}{x}$",
        "$\\href{{}}{x}$",
        ':color[x]{foreground="url({})"}',
        ':red[x]{style="background:url({})"}',
    ),
)


def attacks() -> list[str]:
    """More than two hundred answers that would fetch something, or lead elsewhere than to a page, where one mark of theirs is believed."""

    def filled() -> Iterator[str]:
        for form in _AROUND_A_PICTURE:
            yield form.replace("{}", _PICTURE)
        for form in (*_REFERENCES, *_ELEMENTS, *_FORMULAS):
            yield form.replace("{}", f"{FOREIGN}/r.png")
        for form in _BLOCKS:
            yield from (form.replace("{}", diagram) for diagram in _DIAGRAMS)
        for form in _LINKS:
            yield from (form.replace("{}", address) for address in _SCHEMES)

    return list(dict.fromkeys(filled()))
