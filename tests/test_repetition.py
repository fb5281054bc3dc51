"""An answer that goes round in a circle is ended and cut back; what repeats for a reason is left alone."""

import json
import re
from collections.abc import Iterator
from importlib import resources
from pathlib import Path
from typing import Any

import pytest

from kdrinks.config import ROOT
from kdrinks.engine.repetition import Repetition

LOOPS = Path(__file__).parent / "data" / "loops.jsonl"


def cut(text: str, step: int = 3) -> str | None:
    """What is left of a text that comes in pieces of `step` characters; None when no loop is found in it."""
    repetition = Repetition()
    for end in range(step, len(text) + step, step):
        if loop := repetition.feed(text[end - step : end]):
            return text[: min(end, len(text)) - loop]
    return None


@pytest.mark.parametrize(
    ("begin", "piece", "left"),
    [
        ("이 술은 ", "이강주, ", "이 술은 이강주"),
        (
            "식혜는 답니다. ",
            "이강주는 배와 생강으로 빚은 술입니다. ",
            "식혜는 답니다. 이강주는 배와 생강으로 빚은 술입니다.",
        ),
        ("It is old. ", "The answer is: yes, it is. [1] ", "It is old. The answer is: yes, it is. [1]"),
        (
            "막걸리는 달고 ",
            "시원합니다 [1]. 그리고 참 좋은 술이라 자주 마시고 ",
            "막걸리는 달고 시원합니다 [1]. 그리고 참 좋은 술이라 자주 마시고 시원합니다 [1].",
        ),
        (
            "It is ",
            "a good drink (really). And it is also sweet, so it is ",
            "It is a good drink (really). And it is also sweet, so it is a good drink (really).",
        ),
        ("", "ㅋ", "ㅋ"),
        ("Steps:\n", "- Boil the rice.\n- Wait.\n", "Steps:\n- Boil the rice.\n- Wait."),
        (
            "A. ",
            "A very long sentence that a small model has learned by heart and says again, word by word, because nothing stops it. ",
            "A. A very long sentence that a small model has learned by heart and says again, word by word, because nothing stops it.",
        ),
    ],
)
@pytest.mark.parametrize("step", [1, 3, 50])
def test_a_loop_is_cut_back_to_what_was_said_once(begin: str, piece: str, left: str, step: int) -> None:
    assert cut(begin + piece * 80, step) == left


def test_a_loop_that_counts_is_one() -> None:
    text = "".join(f"[{number}] 안동소주는 안동에서 빚은 소주입니다.\n" for number in range(1, 60))
    assert cut(text) == "[1] 안동소주는 안동에서 빚은 소주입니다."


RECORDS = [json.loads(line) for line in LOOPS.read_text(encoding="utf-8").splitlines()]


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: record["id"])
def test_loops_of_real_models_are_ended_and_nothing_new_is_lost(record: dict[str, Any]) -> None:
    left = cut(record["text"])
    if not record["loops"]:
        assert left is None
        return
    assert left is not None and len(left) < len(record["text"])
    said, kept = ({re.sub(r"\d+", "0", line.strip()) for line in text.splitlines()} for text in (record["text"], left))
    # each line that was said is still there, but for the last one, which the limit of tokens cut
    new = {line for line in said if not any(line in one or one in line for one in kept)}
    assert len(new) <= 1, new


def texts(value: Any) -> Iterator[str]:
    """All texts in a record but addresses, which no answer says; a list of them as one text, as a recipe stands in an answer."""
    if isinstance(value, str):
        yield "" if value.startswith("http") else value
    elif isinstance(value, dict):
        for one in value.values():
            yield from texts(one)
    elif isinstance(value, list):
        yield "\n".join(f"{number}. {' '.join(texts(part))}" for number, part in enumerate(value, 1))


def test_no_text_of_the_notes_is_taken_for_a_loop() -> None:
    seen = 0
    for name in ("drinks", "details", "topics", "beliefs"):
        for line in (
            resources.files("kdrinks").joinpath("data", f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
        ):
            text = "\n".join(texts(json.loads(line)))
            seen += len(text)
            assert cut(text, 24) is None, text
    for path in (ROOT / "models" / "sixty_answers.md", ROOT / "README.md", ROOT / "docs" / "search.md"):
        assert cut(path.read_text(encoding="utf-8"), 24) is None, path
    assert seen > 500_000


@pytest.mark.parametrize(
    "text",
    [
        "아리랑 아리랑 아라리요 아리랑 고개로 넘어간다\n나를 버리고 가시는 님은 십 리도 못 가서 발병 난다\n" * 2,
        "산에는 꽃 피네 꽃이 피네 갈 봄 여름 없이 꽃이 피네 산에 산에 피는 꽃은 저만치 혼자서 피어 있네",
        "Row, row, row your boat, gently down the stream. Merrily, merrily, merrily, merrily, life is but a dream.",
        "하루에 한 번 저어 줍니다. 이튿날 한 번 저어 줍니다. 사흗날 한 번 저어 줍니다. 나흗날 한 번 저어 줍니다.",
        "1일째 저어 줍니다.\n2일째 저어 줍니다.\n3일째 저어 줍니다.\n4일째 저어 줍니다.\n5일째 저어 줍니다.\n6일째 저어 줍니다.\n7일째 저어 줍니다.",
        "".join(f"{turn}회: 물 100 ml를 붓고 주걱으로 잘 저어 줍니다.\n" for turn in range(1, 6)),
        "| 이름 | 도수 | 카페인 | 단맛 | 신맛 |\n|---|---|---|---|---|\n" + "| 식혜 | 0% | 없음 | 없음 | 없음 |\n" * 2,
        "-" * 120 + "\n" + "=" * 120,
        ", ".join(str(number) for number in range(1990, 2040)),
        "톡톡톡톡톡 소리가 나면 다 된 것입니다. 보글보글 보글보글 끓습니다. 하하하하하하하하",
        "막걸리, 이강주, 막걸리, 문배주, 막걸리, 송순주, 막걸리, 안동소주, 막걸리, 감홍로",
    ],
)
def test_what_repeats_for_a_reason_is_left_alone(text: str) -> None:
    for step in (1, 7):
        assert cut(text, step) is None
