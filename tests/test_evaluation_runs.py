"""Runs of question sets as a person meets them: beside the conversations, stopped and killed in the middle, sealed, judged by hand."""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from kdrinks.config import ROOT, Settings
from kdrinks.engine.protocol import Event
from kdrinks.errors import BadInput, EngineDied, ModelNotFound
from kdrinks.jobs import Job, Jobs
from kdrinks.measure import question_set, run
from kdrinks.measure.evaluate import evaluate
from kdrinks.measure.question_set import QuestionSet, write
from kdrinks.measure.run import NO_MODEL, Asking, Evaluation
from kdrinks.records import ADMINISTRATOR, Visitor
from kdrinks.search.knowledge import Knowledge
from kdrinks.services import Services, open_services
from kdrinks.store import evaluations as store
from kdrinks.store.db import Database
from kdrinks.store.evaluations import Setting
from tests.support.command_line import document, kdrinks
from tests.support.tiny_models import write_byte_model
from tests.support.wait import eventually

PATIENCE_S = 60.0
MANY = 16
BUILT_IN = Setting(model="built-in")
QUESTIONS: list[dict[str, Any]] = [
    {
        "id": "made",
        "kind": "ingredients",
        "question": "식혜 재료가 뭐예요?",
        "gold_ids": ["sikhye"],
        "gold_groups": [["sikhye"]],
    }
    | {"must_mention": [["엿기름"], ["쌀", "밥"]]},
    {"id": "cold", "question": "날이 춥네요. 식혜 재료가 뭐예요?", "without": "made", "cautioned": False},
    {"id": "jeju", "question": "제주의 술은 뭐가 있어?", "operation": "list", "exact": ["omegisul", "gosorisul"]},
    {"id": "strong", "question": "가장 도수 높은 술은?", "operation": "most", "aspects": ["abv"], "figure": 48},
    {"id": "baby", "lang": "en", "question": "I'm pregnant. Can I drink makgeolli?", "cautioned": True},
    {"id": "coin", "kind": "ood", "question": "비트코인 시세 알려줘", "must_mention": [["전통 음료"]]},
    {
        "id": "then",
        "question": "그건 언제 마셔?",
        "history": ["수정과가 뭐야?"],
        "must_mention": [["겨울", "설", "명절"]],
    },
    {"id": "what", "question": "막걸리가 뭐예요?", "must_mention": [["술"]]},
    {"id": "never", "question": "식혜는 무슨 색이에요?", "must_mention": [["이 말은 아무 데도 없습니다"]]},
]
RUN = """
import sys
from pathlib import Path
from kdrinks.config import Settings
from kdrinks.measure import question_set, run
from kdrinks.records import ADMINISTRATOR
from kdrinks.services import open_services
from kdrinks.store.evaluations import Setting
from tests.support.command_line import document, kdrinks
from tests.support.tiny_models import write_byte_model
from tests.support.wait import eventually

services = open_services(Settings(Path(sys.argv[1]), Path(sys.argv[1])))
asked = question_set.read(question_set.folder(services.settings) / "many.jsonl")
job = run.start(services, ADMINISTRATOR, asked, Setting(model="built-in"))
assert eventually(lambda: job.work.done >= 3, 60)
print("asking", flush=True)
job.wait()
"""


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    folder = tmp_path_factory.mktemp("runs")
    return Settings(folder / "home", folder)


@pytest.fixture(scope="module")
def services(settings: Settings) -> Iterator[Services]:
    with closing(open_services(settings)) as opened:
        opened.knowledge.fill()
        yield opened


@pytest.fixture(scope="module")
def small(settings: Settings) -> QuestionSet:
    return write(question_set.folder(settings) / "small.jsonl", {"set": "small"}, QUESTIONS)


@pytest.fixture(scope="module")
def finished(services: Services, small: QuestionSet) -> str:
    """The id of a run of the built-in model over all of them."""
    return done(run.start(services, ADMINISTRATOR, small, BUILT_IN)).work.run_id


def many(settings: Settings) -> QuestionSet:
    questions = [{"id": f"q{number}", "question": f"{number}명이 마실 식혜 재료가 뭐예요?"} for number in range(MANY)]
    return write(question_set.folder(settings) / "many.jsonl", {"set": "many"}, questions)


def done(job: Job[Evaluation]) -> Job[Evaluation]:
    assert job.wait(PATIENCE_S) and (job.phase, job.error) == ("done", None)
    return job


