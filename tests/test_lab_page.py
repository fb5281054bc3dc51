"""The evaluation page without a browser: running sets, reading and judging answers, two runs beside each other, sealed sets."""

import json
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from kdrinks.measure import pairing, question_set, run
from kdrinks.records import ADMINISTRATOR
from kdrinks.store import evaluations
from kdrinks.store.evaluations import Setting
from kdrinks.ui import frame
from kdrinks.ui.lab import results
from tests.support.app_pages import open_page, shown
from tests.support.stored_runs import QUESTIONS, store_run, write_set

BUILT_IN = Setting("built-in")
PATIENCE_S = 120.0


def lab(lang: str = "en", **address: str) -> AppTest:
    return open_page("lab", lang, **address)


def form(home: Path) -> AppTest:
    """The start of a run, with the set of write_set() chosen."""
    return lab().selectbox(key="lab-form-set-en").set_value(str(home / "questions" / "mine.jsonl")).run()


def stored(home: Path, *runs: tuple[Setting, list[bool]], sealed: bool = False, **more: Any) -> list[str]:
    """Ids of runs of one set, stored before the page is opened."""
    asked = write_set(home, sealed=sealed, **more)
    return [store_run(frame.get_services().db, asked, setting, good) for setting, good in runs]


def listed(app: AppTest) -> list[str]:
    """The questions of the list, without the backslashes that keep them plain."""
    return [one.label.replace("\\", "") for one in app.button if (one.key or "").startswith("lab-open-")]


def picked(app: AppTest, key: str) -> Any:
    return next(one for one in app.button if (one.key or "").startswith(key))


def rows(run_id: str) -> dict[str, dict[str, Any]]:
    return {row["id"]: row for row in run.rows(frame.get_services(), ADMINISTRATOR, run_id)}


def test_a_set_is_run_from_the_page_and_no_model_is_the_first_row_of_the_results(home: Path) -> None:
    write_set(home, questions=QUESTIONS[:2])
    app = form(home)
    assert app.multiselect(key="lab-models-en").value == ["", "built-in"], "no model is on by default"
    assert "2 questions × 2 settings: 4 answers in all." in shown(app)
    app.button(key="lab-start").click().run()
    assert not app.exception and not app.error
    jobs = frame.get_services().jobs.of(run.KIND)
    assert [job.work.setting.model for job in jobs] == ["", "built-in"]
    app.switch_page("../../pages/chat.py").run()
    assert all(job.wait(PATIENCE_S) and job.phase == "done" for job in jobs)
    app = lab(section="results")
    assert list(app.dataframe[0].value["run"]) == ["No model", "Built-in model"]
    assert list(app.dataframe[0].value["answered"]) == ["2 of 2", "2 of 2"]
    assert len(app.get("vega_lite_chart")) == 1 and "95 % interval" in shown(app)
    app.button(key="lab-read").click().run()
    assert not app.exception and "##### 식혜" in shown(app), "an answer opens its passages as in the chat"
    assert run.trace(frame.get_services(), ADMINISTRATOR, jobs[0].work.run_id, "q1")["candidates"]


def test_a_second_click_on_start_asks_nothing_twice(home: Path) -> None:
    write_set(home, questions=[{**QUESTIONS[0], "id": str(number)} for number in range(200)])
    app = form(home)
    app.button(key="lab-start").click().run()
    app.button(key="lab-start").click().run()
    jobs = frame.get_services().jobs.of(run.KIND)
    assert [job.work.setting.model for job in jobs] == ["", "built-in"]
    for job in jobs:
        job.cancel()
        assert job.wait(PATIENCE_S)


def test_how_long_a_run_takes_is_said_once_it_was_measured(home: Path) -> None:
    write_set(home)
    assert "takes about" not in shown(form(home))
    many = [{**QUESTIONS[0], "id": str(number)} for number in range(8)]
    asked = write_set(home, "many", questions=many)
    store_run(frame.get_services().db, asked, Setting(""), [True] * 8)
    assert "Without the settings that nobody measured yet that takes about 1 s." in shown(form(home))


def test_a_damaged_set_is_told_by_line_and_a_good_one_is_kept_and_chosen(home: Path) -> None:
    write_set(home)
    app = lab()
    good = json.dumps({"question": "식혜란?"})
    app.file_uploader[0].set_value(("broken.jsonl", f"{good}\n{{oops".encode(), "text/plain")).run()
    assert "broken.jsonl, line 2" in app.error[0].value and not app.exception
    app.file_uploader[0].set_value(("own.jsonl", good.encode(), "text/plain")).run()
    assert not app.error and str(app.selectbox(key="lab-form-set-en").value).endswith("own.jsonl")
    assert "1 questions × 2 settings" in shown(app)


def test_a_run_that_was_cut_is_offered_and_goes_on_with_what_is_left(home: Path) -> None:
    (cut,) = stored(home, (Setting(""), [True, False]))
    app = lab()
    assert "Not finished" in shown(app) and "2 of 4" in shown(app)
    app.button(key=f"resume-{cut}").click().run()
    assert not app.exception and not app.error
    job = frame.get_services().jobs.latest(run.KIND)
    assert job and job.wait(PATIENCE_S) and job.phase == "done"
    assert list(rows(cut)) == ["q1", "q2", "q3", "q4"]
    assert rows(cut)["q1"]["answer"] == "script: good answer to q1", "what was answered stays"
    assert "Not finished" not in shown(lab())


