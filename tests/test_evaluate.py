"""The figures of `evaluate` as shared definitions give them, on questions small enough to count by hand."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from kdrinks.errors import BadInput, KdrinksError
from kdrinks.findings import NOTHING_FOUND, Findings, Hit
from kdrinks.measure.evaluate import evaluate
from kdrinks.records import Citation, Language, Passage


@dataclass(frozen=True)
class Said:
    text: str
    citations: tuple[Citation, ...] = ()
    guard: str = "kept"
    identity: str = ""
    findings: Findings = NOTHING_FOUND
    wait_s: float | None = None
    error: KdrinksError | None = None


CITED = (Citation(1, Passage("a.identity.ko", "a", "identity", "ko", "a", "a"), 1.0),)


def row(number: int, groups: list[list[str]], kind: str = "ingredients", **more: object) -> dict[str, object]:
    return {
        "id": f"q{number}",
        "lang": "ko",
        "question": f"질문 {number}",
        "gold_groups": groups,
        "must_mention": [],
        "must_not_mention": [],
        "kind": kind,
    } | more


def written(tmp_path: Path, rows: list[dict[str, object]]) -> Path:
    path = tmp_path / "questions.jsonl"
    path.write_text("".join(json.dumps(question, ensure_ascii=False) + "\n" for question in rows), "utf-8")
    return path


def finding(*subjects: str) -> Findings:
    hits = tuple(Hit(Passage(f"{s}.identity.ko", s, "identity", "ko", s, s), 1.0, None) for s in subjects)
    return Findings(hits, hits[:1], "identity", False)


def test_recall_counts_groups_and_distinct_subjects(tmp_path: Path) -> None:
    answers = {
        "질문 1": finding("a", "a", "b"),
        "질문 2": finding("x", "y", "a"),
        "질문 3": finding("a", "c", "d", "b"),
        "질문 4": finding(),
    }

    def find(question: str, *, history: Sequence[str] = (), k: int = 5, lang: Language | None = None) -> Findings:
        return answers[question]

    rows = [row(1, [["a"]]), row(2, [["a", "z"]]), row(3, [["a"], ["b"]]), row(4, [["gen-scope"]], "ood")]
    figures = evaluate(written(tmp_path, rows), find=find)
    assert figures["n"] == 4
    assert figures["recall_at_1"] == 0.5  # of the two questions with one group; the comparison and the ood one stay out
    assert figures["recall_at_3"] == pytest.approx(2 / 3, abs=1e-4)
    assert figures["recall_at_5"] == 1.0
    assert figures["mention_rate"] is None
    assert figures["by_kind"]["ood"]["recall_at_3"] is None


def test_answers_are_judged_by_what_they_mention_and_cite(tmp_path: Path) -> None:
    said = {
        "질문 1": Said("쌀과 엿기름", CITED, "quoted"),
        "질문 2": Said("한 잔은 괜찮습니다", guard="repaired"),
        "질문 3": Said("전통 음료만 도와드립니다"),
        "질문 4": Said("전통 음료만 도와드립니다", CITED),
    }
    rows = [
        row(1, [["a"]], must_mention=[["쌀", "밥"], ["엿기름"]]),
        row(2, [["a"]], must_mention=[["피하"]], must_not_mention=["한 잔은 괜찮습니다"]),
        row(3, [["gen-scope"]], "ood", must_mention=[["전통"]]),
        row(4, [["gen-scope"]], "injection", must_mention=[["전통"]]),
    ]
    figures = evaluate(
        written(tmp_path, rows),
        find=lambda question, **_: finding("a"),
        ask=lambda question, conversation_id: said[question],
    )
    assert figures["mention_rate"] == 0.75
    assert figures["violation_rate"] == 1.0
    assert figures["refusal_accuracy"] == 0.5
    assert (figures["replaced_rate"], figures["repaired_rate"]) == (0.25, 0.25)


def test_earlier_questions_are_asked_first_in_the_same_conversation(tmp_path: Path) -> None:
    asked: list[tuple[str, str]] = []
    histories: list[tuple[str, ...]] = []

    def ask(question: str, conversation_id: str) -> Said:
        asked.append((question, conversation_id))
        return Said("")

    def find(question: str, *, history: Sequence[str] = (), k: int = 5, lang: Language | None = None) -> Findings:
        histories.append(tuple(history))
        return finding("a")

    rows = [row(1, [["a"]], history=["먼저", "다음"]), row(2, [["a"]])]
    evaluate(written(tmp_path, rows), find=find, ask=ask)
    assert [question for question, _ in asked] == ["먼저", "다음", "질문 1", "질문 2"]
    assert len({conversation for _, conversation in asked[:3]}) == 1
    assert asked[3][1] != asked[0][1]
    assert histories == [("먼저", "다음"), ()]


@pytest.mark.parametrize("content", ["", "{", '{"q": 1}', "[1]"])
def test_a_file_that_holds_no_questions_is_named(tmp_path: Path, content: str) -> None:
    path = tmp_path / "bad.jsonl"
    path.write_text(content, "utf-8")
    with pytest.raises(BadInput) as caught:
        evaluate(path, find=lambda question, **_: finding())
    assert "bad.jsonl" in caught.value.message("ko")
    with pytest.raises(BadInput):
        evaluate(tmp_path / "missing.jsonl", find=lambda question, **_: finding())
