"""A home that kdrinks at commit b7ffbff wrote over six weeks opens with today's, and everything in it is found. How it was made:
data/homes/make_b7ffbff.py; what must be found: data/homes/b7ffbff.json. The archive is only ever copied from."""

import hashlib
import json
import re
import zipfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import duckdb
import pytest

from kdrinks import i18n
from kdrinks.answer import ask
from kdrinks.config import Settings
from kdrinks.drinks import catalog, model
from kdrinks.drinks.facts import facts_of
from kdrinks.drinks.read import record_of
from kdrinks.records import ADMINISTRATOR, StoredQuestion, Visitor
from kdrinks.services import Services, last_choice, open_services
from kdrinks.store import analytics, chats, compare, documents, drinks, forget, preferences, sqlbox, traces, word_stats
from kdrinks.store.analytics import AnalyticsFilter
from kdrinks.ui.analytics.view import STOP_WORDS_KEY
from tests.support.app_pages import open_page, shown
from tests.support.command_line import document, kdrinks

HOMES = Path(__file__).parent / "data" / "homes"
ARCHIVE = HOMES / "b7ffbff.zip"
MANIFEST: dict[str, Any] = json.loads((HOMES / "b7ffbff.json").read_text(encoding="utf-8"))
TALKS: list[dict[str, Any]] = MANIFEST["conversations"]


@pytest.fixture(scope="module", autouse=True)
def archive_is_never_written() -> Iterator[None]:
    before = hashlib.sha256(ARCHIVE.read_bytes()).hexdigest()
    yield
    assert hashlib.sha256(ARCHIVE.read_bytes()).hexdigest() == before


def copied_to(home: Path) -> Path:
    with zipfile.ZipFile(ARCHIVE) as archive:
        archive.extractall(home)
    return home


@contextmanager
def opened(home: Path) -> Iterator[Services]:
    with closing(open_services(Settings(home=home, models=home.parent / "models"))) as services:
        services.knowledge.fill()
        yield services