def test_answers_are_read_failures_first_and_a_verdict_leads_to_the_next_unjudged_one(home: Path) -> None:
    (one,) = stored(home, (BUILT_IN, [True, False, True, False]))
    app = lab(section="read")
    questions = [str(question["question"]) for question in QUESTIONS]
    assert listed(app) == [questions[1], questions[3], questions[0], questions[2]]
    text = shown(app)
    assert "built-in: bad answer to q2" in text and "lacks what it must say" in text and "계피" in text
    picked(app, "verdict-right-").click().run()
    assert "built-in: bad answer to q4" in shown(app)
    assert app.query_params["at"] == ["q4"] or app.query_params["at"] == "q4"
    picked(app, "verdict-wrong-").click().run()
    assert "built-in: good answer to q1" in shown(app)
    app.button(key="lab-previous").click().run()
    assert "built-in: bad answer to q4" in shown(app) and "judged by hand: 2 of 4" in shown(app)
    assert rows(one)["q2"]["verdict"] == "right" and rows(one)["q2"]["good"] is True, "a person's word counts"
    assert rows(one)["q4"]["good"] is False
    assert listed(app)[0] == questions[1], "the list stays as it is while somebody reads"
    assert {button.label for button in app.button if (button.key or "").startswith("verdict-")} == {
        *("Right", "Partly", "Wrong", "Unsafe", "Ugly", "Declined")
    }


def test_the_list_is_narrowed_by_failure_judgement_language_and_kind(home: Path) -> None:
    stored(home, (BUILT_IN, [True, False, True, False]))
    app = lab(section="read", show="failed")
    assert listed(app) == [QUESTIONS[1]["question"], QUESTIONS[3]["question"]]
    app.button_group(key="lab-said-en").set_value("en").run()
    assert listed(app) == [QUESTIONS[3]["question"]]
    app.button_group(key="lab-show-en").set_value("unjudged").run()
    assert listed(app) == [QUESTIONS[3]["question"], QUESTIONS[2]["question"]]
    picked(app, "verdict-right-").click().run()
    assert listed(app) == [QUESTIONS[2]["question"]]
    app.selectbox(key="lab-kind-en").set_value("why").run()
    assert "No answer is left" in shown(app)
    assert not app.exception and app.query_params["kind"] in ("why", ["why"])


def test_two_runs_show_what_turned_and_each_flip_opens_both_answers(home: Path) -> None:
    no_model, built_in = stored(home, (Setting(""), [True, False, True, True]), (BUILT_IN, [True, True, False, True]))
    app = lab(section="compare")
    text = shown(app)
    assert "Worse: 1" in text and "Better: 1" in text and "No difference shown" in text
    assert "4 are too few to show any difference" in text
    app.button(key="flip-worse-3").click().run()
    assert not app.exception
    text = shown(app)
    assert "script: good answer to q3" in text and "built-in: bad answer to q3" in text
    assert app.query_params["run"] in (built_in, [built_in]) and app.query_params["beside"] in (no_model, [no_model])
    app.button_group(key="lab-show-en").set_value("turned").run()
    assert listed(app) == ["↘ What is makgeolli?", "↗ 수정과에는 무엇이 들어가나요?"]


def test_what_all_answers_pass_is_said_by_what_it_rules_out(home: Path) -> None:
    many = [{**QUESTIONS[0], "id": str(number)} for number in range(30)]
    stored(home, (Setting(""), [True] * 30), (BUILT_IN, [True] * 30), questions=many)
    assert "30 of 30: fails under 10 %" in shown(lab(section="compare"))


def test_a_run_is_saved_as_the_file_that_lab_compare_reads(home: Path, tmp_path: Path) -> None:
    (one,) = stored(home, (BUILT_IN, [True, False, True, True]))
    lab(section="results")
    found = evaluations.runs(frame.get_services().db, ADMINISTRATOR, one)[0]
    path = tmp_path / "run.json"
    path.write_text(results.as_json(frame.get_services(), found), encoding="utf-8")
    assert [row["good"] for row in pairing.read_run(path).values()] == [True, False, True, True]


def test_a_run_is_deleted_after_it_was_asked(home: Path) -> None:
    (one,) = stored(home, (BUILT_IN, [True] * 4))
    app = lab(section="results")
    app.button(key=f"delete-{one}").click().run()
    assert not app.exception and "Nothing evaluated yet" in [one.value for one in app.subheader]


def test_a_sealed_set_counts_and_shows_nothing_until_its_file_says_why_it_was_opened(home: Path) -> None:
    (one, _) = stored(home, (BUILT_IN, [True, False, True, False]), (Setting(""), [True] * 4), sealed=True)
    for section in ("new", "results", "read", "compare"):
        app = lab(section=section, run=one)
        said = shown(app) + " ".join(button.label for button in app.button) + str([one.value for one in app.dataframe])
        assert not any(str(question["question"]) in said for question in QUESTIONS), section
        assert "answer to q" not in said, section
    app = lab(section="read", run=one)
    assert "**2** of 4 answers failed" in shown(app)
    path = home / "questions" / "mine.jsonl.gz"
    open_yes = f"lab-open-yes-{question_set.read(path).hash}"
    app.button(key=open_yes).click().run()
    assert "**2** of 4 answers failed" in shown(app), "without a reason it stays sealed"
    app.text_area[0].set_value("we publish").run()
    app.button(key=open_yes).click().run()
    assert not app.exception and "built-in: bad answer to q2" in shown(app)
    assert [entry["note"] for entry in question_set.read(path).opened] == ["we publish"]


def test_a_visitor_of_a_hosted_site_neither_finds_nor_uses_it(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stored(home, (BUILT_IN, [True, False, True, False]))
    monkeypatch.setenv("KDRINKS_ADMINS", "boss@example.org")
    frame.get_services().close()
    frame.get_services.clear()
    app = lab()
    assert "Only administrators evaluate here" in shown(app)
    assert not any((button.key or "").startswith("lab-") for button in app.button)
