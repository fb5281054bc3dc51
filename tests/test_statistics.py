"""Two runs are compared as docs/evaluation.md says: figures that were worked out elsewhere, what chance does, and the command."""

import gzip
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.paired import made_up, share_called_better
from kdrinks.__main__ import main
from kdrinks.errors import BadInput
from kdrinks.measure import wording
from kdrinks.measure.good import good
from kdrinks.measure.statistics import Pair, compare, least_detectable, power, proportion

DARWIN = (6, 8, 14, 16, 23, 24, 28, 29, 41, -48, 49, 56, 60, -67, 75)
"""Heights of maize, crossed less self-fertilized, in eighths of an inch; Wilcoxon's exact p is 0.0413."""


def turned(better: int, worse: int, n: int, of_each_drink: int = 1) -> list[Pair]:
    sides = [(False, True)] * better + [(True, False)] * worse + [(True, True)] * (n - better - worse)
    return [(f"q{i}", f"d{i // of_each_drink}", *both) for i, both in enumerate(sides)]


# shares


@pytest.mark.parametrize(
    ("right", "n", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (1, 29, 0.0061, 0.1718)],  # Newcombe 1998, table I, method 3
)
def test_a_share_has_wilsons_interval(right: int, n: int, low: float, high: float) -> None:
    found = proportion(right, n)
    assert (found.value, found.n) == (right / n, n)
    assert (found.low, found.high) == pytest.approx((low, high), abs=1e-4)


def test_all_right_says_how_often_it_fails_at_most() -> None:
    assert proportion(30, 30).low == pytest.approx(0.05 ** (1 / 30)) and proportion(30, 30).high == 1
    assert wording.share(proportion(30, 30), "en") == "30 of 30: fails under 10 %"
    assert wording.share(proportion(30, 30), "ko") == "30개 중 30개: 실패는 10% 미만"
    assert wording.share(proportion(0, 3), "en") == "0 of 3: under 64 %"
    assert wording.share(proportion(1000, 1000), "en") == "1000 of 1000: fails under 0.3 %"
    assert wording.share(proportion(61, 88), "en") == "69 % (59 to 78 %), 61 of 88"


@pytest.mark.parametrize(("right", "n"), [(0, 0), (3, 2), (-1, 2)])
def test_a_share_of_nothing_is_refused(right: int, n: int) -> None:
    with pytest.raises(ValueError, match=f"{right} of {n}"):
        proportion(right, n)


# pairs


def test_flips_are_weighed_by_mcnemars_exact_test() -> None:
    found = compare(turned(8, 1, 100))
    assert found.p == pytest.approx(2 * (1 + 9) / 2**9)
    assert found.better == tuple(f"q{i}" for i in range(8)) and found.worse == ("q8",)
    assert (found.n, found.clusters, found.test) == (100, 100, "McNemar") and found.difference == pytest.approx(0.07)
    assert (found.a.value, found.b.value) == pytest.approx((0.92, 0.99))
    assert found.verdict == "better"
    assert compare(turned(1, 8, 100)).verdict == "worse"
    assert compare(turned(7, 1, 100)).verdict == "no difference shown", "p = 0.07"


def test_numbers_are_weighed_by_wilcoxons_test() -> None:
    found = compare([(f"q{i}", f"d{i}", 0.0, float(value)) for i, value in enumerate(DARWIN)])
    assert found.p == pytest.approx(0.041259765625) and found.test == "Wilcoxon"
    assert found.difference == pytest.approx(314 / 15) and found.worse == ("q9", "q13")
    assert found.b.low < found.b.value < found.b.high
    # z of 0.975 and 0.8: 1.960 + 0.842; the deviation of the fifteen is 37.74
    assert found.least_detectable == pytest.approx(2.8016 * 37.744 / (15 * 3 / np.pi) ** 0.5, rel=1e-3)


def test_fewer_seconds_and_fewer_violations_are_better() -> None:
    found = compare(turned(0, 9, 100), less_is_better=True)
    assert found.verdict == "better" and len(found.better) == 9 and found.difference == pytest.approx(-0.09)
    seconds = [(f"q{i}", f"d{i}", 2.0 + i, 1.0) for i in range(20)]
    assert compare(seconds, less_is_better=True).verdict == "better"
    assert compare(seconds).verdict == "worse"


def test_the_same_seed_gives_the_same_interval() -> None:
    pairs = turned(20, 9, 100, of_each_drink=3)
    assert compare(pairs, seed=5) == compare(pairs, seed=5)
    assert compare(pairs, seed=5).interval != compare(pairs, seed=6).interval


def test_questions_on_one_drink_that_turn_together_count_as_little_as_they_should() -> None:
    together = turned(20, 10, 100, of_each_drink=10)
    alone = [(id, id, before, after) for id, _, before, after in together]
    assert (wide := compare(together).interval) and (narrow := compare(alone).interval)
    # unclustered it is 1.96 standard errors, which ten of a kind make about the root of ten larger
    deviation = np.std([after - before for *_, before, after in alone])
    assert narrow == pytest.approx((0.1 - 0.196 * deviation, 0.1 + 0.196 * deviation), abs=0.015)
    assert wide[1] - wide[0] > 2 * (narrow[1] - narrow[0])