@pytest.fixture(scope="module")
def copied(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return copied_to(tmp_path_factory.mktemp("old") / "home")


@pytest.fixture(scope="module", params=["opened once", "opened again"])
def services(copied: Path, request: pytest.FixtureRequest) -> Iterator[Services]:
    with opened(copied) as services:
        yield services


def as_listed(asked: StoredQuestion) -> dict[str, Any]:
    """A question and its answer as the manifest holds them."""
    row: dict[str, Any] = {
        "id": asked.question_id,
        "text": asked.question,
        "language": asked.language,
        "asked_at": str(asked.asked_at),
        "interrupted": asked.interrupted,
        "answer": None,
    }
    if exchange := asked.exchange:
        loaded = exchange.loaded
        row["answer"] = {
            "id": exchange.message_id,
            "text": exchange.answer,
            "language": exchange.language,
            "finish": exchange.finish,
            "error": exchange.error,
            "guard": exchange.guard,
            "details": exchange.details,
            "timing": asdict(exchange.timing),
            "model": [loaded.model_id, loaded.quantization, loaded.used] if loaded else None,
            "citations": [
                {"number": cited.number, "score": cited.score, **asdict(cited.passage)} for cited in exchange.citations
            ],
        }
        thought = [row["answer"]["timing"].pop(name) for name in ("thought_s", "thought_tokens")]
        assert thought == [0.0, 0], "nobody counted what was thought"
        for cited in row["answer"]["citations"]:
            kept = [cited.pop(name) for name in ("said", "aspect", "asked")]
            assert not any(kept), "an answer's sources are kept with what they say, not with how it was said or found"
    return json.loads(json.dumps(row))  # type: ignore[no-any-return]


def test_the_archive_holds_what_a_person_has_after_some_weeks() -> None:
    answers = [question["answer"] for talk in TALKS for question in talk["questions"] if question["answer"]]
    assert len(TALKS) >= 8 and any(len(talk["questions"]) > 1 for talk in TALKS)
    assert {answer["finish"] for answer in answers} == {"stop", "stopped", "failed"}
    assert {answer["language"] for answer in answers} == {"ko", "en"}
    assert {"kept", "quoted"} <= {answer["guard"] for answer in answers}
    assert any(question["interrupted"] for talk in TALKS for question in talk["questions"])
    own = {one["id"] for one in MANIFEST["documents"]}
    assert any(cited["subject_id"] in own for answer in answers for cited in answer["citations"])
    assert [one["kind"] for one in MANIFEST["changes"]].count("corrected") == 3
    assert len(MANIFEST["documents"]) == len(MANIFEST["choices"]["sql_queries"]) == 2 and MANIFEST["comparisons"]


def test_every_conversation_is_listed(services: Services) -> None:
    listed = [
        (one.id, one.title, str(one.started_at), str(one.last_at))
        for one in chats.conversations(services.db, ADMINISTRATOR, None)
    ]
    assert listed == [(talk["id"], talk["title"], talk["started_at"], talk["last_at"]) for talk in TALKS]


@pytest.mark.parametrize("talk", TALKS, ids=[talk["id"][-4:] for talk in TALKS])
def test_a_conversation_has_its_texts_citations_guard_and_timings(services: Services, talk: dict[str, Any]) -> None:
    assert [as_listed(asked) for asked in chats.messages(services.db, ADMINISTRATOR, talk["id"])] == talk["questions"]


def test_an_answer_from_before_there_were_traces_has_none(services: Services) -> None:
    for talk in TALKS:
        answers = [question["answer"]["id"] for question in talk["questions"] if question["answer"]]
        assert [traces.of(services.db, ADMINISTRATOR, one) for one in answers] == [{}] * len(answers)
        assert traces.kept(services.db, ADMINISTRATOR, talk["id"]) == frozenset()


def test_once_hosted_all_that_is_old_belongs_to_the_administrators(services: Services) -> None:
    at_home = chats.conversations(services.db, ADMINISTRATOR, None)
    assert chats.conversations(services.db, Visitor("boss", administrator=True), None) == at_home != []
    assert chats.conversations(services.db, Visitor("somebody"), None) == []
    assert not any(chats.messages(services.db, Visitor("somebody"), one.id) for one in at_home)


def test_every_edit_has_its_versions_and_what_can_be_undone(services: Services) -> None:
    changes = [json.loads(json.dumps(asdict(one), default=str)) for one in drinks.changes(services.db)]
    assert changes == MANIFEST["changes"]
    assert {drink_id: one.record for drink_id, one in drinks.edited(services.db).items()} == MANIFEST["edited"]
    now = catalog.current(services.db)
    assert now.edited == set(MANIFEST["edited"]) and not now.unfit


def test_an_old_edit_is_a_correction_of_what_it_changed_and_all_else_is_of_today(services: Services) -> None:
    now, packaged = catalog.current(services.db), {drink.id: drink for drink in catalog.packaged()}
    sikhye, sujeonggwa = now.by_id["sikhye"], now.by_id["sujeonggwa"]
    steps = model.BilingualList(*(tuple(MANIFEST["edited"]["sikhye"]["steps"][lang]) for lang in ("ko", "en")))
    assert sikhye == replace(packaged["sikhye"], steps=steps, confidence="medium")
    assert [row for row in facts_of(sikhye) if row.aspect == "storage"] != []
    # a caution of the package stays beside the one that was written in its place
    own = MANIFEST["edited"]["sujeonggwa"]["cautions"]["ko"]
    assert set(sujeonggwa.cautions.ko) == {*packaged["sujeonggwa"].cautions.ko, *own}
    assert all(line in sujeonggwa.safety.ko for line in sujeonggwa.cautions.ko)
    assert sujeonggwa.details == packaged["sujeonggwa"].details
    assert all(one.package_stands for one in now.conflicts["sujeonggwa"])
    for drink_id in ("heugimja-cha", "dalbit-ihwa"):
        assert record_of(now.by_id[drink_id]) == MANIFEST["edited"][drink_id]


def test_search_finds_added_drinks_and_corrected_texts(services: Services) -> None:
    for question, drink_id in MANIFEST["finds"].items():
        assert services.knowledge.find(question).subjects[:1] == (drink_id,), question
    for question, text in (
        ("식혜는 어떻게 만들어요?", "배 껍질"),
        ("How is sikhye made?", "pear peel"),
        ("수정과를 마실 때 조심할 점이 있나요?", "계피를 많이 먹지 않습니다"),
    ):
        assert any(text in hit.passage.text for hit in services.knowledge.find(question).prompt_hits), question


def test_every_document_is_there_and_search_finds_its_passages(services: Services) -> None:
    rows = []
    for one in documents.listed(services.db, ADMINISTRATOR):
        parts = documents.parts(services.db, ADMINISTRATOR, one.id)
        texts, places = [part.passage.text for part in parts], [[part.heading, part.page] for part in parts]
        rows.append({**asdict(one), "added_at": str(one.added_at), "texts": texts, "places": places})
    assert rows == MANIFEST["documents"]
    for question, text in MANIFEST["document_finds"].items():
        assert any(text in hit.passage.text for hit in services.knowledge.find(question).prompt_hits), question


def test_every_choice_holds(services: Services) -> None:
    choices, choice = MANIFEST["choices"], last_choice(services)
    assert {"model_id": choice.model.id, "device": choice.device, "context_tokens": choice.context_tokens} == choices[
        "model"
    ]
    assert asdict(services.engine.keep_alive) == choices["keeping"]
    assert forget.retention_days(services.db) == choices["retention_days"]
    assert preferences.get(services.db, STOP_WORDS_KEY, []) == choices["stop_words"]
    assert preferences.get(services.db, sqlbox.SAVED_KEY, {}) == choices["sql_queries"]
    for sql in choices["sql_queries"].values():
        assert len(sqlbox.query(services.db, ADMINISTRATOR, sql, time_limit_s=60).table)


def test_analytics_count_what_was_said(services: Services) -> None:
    counts = analytics.counts(services.db, ADMINISTRATOR, AnalyticsFilter()).to_dict("records")[0]
    assert {name: counts[name] for name in MANIFEST["counts"]} == MANIFEST["counts"]
    # no warm-up counts again here: these are the words as they were counted then
    top = dict(MANIFEST["words"])
    now = word_stats.top_words(services.db, ADMINISTRATOR, AnalyticsFilter(), limit=1000)
    counted = {row["word"]: row["count"] for row in now.to_dict("records")}
    assert {word: counted.get(word) for word in top} == top
    compared = [
        (row["id"], row["settings"], row["models"], len(compare.results(services.db, ADMINISTRATOR, row["id"])))
        for row in compare.comparisons(services.db, ADMINISTRATOR).to_dict("records")
    ]
    assert compared == [(one["id"], one["settings"], one["models"], one["results"]) for one in MANIFEST["comparisons"]]


def test_an_old_conversation_goes_on_and_old_edits_are_undone(tmp_path: Path) -> None:
    with opened(copied_to(tmp_path / "home")) as services:
        talk = next(talk for talk in TALKS if talk["title"].startswith("식혜에는"))
        answer = ask(services, ADMINISTRATOR, "누가 마시면 안 돼요?", conversation_id=talk["id"])
        answer.wait()
        assert answer.error is None and answer.text
        assert any(cited.passage.subject_id == "sikhye" for cited in answer.citations)
        assert len(chats.messages(services.db, ADMINISTRATOR, talk["id"])) == len(talk["questions"]) + 1
        packaged = {drink.id: drink for drink in catalog.packaged()}
        for change in MANIFEST["changes"]:
            if change["can_be_undone"]:
                drinks.undo(services.db, ADMINISTRATOR, change["id"])
        now = catalog.current(services.db)
        assert now.by_id["sikhye"].hanja == "甘酒水", "the undo is undone"
        assert now.by_id["sikhye"].details == packaged["sikhye"].details
        assert now.edited == {"sikhye"}


def test_the_command_line_exports_lists_and_finds_everything(tmp_path: Path) -> None:
    home = copied_to(tmp_path / "home")
    exported = document(kdrinks("export", str(tmp_path / "out"), "--json", home=home))
    questions = [question for talk in TALKS for question in talk["questions"]]
    texts = {one["id"]: one["text"] for question in questions for one in (question, question["answer"]) if one}
    with duckdb.connect() as connection:
        rows = connection.execute(
            "SELECT id::VARCHAR, text FROM read_parquet(?)", [str(tmp_path / "out" / "messages.parquet")]
        )
        assert dict(rows.fetchall()) == texts
    assert exported["rows"]["messages"] == len(texts)
    listed = document(kdrinks("documents", "list", "--json", home=home))
    assert [(row["id"], row["title"], row["passages"]) for row in listed] == [
        (one["id"], one["title"], one["passages"]) for one in MANIFEST["documents"]
    ]
    for question, text in [*MANIFEST["document_finds"].items(), ("흑임자차 재료가 뭐예요?", "검은깨")]:
        found = document(kdrinks("search", question, "--json", home=home))
        assert any(text in row["text"] for row in found), question


def longest_line(text: str) -> str:
    """Of a text with marks and quotes, what a page shows unchanged."""
    return max(re.findall(r"[\w ,]+", text), key=len, default="").strip()


def test_every_old_conversation_opens_in_the_chat(home: Path) -> None:
    copied_to(home)
    for talk in TALKS:
        page = open_page("chat", "ko", c=talk["id"])
        text = shown(page)
        for question in talk["questions"]:
            assert longest_line(question["text"]) in text
            assert longest_line((question["answer"] or {"text": ""})["text"]) in text
        assert i18n.text("trace.title", "ko") not in [button.label for button in page.button]


def test_the_drinks_pages_show_what_was_added_corrected_and_kept(home: Path) -> None:
    copied_to(home)
    for drink_id, text in (("heugimja-cha", "볶은 검은깨"), ("dalbit-ihwa", "우리 동네 술"), ("sikhye", "배 껍질")):
        assert text in shown(open_page("drinks", "ko", drink=drink_id))
    page = shown(open_page("drinks", "en", documents="1"))
    for one in MANIFEST["documents"]:
        assert one["title"] in page


def test_the_data_and_models_pages_show_what_was_chosen(home: Path) -> None:
    copied_to(home)
    page = open_page("analytics", "en", section="data")
    assert {"많이 나온 음료", "answers by day"} <= {button.label for button in page.button}
    assert page.selectbox(key="retention-en").value == MANIFEST["choices"]["retention_days"]
    page = open_page("models", "en")
    choice, keeping = MANIFEST["choices"]["model"], MANIFEST["choices"]["keeping"]
    assert page.radio(key="choice-model-en").value == choice["model_id"]
    assert page.get("button_group") and page.session_state["choice-device"] == choice["device"]
    assert page.selectbox(key="choice-context-built-in-en").value == choice["context_tokens"]
    assert page.selectbox(key="keeping-minutes-en").value == keeping["idle_s"] / 60
    assert page.session_state["keeping-models"] == keeping["models"]
