"""The figures of `evaluate` as shared definitions give them, on questions small enough to count by hand."""

import gzip
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from kdrinks.errors import BadInput, KdrinksError
from kdrinks.findings import NOTHING_FOUND, Findings, Hit, Row, Understood
from kdrinks.generation import guard
from kdrinks.kinds import Kind
from kdrinks.measure import judge
from kdrinks.measure.evaluate import evaluate
from kdrinks.measure.good import good
from kdrinks.measure.no_model import read_out
from kdrinks.measure.question_set import MOST_BYTES, open_set, read, write
from kdrinks.records import Citation, Language, Loaded, Passage
from kdrinks.text.analyzer import TextAnalyzer

KINDS: tuple[Kind, ...] = ("identity", "serving")


@dataclass(frozen=True)
class Said:
    text: str
    citations: tuple[Citation, ...] = ()
    guard: str = "kept"
    loaded: Loaded | None = None
    identity: str = ""
    findings: Findings = NOTHING_FOUND
    wait_s: float | None = None
    error: KdrinksError | None = None


LOADED = Loaded("m", "m.gguf", "Q8_0", 4096, "cpu", "cpu", 0, 1, 0.1, 1, 1)
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
        "질문 1": Said("쌀과 엿기름", CITED, "quoted", loaded=LOADED),
        "질문 2": Said("한 잔은 괜찮습니다", guard="repaired"),
        "질문 3": Said("전통 음료만 도와드립니다", guard="fixed"),  # no model was asked: nothing was replaced
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


GOOD = '{"id": "1", "question": "식혜가 뭐야?"}'
HEADER = '{"set": "tea", "sealed": true, "opened": []}'


@pytest.mark.parametrize(
    ("lines", "line", "reason"),
    [
        ([GOOD, '{"id": "2", "question": '], 2, "Expecting value"),
        ([GOOD, "", '{"id": "2"}'], 3, "no question"),
        ([GOOD, '{"id": "2", "question": "   "}'], 2, "empty"),
        ([GOOD, '{"id": "2", "question": "a?", "must_say": []}'], 2, "must_say"),
        ([GOOD, '{"id": "2", "question": "a?", "must_mention": ["쌀"]}'], 2, "must_mention"),
        ([GOOD, '{"id": "2", "question": "a?", "figure": true}'], 2, "figure"),
        ([GOOD, '{"id": "2", "question": "a?", "lang": "fr"}'], 2, "lang"),
        ([GOOD, GOOD], 2, "twice"),
        ([GOOD, '{"id": "2", "question": "a?", "without": "3"}'], 2, "without"),
        ([GOOD, '{"id": "2", "question": "\\ud800"}'], 2, "surrogates"),
        ([GOOD, "[" * 100_000], 2, "recursion"),
        ([HEADER], 1, "no question"),
        (['{"set": "tea", "seald": true}', GOOD], 1, "seald"),
        (['{"set": "tea", "opened": [1]}', GOOD], 1, "opened"),
    ],
)
def test_what_is_wrong_with_a_set_is_told_by_its_line(tmp_path: Path, lines: list[str], line: int, reason: str) -> None:
    path = tmp_path / "mine.jsonl"
    path.write_text("\n".join(lines), "utf-8")
    with pytest.raises(BadInput) as caught:
        read(path)
    assert f"mine.jsonl, line {line}:" in caught.value.message() and reason in caught.value.message()
    assert f"mine.jsonl {line}번째 줄" in caught.value.message("ko")


def test_a_packed_set_is_read_whole_or_refused(tmp_path: Path) -> None:
    path = tmp_path / "mine.jsonl.gz"
    path.write_bytes(gzip.compress(GOOD.encode()))
    assert read(path).questions == ({"lang": "ko", "kind": "", "history": [], "id": "1", "question": "식혜가 뭐야?"},)
    path.write_bytes(gzip.compress(GOOD.encode())[:-9])
    with pytest.raises(BadInput):
        read(path)
    path.write_bytes(gzip.compress(GOOD.encode() + b"\n" * MOST_BYTES))  # 32 KB that unpack to too much
    with pytest.raises(BadInput) as caught:
        read(path)
    assert "32 MB" in caught.value.message()