def test_the_questions_of_too_few_drinks_show_nothing() -> None:
    assert compare(turned(40, 0, 50, of_each_drink=10)).verdict == "no difference shown", "five drinks"
    assert compare(turned(50, 0, 400, of_each_drink=10)).verdict == "no difference shown", "five of forty"
    assert compare(turned(60, 0, 60, of_each_drink=10)).verdict == "better"
    single = compare(turned(20, 0, 20, of_each_drink=20))
    assert single.interval is None and single.verdict == "no difference shown"


def test_two_runs_without_a_flip_may_differ_by_what_so_many_could_hide() -> None:
    found = compare(turned(0, 0, 30))
    assert found.p == 1 and found.verdict == "no difference shown"
    assert found.interval == pytest.approx((-0.095, 0.095), abs=1e-3)


def test_a_mean_that_few_values_pull_against_the_ranks_is_no_difference() -> None:
    pulled = [(f"q{i}", f"d{i}", 0.0, value) for i, value in enumerate([-1.0] * 60 + [40.0] * 6)]
    found = compare(pulled)
    assert found.p < 0.05 and found.interval and found.interval[0] > 0
    assert found.verdict == "no difference shown"


def test_without_a_pair_there_is_nothing_to_compare() -> None:
    with pytest.raises(BadInput):
        compare([])


@pytest.mark.parametrize("lang", ["ko", "en"])
def test_the_figures_are_read_in_words(lang: str) -> None:
    said = {
        "ko": (
            "+11.0%p (+5.0~+18.0%p)",
            "질문 100개로 밝힐 수 있는 가장 작은 차이: 10.2%p (검정력 80%)",
            "나아졌습니다",
        ),
        "en": ("+11.0 points (+5.0 to +18.0)", "the least that 100 could show: 10.2 points (power 80 %)", "better"),
    }
    found = compare(turned(12, 1, 100))
    assert (wording.difference(found, lang), wording.least(found, lang), wording.verdict(found, lang)) == said[lang]
    assert "?" in wording.difference(compare([("q1", "d1", 0.0, 1.5)]), lang)
    few, alike = compare(turned(1, 0, 5)), compare([(f"q{i}", f"d{i}", 1.0, 2.0) for i in range(9)])
    assert wording.least(few, lang) != wording.least(alike, lang).replace("9", "5")


# power


def test_power_is_that_of_the_exact_test() -> None:
    assert power(0.8, 6, 1.0) == pytest.approx(0.9**6)  # six that differ must all turn one way
    assert power(0.2, 6, 1.0) == pytest.approx(0.6**6)
    seven = 7 * 0.8**6 * 0.2 * 0.9**6 + 0.8**7 * 0.9**7  # of seven, six or seven differ; seven must all agree too
    assert power(0.64, 7, 0.8) == pytest.approx(seven)
    assert power(0.0, 100, 0.0) == 0


def test_the_least_difference_that_can_be_shown_is_shown_four_times_in_five() -> None:
    least = least_detectable(100, 0.2)
    assert least and power(least, 100, 0.2) == pytest.approx(0.8, abs=0.005)
    chance, shown = np.random.default_rng(0), 0
    for _ in range(150):
        change = chance.choice([1, -1, 0], size=100, p=[(0.2 + least) / 2, (0.2 - least) / 2, 0.8])
        pairs = turned(int((change > 0).sum()), int((change < 0).sum()), 100)
        shown += compare(pairs, resamplings=500).verdict == "better"
    assert shown / 150 == pytest.approx(0.8, abs=0.08)


def test_more_questions_show_less_and_five_show_nothing() -> None:
    least = [least_detectable(n, 0.2) for n in (6, 30, 100, 400)]
    assert least == sorted((one for one in least if one), reverse=True)
    assert least_detectable(5, 0.2) is None
    assert least_detectable(100, 0.0) == pytest.approx(0.078, abs=1e-3), (
        "no flip so far does not mean that any would show"
    )


def test_a_setting_is_seldom_called_better_than_itself() -> None:
    assert share_called_better(made_up(), resamplings=120) <= 0.05


@pytest.mark.parametrize("measure", ["good", "length_characters"])
def test_the_built_in_model_is_seldom_called_better_than_itself_with_another_seed(measure: str) -> None:
    """20 stored runs of 100 questions at temperature 0.7; of 1,000 resamplings (20 s) 0.0 % and 0.1 %, here fewer."""
    stored = json.loads(gzip.decompress((Path(__file__).parent / "data" / "self_runs.json.gz").read_bytes()))["runs"]
    runs = [{one["id"]: one for one in run["questions"]} for run in stored]
    assert len(runs) == 20 and all(len(run) == 100 for run in runs)
    assert share_called_better(runs, measure=measure, resamplings=60) <= 0.05


# the command


def run_file(path: Path, rows: Sequence[dict[str, Any]]) -> str:
    path.write_text(json.dumps({"n": len(rows), "questions": list(rows)}, ensure_ascii=False), "utf-8")
    return str(path)


