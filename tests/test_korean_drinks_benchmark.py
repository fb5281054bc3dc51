"""The public benchmark is fair and whole. Of the sealed half nothing is shown, also where a test fails: asserts compare counts alone."""

import hashlib
import json
import re
from collections import Counter
from pathlib import Path

import pytest

from benchmarks.korean_drinks import score

CARD = (score.HERE / "README.md").read_text(encoding="utf-8")
HALVES = tuple(score.FILES)
OPEN = score.questions_of("open")

FIELDS = {
    *("id", "lang", "kind", "question", "history", "gold_ids", "must_mention", "must_not_mention"),
    *("most_characters", "reference", "sources"),
}


def well_formed(one: score.Question) -> bool:
    texts = [one["id"], one["kind"], one["question"], one["reference"]]
    strings = [
        *one["history"],
        *one["must_not_mention"],
        *one["sources"],
        *(text for group in one["must_mention"] for text in group),
    ]
    return (
        set(one) <= FIELDS
        and one["lang"] in ("ko", "en")
        and bool(re.search("[가-힣]", one["question"])) == (one["lang"] == "ko")
        and all(isinstance(text, str) and text.strip() for text in [*texts, *strings])
        and bool(one["must_mention"])
        and all(one["must_mention"])
        and bool(one["sources"])
        and all(
            source == "general knowledge" or source.startswith(("http://", "https://")) for source in one["sources"]
        )
    )


@pytest.mark.parametrize("half", HALVES)
def test_every_question_has_what_a_scorer_and_a_reader_need(half: str) -> None:
    assert sum(not well_formed(one) for one in score.questions_of(half)) == 0


def test_no_id_and_no_question_stands_twice_in_the_two_halves() -> None:
    questions = [one for half in HALVES for one in score.questions_of(half)]
    doubled = [len(questions) - len({str(one[field]) for one in questions}) for field in ("id", "question")]
    assert doubled == [0, 0]


@pytest.mark.parametrize("half", HALVES)
def test_a_right_answer_is_right_and_nothing_or_the_question_said_back_is_wrong(half: str) -> None:
    questions = score.questions_of(half)
    assert sum(bool(score.failings(one, one["reference"])) for one in questions) == 0
    assert sum(not score.failings(one, "") for one in questions) == 0
    assert sum(not score.failings(one, " ".join((*one["history"], one["question"]))) for one in questions) == 0


def test_what_belongs_to_another_question_is_wrong() -> None:
    """The right answer to a question of another kind. A few are right here too: two questions on one drink may want the same word."""
    pairs = [
        (one, other) for one in OPEN for other in OPEN if other["lang"] == one["lang"] and other["kind"] != one["kind"]
    ]
    right = sum(not score.failings(one, other["reference"]) for one, other in pairs)
    assert right / len(pairs) < 0.02


ALWAYS = {
    "unknown": {"ko": "죄송하지만 알 수 없습니다.", "en": "I'm sorry, I don't know."},
    "yes": {"ko": "네, 맞습니다. 괜찮습니다.", "en": "Yes, that's right. It's fine."},
    "warning": {
        "ko": "마시지 마세요. 위험할 수 있으니 피하고 의사나 약사와 상의하세요. 알코올이나 알레르기가 있을 수 있습니다.",
        "en": "No, do not drink it; avoid it and ask a doctor or pharmacist. It may contain alcohol.",
    },
}


def test_the_card_says_what_one_answer_to_everything_is_worth() -> None:
    got = {
        name: score.score(OPEN, {one["id"]: said[one["lang"]] for one in OPEN})["shares"]["", ""].right
        for name, said in ALWAYS.items()
    }
    told = [int(number) for number in re.findall(r"^\| (?:that it does|yes,|do not drink)[^|]*\| (\d+) \|", CARD, re.M)]
    assert [got["unknown"], got["yes"], got["warning"]] == told
    assert set(score.score(OPEN, {one["id"]: ALWAYS["unknown"][one["lang"]] for one in OPEN})["wrong"]) == {
        one["id"] for one in OPEN if one["kind"] != "ood"
    }


def test_the_card_counts_what_the_files_hold() -> None:
    counted = Counter((one["kind"], half, one["lang"]) for half in HALVES for one in score.questions_of(half))
    columns = [(half, lang) for half in HALVES for lang in ("ko", "en")]
    told = {
        kind: [int(number) for number in numbers.split("|")]
        for kind, numbers in re.findall(r"^\| (\w+) \|[^|]*\| ((?:\d+ \| ){4}\d+) \|$", CARD, re.M)
    }
    kinds = {kind for kind, _, _ in counted}
    held = {kind: [counted[kind, half, lang] for half, lang in columns] for kind in kinds}
    held["all"] = [sum(column) for column in zip(*held.values(), strict=True)]
    assert told == {kind: [*numbers, sum(numbers)] for kind, numbers in held.items()}


def test_the_card_names_the_sealed_file_and_nobody_has_opened_it_unsaid() -> None:
    data = score.FILES["sealed"].read_bytes()
    assert hashlib.sha256(data).hexdigest() in CARD
    header = score.header_of("sealed")
    assert (header["sealed"], header["license"]) == (True, "CC-BY-4.0")
    rows = CARD.split("| opened | by | why |", 1)[1].split("\n\n", 1)[0].splitlines()[2:]
    assert len(header["opened"]) == sum(not row.startswith("| not yet") for row in rows)


def scored(tmp_path: Path, lines: list[str], *more: str) -> int:
    path = tmp_path / "answers.jsonl"
    path.write_text("\n".join(lines), encoding="utf-8")
    return score.main([str(path), *more])


def test_anybody_scores_a_file_of_answers_and_reads_which_failed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = [json.dumps({"id": one["id"], "answer": one["reference"]}) for one in OPEN[1:]]
    assert scored(tmp_path, lines) == 0
    printed = capsys.readouterr().out
    assert re.search(r"^all +119/120 0\.99 \[0\.95, 1\.00\]", printed, re.M)
    assert "1 without an answer" in printed
    assert [name for name in re.findall(r"^(kd-\w+): lacks", printed, re.M)] == [OPEN[0]["id"]]


def test_of_the_sealed_half_counts_are_printed_and_nothing_else(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert scored(tmp_path, [], "--set", "sealed") == 0
    printed = capsys.readouterr().out
    assert re.search(r"^all +0/120 ", printed, re.M)
    assert "120 without an answer" in printed
    assert "kd-" not in printed and not re.search("[가-힣]", printed)


@pytest.mark.parametrize("line", ["{", '{"id": "kd-o001"}', '["kd-o001"]', '{"id": 1, "answer": ""}'])
def test_a_line_that_is_no_answer_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str], line: str) -> None:
    assert scored(tmp_path, ['{"id": "kd-o002", "answer": ""}', line]) == 2
    assert "line 2" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("answer", "string", "there"),
    [
        ("It is about **60** °C.", "60 °c", True),
        ("60℃쯤입니다", "60°C", True),
        ("licorice", "rice", False),
        ("The rice grains", "rice", True),
        ("Now and then", "no", False),
        ("No, it is not.", "no", True),
        ("18%", "8", False),
        ("먹이지마세요", "먹이지 마", True),
        ("I can’t tell", "can't tell", True),
        ("4–6 hours", "4-6", True),
    ],
)
def test_a_string_is_found_as_people_would(answer: str, string: str, there: bool) -> None:
    assert score.says_any(answer, [string]) is there