def test_opening_a_sealed_set_is_written_into_its_file_and_changes_no_question(tmp_path: Path) -> None:
    path = tmp_path / "tea.jsonl.gz"
    made = write(path, {"set": "tea", "title": {"ko": "차"}, "sealed": True, "opened": []}, [json.loads(GOOD)])
    assert (made.sealed, made.name, made.title) == (True, "tea", {"ko": "차", "en": "tea"})
    opened = open_set(path, "kim@example.org", "measured at 1.0")
    assert not opened.sealed and (opened.hash, opened.questions) == (made.hash, made.questions)
    header = json.loads(gzip.decompress(path.read_bytes()).splitlines()[0])
    assert [(one["by"], one["note"]) for one in header["opened"]] == [("kim@example.org", "measured at 1.0")]
    assert datetime.fromisoformat(header["opened"][0]["at"]).tzinfo
    assert len(open_set(path, "lee", "again").opened) == 2
    plain = written(tmp_path, [row(1, [["a"]])])
    with pytest.raises(BadInput):
        open_set(plain, "kim", "")


def test_a_sealed_set_shows_its_measures_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "tea.jsonl.gz"
    asked = row(1, [["a"]], must_mention=[["쌀"]], gold_ids=["sikhye"])
    write(path, {"set": "tea", "sealed": True}, [asked])
    figures = evaluate(path, find=lambda question, **_: finding("a"), ask=lambda question, _: Said("쌀로 만듭니다."))
    assert (figures["n"], figures["recall_at_1"], figures["good"], figures["set"]["sealed"]) == (1, 1.0, 1.0, True)
    assert not {"question", "answer", "found", "prompt", "intent", "understood"} & figures["questions"][0].keys()
    assert not any(text in json.dumps(figures, ensure_ascii=False) for text in ("질문 1", "쌀", "sikhye"))
    open_set(path, "kim", "")
    shown = evaluate(path, find=lambda question, **_: finding("a"), ask=lambda question, _: Said("쌀로 만듭니다."))
    assert shown["questions"][0]["answer"] == "쌀로 만듭니다." and shown["questions"][0]["cluster"] == "sikhye"


def of(question: dict[str, object], said: Said, found: Findings = NOTHING_FOUND) -> dict[str, Any]:
    """The row of one question."""
    asked = {"history": [], **question}
    return judge.found(asked, found) | judge.judged(asked, said, None)


def test_lists_and_figures_are_held_against_the_rows_of_the_answer() -> None:
    rows = (Row("munbaeju", 48.0, "%"), Row("iganggo"))
    found = Findings((), (), "unknown", False, rows=rows, understood=Understood("most", ("abv", "region")))
    expects: dict[str, Any] = {"exact": ["iganggo", "munbaeju"], "figure": 48, "operation": "most", "aspects": ["abv"]}
    judged = of(row(1, [], **expects), Said("문배주입니다.", findings=found))
    assert [judged[name] for name in ("exact", "figure", "operation", "aspect")] == [True] * 4
    expects = {"exact": ["munbaeju"], "figure": 40, "operation": "list", "aspects": ["region"]}
    judged = of(row(1, [], **expects), Said("문배주입니다.", findings=found))
    assert [judged[name] for name in ("exact", "figure", "operation", "aspect")] == [False] * 4
    counted = replace(found, understood=Understood("count"))
    assert of(row(1, [], figure=2), Said("2가지입니다.", findings=counted))["figure"]


def test_a_caution_counts_where_it_is_read_first() -> None:
    caution = Passage("a.cautions.ko", "a", "cautions", "ko", "막걸리", "임신 중에는 마시지 않습니다.")
    found = Findings((), (), "pregnancy", True, cautions=(caution,))
    first = Said("> **막걸리** — 임신 중에는 마시지 않습니다. [1]\n\n더 있습니다.", findings=found)
    later = Said("막걸리는 술입니다.\n\n> **막걸리** — 임신 중에는 마시지 않습니다. [1]", findings=found)
    nothing = Said("> 제 자료에는 없습니다.", findings=replace(found, cautions=(), unsaid=("제 자료에는 없습니다.",)))
    asks, harmless = row(1, [], cautioned=True), row(1, [], cautioned=False)
    assert [of(asks, said)["cautioned"] for said in (first, later, nothing)] == [True, False, True]
    assert [of(harmless, said)["false_alarm"] for said in (first, Said("식혜입니다."))] == [True, False]
    reviewed = Said("식혜입니다.\n\n이 내용은 의료 전문가가 검토하지 않았습니다. 걱정되면 의사나 약사에게 물어보세요.")
    assert of(harmless, reviewed)["false_alarm"]


def test_a_short_question_wants_a_short_answer_and_no_passage_that_does_not_belong() -> None:
    question = row(1, [], most_characters=12, passages_not=["a"])
    judged = of(question, Said("식혜입니다. [1]", CITED))
    assert (judged["short"], judged["belongs"], judged["length_characters"]) == (True, False, 6)
    assert good(judged) is False
    assert good(of(question, Said("식혜입니다."))) is True
    assert not of(question, Said("식혜는 쌀로 만든 마실 것입니다."))["short"]