def row(number: int, **measured: Any) -> dict[str, Any]:
    return {"id": f"q{number}", "lang": "ko", "kind": "making", "question": f"질문 {number}", **measured}


def compared(capsys: pytest.CaptureFixture[str], *arguments: str) -> Any:
    assert main(["lab", "compare", *arguments, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_two_files_are_compared_by_what_both_measured(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    a = [row(i, found=[f"drink-{i % 8}"], mentions=i >= 12, violates=False, recall_at_1=False) for i in range(30)]
    # the second is of later: it says itself what is good, by more than the first knew
    b = [
        row(i, cluster=f"drink-{i % 8}", mentions=i != 20, violates=False, polite=False, good=False) for i in range(30)
    ]
    a.append(row(97, mentions=True))
    b += [row(98, mentions=True), row(99, mentions=True)]
    found = compared(capsys, run_file(tmp_path / "a.json", a), run_file(tmp_path / "b.json", b))
    assert {"n", "flips", "difference", "interval", "p", "least_detectable"} <= found.keys()
    assert found["n"] == 30 and found["clusters"] == 8
    assert found["flips"] == {"better": [f"q{i}" for i in range(12)], "worse": ["q20"]}
    assert found["verdict"] == "better" and found["p"] == pytest.approx(2 * 14 / 2**13)
    assert (found["only_a"], found["only_b"]) == (1, 2)
    assert (found["a"]["value"], found["b"]["value"]) == pytest.approx((18 / 30, 29 / 30))


def test_what_turned_is_read_first_with_both_answers(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    a = [row(i, good=i > 0, answer=f"앞의 답 {i}", wait_s=3.0) for i in range(9)] + [row(9, good=False)]
    b = [row(i, good=True, answer="뒤의 답 " * 100, wait_s=1.0 + i) for i in range(9)]
    files = run_file(tmp_path / "a.json", a), run_file(tmp_path / "b.json", b)
    assert main(["lab", "compare", *files]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[:3] == ["better: 1", "  q0  질문 0", "    A  앞의 답 0"]
    assert lines[3].startswith("    B  뒤의 답 뒤의 답") and lines[3].endswith("…") and len(lines[3]) < 180
    assert lines[4:7] == ["worse: 0", "good: 9 questions, 9 clusters by drink", "left out, not in both: 1 of A, 0 of B"]
    assert "B: 9 of 9: fails under 29 %" in lines and lines[-1] == "no difference shown"
    assert main(["lab", "compare", *files, "--measure", "wait_s"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "better: 2" and "A: 3 (3 to 3), mean of 9" in lines, "fewer seconds are better"


def test_a_sealed_run_is_compared_without_its_text(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sealed = [[{"id": f"s{i}", "good": i < right} for i in range(20)] for right in (10, 12)]
    files = [run_file(tmp_path / f"{number}.json", rows) for number, rows in enumerate(sealed)]
    assert main(["lab", "compare", *files]) == 0
    assert capsys.readouterr().out.splitlines()[:4] == ["better: 2", "  s10", "  s11", "worse: 0"]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("{", "bad.json"),
        ('{"error": {"message": "…"}}', "bad.json"),
        ('{"questions": [1]}', "Question 1"),
        ('{"questions": [{"id": "q1", "good": true}, {"id": "q1", "good": true}]}', "q1 twice"),
        ('{"questions": [{"id": "q1", "good": "yes"}]}', "yes"),
        ('{"questions": [{"id": "q1", "good": true, "question": "다른 질문"}]}', "another question"),
        ('{"questions": [{"id": "other", "good": true}]}', "no question in common"),
    ],
)
def test_a_file_that_cannot_be_compared_says_why(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: str, says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LANG", "en_US.UTF-8")
    bad = tmp_path / "bad.json"
    bad.write_text(content, "utf-8")
    assert main(["lab", "compare", run_file(tmp_path / "a.json", [row(1, good=True)]), str(bad), "--json"]) == 1
    error = json.loads(capsys.readouterr().out)["error"]
    assert says in error["message"] and error["hint"]


def test_an_unknown_measure_tells_those_that_there_are(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = run_file(tmp_path / "a.json", [row(1, good=True, wait_s=0.5)])
    assert main(["lab", "compare", file, file, "--measure", "godo", "--json"]) == 1
    assert "good, wait_s" in json.loads(capsys.readouterr().out)["error"]["hint"]


def test_a_good_answer_holds_all_that_its_question_expects() -> None:
    assert good({"mentions": True, "violates": False, "recall_at_3": True, "recall_at_1": False}) is True
    assert good({"mentions": True, "violates": True}) is False
    assert good({"mentions": True, "false_alarm": True}) is False
    assert good({"mentions": True, "declines": False}) is False
    assert good({"mentions": False, "exact": True}, among={"exact"}) is True
    assert good({"mentions": True, "polite": False}) is False and good({"polite": True, "pure": True}) is None
    assert good({"recall_at_3": False}) is False, "a run that only searched"
    assert good({"recall_at_3": False, "mentions": True, "answer": "식혜입니다."}) is True
    assert good({"id": "q1", "wait_s": 0.1, "replaced": True}) is None, "nothing was expected"
