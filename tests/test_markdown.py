"""Korean answers reach st.markdown without strike-outs, stray asterisks, formulas or foreign pictures."""

import time

import pytest

from kdrinks.ui.markdown_text import HAIR_SPACE, as_markdown, as_plain


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


def test_ten_thousand_characters_are_quick_enough_to_send_ten_times_a_second() -> None:
    text = '**"막걸리"**는 10~15도이며 `code` $5 ![](x) 입니다.\n' * 300
    start = time.perf_counter()
    as_markdown(text, unfinished=True)
    assert time.perf_counter() - start < 0.1
