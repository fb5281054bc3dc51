"""Korean answers reach st.markdown without strike-outs, stray asterisks, formulas or foreign pictures; names reach it as they are.

What Streamlit makes of it is in test_shown_as_typed.py.
"""

from unittest.mock import patch

import pytest

from kdrinks.drinks import sources
from kdrinks.drinks.problems import is_address
from kdrinks.generation.claims import sentences
from kdrinks.records import Language
from kdrinks.ui import markdown_text
from kdrinks.ui.markdown_text import HAIR_SPACE, as_markdown, as_plain
from kdrinks.ui.marks import web_address


@pytest.mark.parametrize(
    ("written", "sent"),
    [
        ("10~15도, 100~200원", r"10\~15도, 100\~200원"),
        ("값은 $5-$10", r"값은 \$5-\$10"),
        (r"이미 \~ 막은 것", r"이미 \~ 막은 것"),
        ('**"강조"**는 남는다', f'**"강조"**{HAIR_SPACE}는 남는다'),
        ("**막걸리(탁주)**는 술이다", f"**막걸리(탁주)**{HAIR_SPACE}는 술이다"),
        ("이것이**“문배주”**다", f"이것이{HAIR_SPACE}**“문배주”**{HAIR_SPACE}다"),
        ("**막걸리**는 술이다", "**막걸리**는 술이다"),
        ("**(가)** 그리고 **(나)**와", f"**(가)** 그리고 **(나)**{HAIR_SPACE}와"),
        ("* 식혜\n* 수정과", "* 식혜\n* 수정과"),
        ("![술](https://example.org/a.png)", "[술](https://example.org/a.png)"),
        ("좋습니다![1]", r"좋습니다\![1]"),
        (":red[경고]", r"\::small[]red\[경고]"),
        ("한 줄\n다음 줄\n\n문단", "한 줄  \n다음 줄\n\n문단"),
        ("| 가 | 나 |\n|---|---|\n| 1 | 2 |", "| 가 | 나 |\n|---|---|\n| 1 | 2 |"),
        ("|가|나|\n|:-|-:|\n|`x|y`|1\\|2|", "| 가 | 나 |\n|:---|---:|\n| \\`x | y\\` |"),
        ("제목\n===\n글", "# 제목\n\n글"),
        ("3) 가\n4) 나\n   - 다", "3) 가\n4) 나\n   - 다"),
        ("> 인용\n\n***\n", "> 인용\n\n___"),
        ("    들여쓴 글", "```\n들여쓴 글\n```"),
        ("끝 ``a`b`` 끝", "끝 ``a`b`` 끝"),
        (
            "값은 https://a.b/c_d?x=1&y=2를, <http://e.f>도",
            "값은 [https\\::small[]//a.b/c_d?x=1\\&y=2](https://a.b/c_d?x=1&amp;y=2)를, [http\\::small[]//e.f](http://e.f)도",
        ),
        ("[1]: https://a.b\n\n글 [1]", "\\[1]: [https\\::small[]//a.b](https://a.b)\n\n글 [1]"),
    ],
)
def test_answer_keeps_its_meaning(written: str, sent: str) -> None:
    assert as_markdown(written) == sent


def test_code_is_shown_as_written() -> None:
    written = "앞 ~ `a ~ $b` 뒤\n```\n10~15 $x\n![](y)\n```\n끝 ~"
    assert as_markdown(written) == "앞 \\~ `a ~ $b` 뒤\n\n```\n10~15 $x\n![](y)\n```\n\n끝 \\~"


def test_open_emphasis_is_closed_while_the_answer_is_written() -> None:
    assert as_markdown("첫째 **막걸", unfinished=True) == "첫째 **막걸**"
    assert as_markdown("첫째 **막걸리**는", unfinished=True) == "첫째 **막걸리**는"
    assert as_markdown("첫째 **막걸") == r"첫째 \*\*막걸"


def test_a_question_is_shown_as_it_was_typed() -> None:
    assert as_plain("# *식혜* <b>$1~2</b>") == r"\# \*식혜\* \<b\>\$1\~2\</b\>"
    assert as_plain("한 줄\n다음 줄") == "한 줄  \n다음 줄"


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("https://a.b/c?d=e&f=g#h", "https://a.b/c?d=e&amp;f=g#h"),
        ("https://ko.wikipedia.org/wiki/청주_(술)", "https://ko.wikipedia.org/wiki/청주_%28술%29"),
        ("http://a.b/>) ![x](http://c.d)", "http://a.b/%3E%29%20%21%5Bx%5D%28http://c.d%29"),
        ("http://a.b/\\`<", "http://a.b/%5C%60%3C"),
        ("http://a.b/:material/home:", "http://a.b/%3Amaterial/home:"),
        ("http://a.b>/c", ""),
        ("http://[x", ""),
        ("http:///c", ""),
        ("javascript:alert(1)", ""),
        ("data:text/html,x", ""),
        ("file:///etc/passwd", ""),
        ("ftp://a.b", ""),
        ("//a.b", ""),
        ("ht\ttp://a.b", ""),
        ("http://a.b\\@c.d", ""),
        ("", ""),
    ],
)
def test_an_address_of_a_link_ends_where_it_ends_and_leads_to_the_web(written: str, shown: str) -> None:
    assert web_address(written) == shown


@pytest.mark.parametrize("language", ["ko", "en"])
@pytest.mark.parametrize("address", ["http://[x", "책, 1670", "http://a.b/>) ![x](http://c.d/e.png)"])
def test_a_source_that_is_no_address_is_named_all_the_same(address: str, language: Language) -> None:
    assert sources.describe(address, language).title


@pytest.mark.parametrize("end", ["", ">", ")<b>", "`", "[", "]", "\\", "{", '"', " ", "\t", "\x7f"])
def test_a_source_with_what_no_address_holds_is_refused(end: str) -> None:
    assert is_address(f"https://example.org/a{end}") == (not end)
    assert not is_address("http://[example.org")


def test_sentences_in_code_are_no_claims_and_those_beside_it_are() -> None:
    answer = (
        "15도다.\r\n```\n16도다.\n```\n\n- 17도다.\n  ~~~py\n  18도다.\n  ```\n  ~~~\n\n앞 ``` 19도다. ``` 뒤 20도다."
    )
    said = [answer[start:end] for start, end in sentences(answer)]
    assert said == ["15도다.", "17도다.", "앞 ``` 19도다. ``` 뒤 20도다."]


def test_a_long_answer_is_read_once_each_time_that_it_is_drawn() -> None:
    """While it is written it is drawn ten times a second: 22 ms of processor time for 12,600 characters, once."""
    text = '**"막걸리"**는 10~15도이며 `code` $5 ![](x) 입니다.\n' * 300
    with patch.object(markdown_text._READER, "parse", wraps=markdown_text._READER.parse) as read:
        as_markdown(text, unfinished=True)
    assert read.call_count == 1