def by_id(rows: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {row["id"]: row for row in rows}


def count(services: Services, table: str) -> int:
    with services.db.cursor() as cursor:
        row = cursor.execute(f"SELECT count(*) FROM {table}").fetchone()
    assert row
    return int(row[0])


def without_times(document: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in document.items() if name not in ("wait_s", "number", "verdict")}


def test_a_run_measures_each_answer_and_nobodys_conversations_see_it(services: Services, finished: str) -> None:
    rows = by_id(run.rows(services, ADMINISTRATOR, finished))
    assert list(rows) == [question["id"] for question in QUESTIONS]
    trace = run.trace(services, ADMINISTRATOR, finished, "made")
    assert trace["understood"]["subjects"] == ["sikhye"] and trace["passages"][0]["kind"] == "ingredients"
    assert {name: rows["made"][name] for name in ("recall_at_1", "mentions", "good", "cluster", "citation_recall")} == {
        "recall_at_1": True,
        "mentions": True,
        "good": True,
        "cluster": "sikhye",
        "citation_recall": 1.0,
    }
    assert rows["cold"]["stable"] and not rows["cold"]["false_alarm"]
    assert rows["jeju"]["exact"] and rows["jeju"]["operation"]
    assert rows["strong"]["figure"] and rows["strong"]["aspect"]
    assert rows["baby"]["cautioned"] and rows["coin"]["declines"] and rows["then"]["good"]
    assert rows["never"]["good"] is False and rows["never"]["question"] == "식혜는 무슨 색이에요?"
    assert all(0 < row["wait_s"] < PATIENCE_S and row["answer"] for row in rows.values())
    assert rows["made"]["identity"] is None and rows["made"]["guard"] == "said" and rows["what"]["identity"]
    assert [count(services, table) for table in ("conversations", "messages", "words", "generations", "citations")] == [
        0
    ] * 5
    (stored,) = store.runs(services.db, ADMINISTRATOR, finished)
    assert stored.finished and stored.setting == BUILT_IN and stored not in run.unfinished(services, ADMINISTRATOR)


def test_a_run_is_exported_as_the_command_line_prints_it(services: Services, small: QuestionSet, finished: str) -> None:
    exported = run.export(services, ADMINISTRATOR, finished)
    with closing(Asking(services, BUILT_IN)) as asking:
        asking.take_hashes()
        printed = evaluate(small.path, find=services.knowledge.find, ask=asking, words=services.words)
    assert exported["set"] == printed["set"] and exported["setting"]["model"] == "built-in"
    assert [without_times(row) for row in exported["questions"]] == [without_times(row) for row in printed["questions"]]
    assert exported["n"] == printed["n"] == len(QUESTIONS) and exported["good"] == printed["good"] == round(8 / 9, 4)
    assert json.loads(json.dumps(exported, ensure_ascii=False)) == exported


def test_without_a_model_the_script_is_read_out_and_stands_first(
    services: Services, small: QuestionSet, finished: str
) -> None:
    job = done(run.start(services, ADMINISTRATOR, small, NO_MODEL))
    read_out, said = (by_id(run.rows(services, ADMINISTRATOR, one)) for one in (job.work.run_id, finished))
    assert read_out["made"]["good"] and read_out["what"]["guard"] == "kept" and read_out["what"]["identity"] is None
    for quoted in ("baby", "coin", "strong", "made"):
        assert read_out[quoted]["answer"] == said[quoted]["answer"]
    assert [one.setting.model for one, _ in run.table(services, ADMINISTRATOR)][:2] == ["", "built-in"]
    run.forget(services, ADMINISTRATOR, job.work.run_id)
    assert job.work.run_id not in [one.id for one in store.runs(services.db, ADMINISTRATOR)]
    with pytest.raises(BadInput):
        run.rows(services, ADMINISTRATOR, job.work.run_id)


def test_a_run_that_was_paused_goes_on_with_nothing_twice(services: Services) -> None:
    asked = many(services.settings)
    job = run.start(services, ADMINISTRATOR, asked, BUILT_IN)
    assert eventually(lambda: job.work.done >= 2, PATIENCE_S)
    services.jobs.pause(ADMINISTRATOR, job)
    assert job.wait(PATIENCE_S) and job.phase == "paused"
    before = store.answers(services.db, ADMINISTRATOR, job.work.run_id)
    assert 2 <= len(before) < MANY
    assert run.resume(services, ADMINISTRATOR, job.work.run_id).id == job.id
    done(job)
    after = store.answers(services.db, ADMINISTRATOR, job.work.run_id)
    assert [one.question_id for one in after] == [question["id"] for question in asked.questions]
    assert after[: len(before)] == before
    run.forget(services, ADMINISTRATOR, job.work.run_id)


def test_a_run_that_was_cancelled_keeps_its_answers_until_it_is_forgotten(services: Services) -> None:
    job = run.start(services, ADMINISTRATOR, many(services.settings), BUILT_IN)
    assert eventually(lambda: job.work.done >= 1, PATIENCE_S)
    services.jobs.cancel(ADMINISTRATOR, job)
    assert job.wait(PATIENCE_S) and job.phase == "cancelled"
    assert [one.id for one in run.unfinished(services, ADMINISTRATOR)] == [job.work.run_id]
    run.forget(services, ADMINISTRATOR, job.work.run_id)
    assert run.unfinished(services, ADMINISTRATOR) == []


def test_a_run_whose_app_was_killed_goes_on_with_nothing_twice(services: Services, tmp_path: Path) -> None:
    settings = Settings(tmp_path / "home", tmp_path)
    asked = many(settings)
    child = subprocess.Popen([sys.executable, "-c", RUN, str(settings.home)], cwd=ROOT, stdout=subprocess.PIPE)
    assert child.stdout and child.stdout.readline() == b"asking\n"
    child.send_signal(signal.SIGKILL)
    child.wait()
    child.stdout.close()
    with closing(Database.open(settings.database)) as db:
        services = replace(services, settings=settings, db=db, knowledge=Knowledge(db, services.words), jobs=Jobs(db))
        (cut,) = run.unfinished(services, ADMINISTRATOR)
        assert [one.subject for one in services.jobs.cut(run.KIND)] == ["many: built-in"]
        before = store.answers(services.db, ADMINISTRATOR, cut.id)
        assert 3 <= len(before) == cut.answered < MANY
        done(run.resume(services, ADMINISTRATOR, cut.id))
        after = store.answers(services.db, ADMINISTRATOR, cut.id)
        assert [one.question_id for one in after] == [question["id"] for question in asked.questions]
        assert after[: len(before)] == before
        assert services.jobs.cut(run.KIND) == [] and run.unfinished(services, ADMINISTRATOR) == []
        asked.path.unlink()
        with pytest.raises(BadInput) as caught:
            run.resume(services, ADMINISTRATOR, cut.id)
        assert caught.value.key == "set_gone"


def test_a_sealed_set_runs_and_shows_nothing_until_it_is_opened(services: Services) -> None:
    path = question_set.folder(services.settings) / "closed.jsonl.gz"
    asked = write(path, {"set": "closed", "sealed": True, "opened": []}, QUESTIONS[:3])
    run_id = done(run.start(services, ADMINISTRATOR, asked, BUILT_IN)).work.run_id
    rows, exported = run.rows(services, ADMINISTRATOR, run_id), run.export(services, ADMINISTRATOR, run_id)
    assert [row["good"] for row in rows] == [True] * 3 and exported["good"] == 1.0
    handed_out = json.dumps([rows, exported], ensure_ascii=False)
    assert not any(text in handed_out for text in ("재료", "엿기름", "오메기술", "sikhye", "omegisul"))
    assert run.trace(services, ADMINISTRATOR, run_id, "made") == {}
    with pytest.raises(BadInput) as caught:
        run.judge_by_hand(services, ADMINISTRATOR, run_id, "made", "right")
    assert caught.value.key == "set_sealed"
    run.open_set(services, Visitor("kim@example.org", administrator=True), asked, "to learn from")
    opened = question_set.read(path).opened
    assert [(one["by"], one["note"]) for one in opened] == [("kim@example.org", "to learn from")] and opened[0]["at"]
    shown = by_id(run.rows(services, ADMINISTRATOR, run_id))
    assert shown["made"]["question"] == "식혜 재료가 뭐예요?" and "엿기름" in shown["made"]["answer"]
    assert "엿기름" in run.trace(services, ADMINISTRATOR, run_id, "made")["constraint"][0]["sentence"]
    path.unlink()
    assert "answer" not in run.rows(services, ADMINISTRATOR, run_id)[0], "nothing says any more that it was opened"


def test_the_command_line_counts_a_sealed_set_and_tells_how_far_it_is(tmp_path: Path) -> None:
    path = tmp_path / "closed.jsonl.gz"
    write(path, {"set": "closed", "sealed": True}, QUESTIONS[:2])
    asked = kdrinks(
        *("evaluate", str(path), "--no-model", "--seed", "7", "--temperature", "0.5", "--json"), home=tmp_path
    )
    figures = document(asked)
    assert (figures["n"], figures["good"], figures["measures"]["stable"]) == (2, 1.0, {"mean": 1.0, "n": 1})
    assert figures["setting"] == asdict(Setting(model="", seed=7, temperature=0.5))
    assert "재료" not in asked.stdout and asked.stderr.splitlines() == ["1 of 2", "2 of 2"]


def test_what_a_person_judged_is_what_counts(services: Services, finished: str) -> None:
    def judge(question_id: str, verdict: Any) -> Any:
        run.judge_by_hand(services, ADMINISTRATOR, finished, question_id, verdict)
        return by_id(run.rows(services, ADMINISTRATOR, finished))[question_id]["good"]

    assert judge("never", "partly") is False and judge("never", "right") is True
    assert judge("made", "declined") is False and judge("coin", "declined") is True
    assert run.export(services, ADMINISTRATOR, finished)["measures"]["good"] == {"mean": round(8 / 9, 4), "n": 9}
    assert judge("made", "right") is True
    assert run.export(services, ADMINISTRATOR, finished)["good"] == 1.0
    assert store.verdicts(services.db, ADMINISTRATOR, finished) == {
        "never": "right",
        "made": "right",
        "coin": "declined",
    }
    for wrong in (("made", "superb"), ("nobody", "right")):
        with pytest.raises(BadInput):
            judge(*wrong)


def test_what_cannot_be_answered_is_a_bad_answer_and_the_run_goes_on(
    services: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = write(tmp_path / "two.jsonl", {"set": "two"}, [QUESTIONS[7], QUESTIONS[4]])
    narrow = write_byte_model(tmp_path / "narrow.gguf", context_length=64)
    setting = Setting(model=str(narrow))
    run_id = done(run.start(services, ADMINISTRATOR, asked, setting)).work.run_id
    what, baby = run.rows(services, ADMINISTRATOR, run_id)
    assert what["good"] and what["guard"] == "quoted", "a window too small for the passages quotes them"
    run.forget(services, ADMINISTRATOR, run_id)

    def dies(*_: Any, **__: Any) -> Iterator[Event]:
        raise EngineDied("engine_failed", reason="for a test")

    monkeypatch.setattr(services.engine, "stream", dies)
    run_id = done(run.start(services, ADMINISTRATOR, asked, setting)).work.run_id
    what, baby = run.rows(services, ADMINISTRATOR, run_id)
    assert what["good"] is False and what["answer"] == "" and "for a test" in what["error"]
    assert baby["cautioned"] and "error" not in baby
    run.forget(services, ADMINISTRATOR, run_id)


def test_a_setting_that_cannot_answer_is_refused_before_a_run_is_stored(services: Services, small: QuestionSet) -> None:
    before = len(store.runs(services.db, ADMINISTRATOR))
    for setting, error in (
        (Setting(model="no-such-model"), ModelNotFound),
        (Setting(model="built-in", adapter="no-such.gguf"), ModelNotFound),
        (Setting(model="built-in", template="poem"), BadInput),
    ):
        with pytest.raises(error):
            run.start(services, ADMINISTRATOR, small, setting)
    assert len(store.runs(services.db, ADMINISTRATOR)) == before


def test_an_upload_is_kept_among_the_sets_when_it_is_one(tmp_path: Path) -> None:
    settings = Settings(tmp_path, tmp_path)
    data = b'{"id": "1", "question": "\xec\x8b\x9d\xed\x98\x9c?"}\n'
    kept = question_set.add_set(settings, ADMINISTRATOR, "우리 질문.jsonl", data)
    assert kept.path.read_bytes() == data and kept.name == "우리 질문"
    assert question_set.add_set(settings, ADMINISTRATOR, "우리 질문.jsonl", data) == kept
    for name, other in (
        ("우리 질문.jsonl", data.replace(b"1", b"2")),
        ("../out.jsonl", data),
        ("questions.csv", data),
        ("bad.jsonl", b"{"),
    ):
        with pytest.raises(BadInput):
            question_set.add_set(settings, ADMINISTRATOR, name, other)
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["우리 질문.jsonl"]
    (tmp_path / "questions" / "torn.jsonl").write_text("{")
    own = [one for one in question_set.sets(settings) if one.path.parent.name == "questions"]
    assert [(one.path.name, one.set is None, one.problem is None) for one in own] == [
        ("torn.jsonl", True, False),
        ("우리 질문.jsonl", False, True),
    ]


def test_opening_again_is_not_undone_by_a_second_upload(tmp_path: Path) -> None:
    settings = Settings(tmp_path, tmp_path)
    made = write(tmp_path / "sealed.jsonl.gz", {"set": "tea", "sealed": True}, QUESTIONS[:1])
    kept = question_set.add_set(settings, ADMINISTRATOR, "tea.jsonl.gz", made.path.read_bytes())
    question_set.open_set(kept.path, "kim", "")
    assert not question_set.add_set(settings, ADMINISTRATOR, "tea.jsonl.gz", made.path.read_bytes()).sealed