@pytest.mark.parametrize(
    ("text", "polite"),
    [
        ("식혜는 쌀로 만듭니다. 차게 드세요! 어떠세요? [1]", True),
        ("1. 쌀을 씻습니다.\n2. 엿기름을 붓습니다(60도). [1]\n\n- 유자\n- 사이다", True),
        ("> **소곡주** — 지역: 충남 서천 한산. [1]", None),
        ("“식혜는 술이 아닙니다.”", True),
        ("식혜는 쌀로 만든다. 차게 드세요.", False),
        ("식혜는 음료다", False),
        ("그건 몰라.", False),
    ],
)
def test_an_answer_is_polite_when_each_of_its_sentences_ends_so(text: str, polite: bool | None) -> None:
    assert of(row(1, []), Said(text)).get("polite") is polite
    assert "polite" not in of(row(1, [], lang="en"), Said("Sikhye is sweet."))


@pytest.mark.parametrize(
    ("lang", "text", "pure"),
    [
        ("ko", "식혜는 Andong sikhye와 다릅니다. 500 ml를 넣습니다(rice drink).", True),
        ("ko", "식혜는 delicious sweet 음료입니다.", False),
        ("ko", "식혜는 米로 만든 传统饮料입니다.", False),
        ("en", "식혜 (sikhye) is a sweet rice drink.", True),
        ("en", "Sikhye is a 달콤하고 시원한 rice drink.", False),
    ],
)
def test_names_and_glosses_are_in_no_wrong_language(lang: str, text: str, pure: bool) -> None:
    assert of(row(1, [], lang=lang), Said(text))["pure"] is pure


def test_citations_are_counted_by_the_sentence(words: TextAnalyzer) -> None:
    rice = Passage("a.ingredients.ko", "a", "ingredients", "ko", "식혜", "식혜의 재료는 쌀, 엿기름, 설탕입니다.")
    served = Passage("a.serving.ko", "a", "serving", "ko", "식혜", "식혜는 차게 마십니다. 잣을 띄웁니다.")
    cited = (Citation(1, rice, 1.0), Citation(2, served, 1.0))

    def shares(text: str) -> tuple[float | None, float | None]:
        found = judge.citations(text, cited, words)
        return found.get("citation_precision"), found.get("citation_recall")

    assert shares("식혜의 재료는 쌀, 엿기름, 설탕입니다. [1] 식혜는 차게 마십니다. 잣을 띄웁니다. [2]") == (1.0, 1.0)
    assert shares("식혜의 재료는 쌀, 엿기름, 설탕입니다. [2] 식혜는 차게 마십니다. [2]") == (0.5, 0.5)
    assert shares("식혜는 쌀과 엿기름, 설탕을 재료로 합니다. [1]") == (1.0, 1.0)  # in other words
    assert shares("식혜의 재료는 쌀, 엿기름, 설탕 30g입니다. [1]") == (0.0, None)  # a figure that no passage holds
    assert shares("식혜는 차게 마십니다.") == (None, 0.0)
    assert shares("식혜는 차게 마시는데 재료는 쌀, 엿기름, 설탕입니다. [1][2]") == (1.0, 1.0)  # only together
    assert shares("안녕하세요!") == (None, None)


def test_a_question_is_stable_when_an_everyday_sentence_changes_nothing(tmp_path: Path) -> None:
    asked = {"질문 1": finding("a"), "질문 2": finding("a", "b"), "질문 3": finding("b", "a")}
    rows = [row(2, [], without="q1"), row(1, []), row(3, [], without="q1")]
    found = evaluate(written(tmp_path, rows), find=lambda question, **_: asked[question])["questions"]
    assert [one.get("stable") for one in found] == [True, None, False]


def test_what_a_person_says_stands_above_what_was_counted() -> None:
    assert judge.good_by_hand("right", "making") and judge.good_by_hand("declined", "ood")
    assert not any(judge.good_by_hand(verdict, "making") for verdict in judge.VERDICTS if verdict != "right")


def test_no_model_reads_the_script_from_its_beginning_to_its_end() -> None:
    one = [Passage(f"a.{kind}.ko", "a", kind, "ko", "식혜", f"{kind} 하나입니다. {kind} 둘입니다.") for kind in KINDS]
    gate = guard.Guard("unknown", "ko", one)
    said = read_out(gate.sentences())
    assert gate.feed(said) + gate.finish() == (
        "identity 하나입니다. identity 둘입니다. [1] serving 하나입니다. serving 둘입니다. [2]"
    )
    assert gate.outcome == "kept"
